"""One value against one value: the named rules."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from prorl_envs.answers.approximate import context
from prorl_envs.answers.equality import constant_value, nodes_equal, proportional
from prorl_envs.answers.exact import exact
from prorl_envs.answers.families import same_family
from prorl_envs.answers.outcome import UNDECIDED, Outcome, differ, same
from prorl_envs.answers.renaming import (
    another_argument,
    arbitrary_constants,
    bound_variable,
    integration_constant,
)
from prorl_envs.answers.shapes import Relation, Scalar
from prorl_envs.answers.syntax import Node, Unreadable, number, symbols
from prorl_envs.answers.units import Unit, parse_unit

__all__ = ["compare_scalars", "is_compound", "percent_game", "relation_matches"]

_LONG_DECIMAL = 10
"""Significant digits from which a decimal counts as its exact value written out."""
_LONGER_BY = 3


def compare_scalars(gold: Scalar, answer: Scalar) -> Outcome:
    """By value, then by the other ways to write a value: percent, degrees, rounding, parameters."""
    if _labels_clash(gold, answer):
        return differ("another name")
    if another_argument(gold, answer):
        return (
            bound_variable(gold, answer) if bound_variable(gold, answer).equal else differ("bound variable")
        )
    if is_compound(gold.name) and is_compound(answer.name):
        return Outcome(relation_matches(gold, answer), "equation")
    units = _units_clash(gold.unit, answer.unit)
    if units is not None and not units.equal:
        return units
    if units is not None and units.rule == "unit":
        return _converted(gold, answer)
    verdict = nodes_equal(gold.nodes, answer.nodes)
    if verdict:
        return same("value")
    if gold.approx and nodes_equal(gold.approx, answer.nodes):
        return same("the gold's approximation")
    for rule in (
        _percent,
        _degrees,
        _based,
        _rounded,
        _family,
        bound_variable,
        arbitrary_constants,
        integration_constant,
        _unit_letter,
    ):
        outcome = rule(gold, answer)
        if outcome.decided:
            return outcome
    return UNDECIDED if verdict is None else differ("value")


# --- names ---
def _labels_clash(gold: Scalar, answer: Scalar) -> bool:
    """``x = 5`` against ``y = 5``. Words, function heads and y against f(x) are no clash."""
    a, b = gold.name, answer.name
    if a is None or b is None:
        sums = all(any(sign in label for sign in "+-") for label in (gold.label, answer.label))
        return sums and gold.label != answer.label
    if a.op == b.op == "apply" and not symbols(a) and not symbols(b):
        return nodes_equal((a,), (b,)) is False
    if a.op != "sym" or b.op != "sym":
        return False
    return str(a.value).partition("_")[0] != str(b.value).partition("_")[0]


def is_compound(name: Node | None) -> bool:
    """Whether a name is a combination of unknowns, as in ``x + y = 1``: then the equation is the answer."""
    return (
        name is not None
        and name.op in ("add", "mul", "div", "pow")
        and any(s[0].islower() for s in symbols(name))
    )


# --- units in words ---
def _units_clash(gold: str, answer: str) -> Outcome | None:
    """None when at most one side has a unit; else whether the two can be compared."""
    if not gold.strip() or not answer.strip():
        return None
    if gold.split() == answer.split():
        return None
    a, b = parse_unit(gold), parse_unit(answer)
    if a is None or b is None:
        return None
    if a.physical and b.physical:
        return same("unit") if a.dims == b.dims else differ("dimension")
    if a.nouns and b.nouns and not any(x[:5] == y[:5] for x in a.nouns for y in b.nouns):
        return differ("another thing counted")
    return None


def _converted(gold: Scalar, answer: Scalar) -> Outcome:
    a, b = parse_unit(gold.unit), parse_unit(answer.unit)
    assert isinstance(a, Unit) and isinstance(b, Unit)
    scaled = tuple(Node("mul", (node, number(b.factor / a.factor))) for node in answer.nodes)
    return Outcome(nodes_equal(gold.nodes, scaled), "unit")


def _unit_letter(gold: Scalar, answer: Scalar) -> Outcome:
    """``10 m`` where the gold is 10: a number and one upright-looking letter."""
    node = answer.nodes[0]
    if symbols(gold.nodes[0]) or answer.unit or node.op != "mul" or len(node.args) != 2:
        return UNDECIDED
    value, letter = node.args
    if value.op != "num" or letter.op != "sym" or str(letter.value) not in "msgL":
        return UNDECIDED
    return same("unit") if nodes_equal(gold.nodes, (value,)) else UNDECIDED


# --- other ways to write a number ---
def _percent(gold: Scalar, answer: Scalar) -> Outcome:
    """A gold in percent also accepts its number; a plain gold accepts "28%" for 28, and "100%" for 1."""
    gold_inner, answer_inner = _unwrapped(gold.nodes[0], "percent"), _unwrapped(answer.nodes[0], "percent")
    if gold_inner is not None and answer_inner is None:
        return same("percent") if nodes_equal((gold_inner,), answer.nodes) else UNDECIDED
    if answer_inner is not None and gold_inner is None:
        value = exact(gold.nodes[0], {})
        if value is not None and abs(value) >= 1 and nodes_equal(gold.nodes, (answer_inner,)):
            return same("percent")
    return UNDECIDED


def percent_game(gold: Scalar, answer: Scalar) -> bool:
    """``700%`` for 7: equal in value, but nobody's way to write it."""
    if _unwrapped(answer.nodes[0], "percent") is None or _unwrapped(gold.nodes[0], "percent") is not None:
        return False
    value = exact(gold.nodes[0], {}) if not symbols(gold.nodes[0]) else None
    return value is not None and abs(value) > 1


def _degrees(gold: Scalar, answer: Scalar) -> Outcome:
    """A degree sign on one side only may be left out; degrees and radians are converted by value already."""
    gold_inner, answer_inner = _unwrapped(gold.nodes[0], "degree"), _unwrapped(answer.nodes[0], "degree")
    if (gold_inner is None) == (answer_inner is None):
        return UNDECIDED
    left = (gold_inner,) if gold_inner is not None else gold.nodes
    right = (answer_inner,) if answer_inner is not None else answer.nodes
    return same("degrees") if nodes_equal(left, right) else UNDECIDED


def _based(gold: Scalar, answer: Scalar) -> Outcome:
    """``1011`` for ``1011_2`` or the reverse: the digits are the answer, the problem named the base."""
    first, second = gold.nodes[0], answer.nodes[0]
    if first.op == "based" and second.op == "based":
        return Outcome(first.value == second.value, "base")
    if "based" not in (first.op, second.op):
        return UNDECIDED
    based, plain = (first, second) if first.op == "based" else (second, first)
    digits = str(based.value).partition("_")[0]
    written = exact(plain, {}) if plain.op == "num" and plain.digits is None else None
    return Outcome(written is not None and digits == str(written), "base")


def _unwrapped(node: Node, op: str) -> Node | None:
    if node.op == op:
        return node.args[0]
    if node.op == "neg" and node.args[0].op == op:
        return Node("neg", node.args[0].args)
    return None


def _rounded(gold: Scalar, answer: Scalar) -> Outcome:
    """A decimal gold that is the rounded value of an answer without finite decimals; or the reverse, at length."""
    if symbols(gold.nodes[0]) or symbols(answer.nodes[0]):
        return UNDECIDED
    g, a = _decimal(gold.nodes[0]), _decimal(answer.nodes[0])
    if g is not None and a is None and g[1] >= 2 and not _terminates(answer.nodes[0]):
        return same("rounds to the gold") if _within(answer.nodes[0], *g) else UNDECIDED
    if g is not None and a is not None and g[1] >= 2 and a[1] >= g[1] + _LONGER_BY:
        return same("rounds to the gold") if _within(answer.nodes[0], *g) else UNDECIDED
    if a is not None and g is None and _significant(*a) >= _LONG_DECIMAL and not _terminates(gold.nodes[0]):
        spare = _significant(*a) > _LONG_DECIMAL  # the last digit of a machine's number may be off
        return same("written out") if _within(gold.nodes[0], a[0], a[1] - spare) else UNDECIDED
    return UNDECIDED


def _decimal(node: Node) -> tuple[Fraction, int] | None:
    """The value and the decimal places of a decimal numeral."""
    inner, sign = (node.args[0], -1) if node.op == "neg" else (node, 1)
    if inner.op == "percent":
        inner = inner.args[0]
        scale = 2
    else:
        scale = 0
    if inner.op != "num" or inner.digits is None or not isinstance(inner.value, Fraction):
        return None
    return sign * inner.value / 10**scale, inner.digits + scale


def _significant(value: Fraction, places: int) -> int:
    return len(str(abs(int(value * 10 ** max(places, 0)))))


def _terminates(node: Node) -> bool:
    try:
        value = exact(node, {})
    except Unreadable:
        return False
    if value is None:
        return False
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def _within(node: Node, value: Fraction, places: int) -> bool:
    """Whether the exact value of `node` rounds to `value` at `places` decimal places."""
    try:
        true: Any = constant_value(node)
    except Unreadable:
        return False
    half = Fraction(1, 2) / Fraction(10) ** places
    if isinstance(true, Fraction):
        return abs(true - value) <= half
    mp = context(50)
    return bool(mp.im(true) == 0 and abs(mp.re(true) - mp.mpf(value.numerator) / value.denominator)
                <= mp.mpf(half.numerator) / half.denominator)  # fmt: skip


def _family(gold: Scalar, answer: Scalar) -> Outcome:
    r"""``k\pi`` against ``n\pi``, ``\frac{\pi}{4} + k\pi`` against ``n\pi - \frac{3\pi}{4}``."""
    return same("integer parameter") if same_family(gold.nodes[0], answer.nodes[0]) else UNDECIDED


# --- equations ---
def relation_matches(gold: Scalar | Relation, answer: Scalar | Relation) -> bool | None:
    """Whether two equations (a labelled value is one) say the same: their sides differ by one constant factor."""
    first, second = _zero_form(gold), _zero_form(answer)
    if first is None or second is None:
        return None
    return proportional(first, second)


def _zero_form(shape: Scalar | Relation) -> Node | None:
    if isinstance(shape, Relation):
        return Node("add", (shape.left[0], Node("neg", (shape.right[0],))))
    if shape.name is None:
        return None
    return Node("add", (shape.name, Node("neg", (shape.nodes[0],))))
