"""Are two expressions the same?

Constants: exact fractions when both are rational, else 50 digits, confirmed with 200. Expressions in symbols:
both are evaluated at fixed generic points (the Schwartz-Zippel test, exact where possible), so that neither
simplification nor its hangs are needed. Real functions are compared where both are real; counting functions at
whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from prorl_envs.answers.approximate import NotReal, approximate, context, peak, point
from prorl_envs.answers.exact import TooLarge, Undefined, exact
from prorl_envs.answers.latex import clean
from prorl_envs.answers.parser import read
from prorl_envs.answers.syntax import Node, Unreadable, symbols, walk

__all__ = ["constant_value", "equal", "nodes_equal", "plain_equal", "proportional"]

Point: TypeAlias = "dict[str, Fraction]"
Relation: TypeAlias = Callable[[Any, Any], bool]

_DIGITS = (50, 200)
_NEEDED = 3
_COUNTING = frozenset({"fact", "binom", "floor", "ceil", "mod", "sum", "prod", "based"})
_CIRCULAR = frozenset({"sin", "cos", "tan"})
_INDICES = frozenset("kmnNlj")


def equal(a: Node, b: Node, *, positive: bool = False) -> bool | None:
    """Whether `a` and `b` have the same value wherever both are defined; None when that cannot be told.

    Args:
        a: one expression.
        b: the other.
        positive: the symbols stand for positive quantities (physics), so that sqrt(v^2) is v.
    """
    if a == b:
        return True
    if not symbols(a) and not symbols(b):
        return _constants_equal(a, b)
    whole = _counts(a) or _counts(b)
    agreed = 0
    for values in _points(symbols(a) | symbols(b), whole=whole, positive=positive):
        try:
            pair = _values(a, b, values, real=not _complex(a, b))
        except TooLarge:
            return None
        except (NotReal, Undefined):
            continue
        except Unreadable:
            return None
        if pair is False:
            return False
        agreed += 1
    return True if agreed >= _NEEDED else None


def nodes_equal(gold: tuple[Node, ...], answer: tuple[Node, ...]) -> bool | None:
    """Whether some reading of one equals some reading of the other."""
    answers = [equal(g, a) for g in gold for a in answer]
    if True in answers:
        return True
    return None if None in answers else False


def plain_equal(a: str, b: str) -> bool:
    """Whether two texts are readable expressions of equal value."""
    try:
        return equal(read(clean(a)), read(clean(b))) is True
    except Unreadable:
        return False


def proportional(a: Node, b: Node, *, sign: int = 0) -> bool | None:
    """Whether ``a = c b`` for one constant c, of the given sign where `sign` is not 0.

    For equations ``a = 0`` and ``b = 0``: do they say the same?
    """
    names = symbols(a) | symbols(b)
    if not names:
        return None
    ratios: list[Any] = []
    for values in _points(names, whole=_counts(a) or _counts(b), positive=False):
        try:
            top, bottom = (approximate(n, values, _DIGITS[0], real=True) for n in (a, b))
        except TooLarge:
            return None
        except Undefined:
            continue
        except Unreadable:
            return None
        if bottom == 0 or top == 0:
            if bottom == top:
                continue
            return False
        ratios.append(top / bottom)
        if not _close(ratios[0], ratios[-1], _DIGITS[0]):
            return False
    if len(ratios) < _NEEDED:
        return None
    return sign == 0 or (ratios[0] > 0) == (sign > 0)


def constant_value(node: Node, digits: int = 50) -> Any:
    """The numeric value of an expression without symbols: a Fraction where exact, else an mpmath number.

    Raises:
        Unreadable: it has symbols, no finite value, or one too large.
    """
    if symbols(node):
        raise Unreadable("not a constant")
    value = exact(node, {})
    return value if value is not None else approximate(node, {}, digits, real=False)


def _constants_equal(a: Node, b: Node) -> bool | None:
    try:
        first, second = exact(a, {}), exact(b, {})
        if first is not None and second is not None:
            return first == second
        coarse = tuple(approximate(n, {}, _DIGITS[0], real=False) for n in (a, b))
        if not _may_be_equal(coarse[0], coarse[1], _DIGITS[0]):
            return False
        fine = tuple(approximate(n, {}, _DIGITS[1], real=False) for n in (a, b))
        if any(n.op == "add" for node in (a, b) for n in walk(node)) and _hides(a, b):
            return None
        return _confirmed(coarse, fine)
    except Unreadable:
        return None


def _hides(a: Node, b: Node) -> bool:
    """Whether a sum's small terms may be lost beside its large ones even at the finest precision."""
    return max(peak(a, _DIGITS[0]), peak(b, _DIGITS[0])) > 3 * _DIGITS[1]


def _values(a: Node, b: Node, values: Mapping[str, Fraction], *, real: bool) -> bool:
    first, second = exact(a, values), exact(b, values)
    if first is not None and second is not None:
        return first == second
    x, y = (approximate(n, values, _DIGITS[0], real=real) for n in (a, b))
    if not _may_be_equal(x, y, _DIGITS[0]):
        return False
    if x != 0 and context(_DIGITS[0]).mag(x) > -60:
        return True
    finer = tuple(approximate(n, values, _DIGITS[1], real=real) for n in (a, b))
    return _confirmed((x, y), finer)


def _close(x: Any, y: Any, digits: int) -> bool:
    """Equal up to rounding, relative to their size."""
    mp = context(digits)
    return bool(abs(x - y) <= max(abs(x), abs(y)) * mp.mpf(10) ** (-digits * 3 // 5))


def _may_be_equal(x: Any, y: Any, digits: int) -> bool:
    """Close, or both so small that they may be zeros lost in rounding noise."""
    return _close(x, y, digits) or bool(max(abs(x), abs(y)) < context(digits).mpf(10) ** (-digits * 4 // 5))


def _confirmed(coarse: tuple[Any, ...], fine: tuple[Any, ...]) -> bool:
    """The verdict of the finer values: close, or zeros, which shrink as the digits grow, unlike small numbers."""
    if _close(fine[0], fine[1], _DIGITS[1]):
        return True
    mp = context(_DIGITS[1])
    shrink = mp.mpf(10) ** (-(_DIGITS[1] - _DIGITS[0]) // 2)
    return all(
        bool(f == 0 or (c != 0 and abs(f) < abs(c) * shrink)) for c, f in zip(coarse, fine, strict=True)
    )


def _complex(*nodes: Node) -> bool:
    return any(n.op == "const" and n.value == "i" for node in nodes for n in walk(node))


def _counts(node: Node) -> bool:
    """Whether the expression makes sense, or simplifies, for whole numbers only."""
    for n in walk(node):
        if n.op in _COUNTING and symbols(n):
            return True
        if n.op == "pow" and n.args[0].op in ("neg", "num") and symbols(n.args[1]) and _negative(n.args[0]):
            return True
        if n.op == "fn" and n.value in _CIRCULAR and symbols(n) and symbols(n) <= _INDICES:
            return any(m.op == "const" and m.value == "pi" for m in walk(n))
    return False


def _negative(node: Node) -> bool:
    return node.op == "neg" and not symbols(node)


def _points(names: frozenset[str], *, whole: bool, positive: bool) -> Iterator[Point]:
    ordered = sorted(names)
    if whole:
        for index in range(14):
            yield {n: Fraction(1 + int(point(n, index) * 1_000_003) % (6 + 2 * index)) for n in ordered}
        return
    for index in range(3 if positive else 6):
        values = {n: point(n, index) for n in ordered}
        if index >= 3:
            values = {
                n: -v if (index - 3 + place) % 3 != 2 else v for place, (n, v) in enumerate(values.items())
            }
        yield values
