r"""Sets of reals, however written: inequalities, set-builders, unions of intervals, exclusions.

``x < -1 or x \ge 3``, ``\{x \mid x < -1 \lor 3 \le x\}`` and ``(-\infty,-1) \cup [3,\infty)`` all
read as one `Region`.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from prorl_envs.answers.exact import exact
from prorl_envs.answers.lexer import Token
from prorl_envs.answers.parser import readings
from prorl_envs.answers.plusminus import expand
from prorl_envs.answers.regions import WHOLE, intersection, is_empty, without
from prorl_envs.answers.shapes import Piece, Region
from prorl_envs.answers.splitting import (
    COMPARISONS,
    closes_all,
    cut,
    depths,
    is_name,
    is_word,
    spelled,
    ungrouped,
)
from prorl_envs.answers.syntax import Node, Unreadable, number, symbols

__all__ = ["interval_piece", "is_infinite", "region_of"]

_ORDER = {"<": (1, False), "<=": (1, True), ">": (-1, False), ">=": (-1, True)}
_SET_OPERATIONS = frozenset({"cup", "cap", "setminus"})
_COMPARING = frozenset({"<", ">", "le", "ge", "ne"})
_SIGNS = frozenset({"<", ">", "le", "ge", "ne"}) | _SET_OPERATIONS | {"mathbb"}


def region_of(tokens: Sequence[Token]) -> Region | None:
    """The region the tokens describe, or None when they do not look like one.

    Raises:
        Unreadable: they look like one, but part of it cannot be read.
    """
    if not any(_is_sign(t) for t in tokens):
        return None
    if builder := _builder(tokens):
        region = region_of(builder)
        return Region(region.pieces) if region else None
    if not any(_is_sign(t) for t, depth in zip(tokens, depths(tokens), strict=True) if depth == 0):
        return None
    if _is_reals(tokens):
        return Region(WHOLE)
    compares = any(
        t.text in _COMPARING and depth == 0 for t, depth in zip(tokens, depths(tokens), strict=True)
    )
    either, marks = cut(
        tokens, lambda t: is_word(t, "or") or (compares and t.text == "cup" and t.kind == "cmd")
    )
    if marks:
        return _joined([_part(p) for p in either if p])
    both, _ = cut(tokens, lambda t: is_word(t, "and", "") or (t.kind == "op" and t.text in ",;"))
    both = [part for part in both if part]
    if len(both) > 1:
        return _conjunction([_part(p) for p in both])
    return _part(both[0]) if both else None


def _is_sign(token: Token) -> bool:
    return token.text in _SIGNS and token.kind in ("op", "cmd")


def _builder(tokens: Sequence[Token]) -> list[Token] | None:
    r"""The condition of ``\{x \mid condition\}`` or ``\{x \in \mathbb{R} : condition\}``."""
    if not (tokens and tokens[0].text == "\\{" and closes_all(tokens)):
        return None
    inside = tokens[1:-1]
    for place, token in enumerate(inside[:14]):
        if token.text in ("|", "vert", ":") and place:
            if any(t.text in ("(", ",") for t in inside[:place]):
                raise Unreadable("a set of tuples")
            return list(inside[place + 1 :])
    return None


def _is_reals(tokens: Sequence[Token]) -> bool:
    return spelled(tokens) in ("mathbbR",)


def _part(tokens: Sequence[Token]) -> Region | None:
    named, marks = cut(tokens, lambda t: t.kind == "cmd" and t.text == "in")
    if len(marks) == 1 and is_name(named[0]):
        region = _set_expression(named[1])
        return Region(region.pieces, spelled(named[0])) if region else None
    parts, marks = cut(tokens, lambda t: t.text in COMPARISONS and t.kind in ("op", "cmd"))
    ops = [COMPARISONS[m.text] for m in marks]
    if not ops:
        return _set_expression(tokens)
    if ops == ["="] and is_name(parts[0]) and any(t.text in _SET_OPERATIONS for t in parts[1]):
        region = _set_expression(parts[1])
        return Region(region.pieces, spelled(parts[0])) if region else None
    return _inequality(parts, ops)


def _set_expression(tokens: Sequence[Token]) -> Region | None:
    r"""Intervals, points and ``\mathbb{R}`` joined by union, intersection and difference."""
    parts, marks = cut(tokens, lambda t: t.kind == "cmd" and t.text in _SET_OPERATIONS)
    if not marks and not _is_reals(tokens):
        if tokens and tokens[0].text == "\\{" and (builder := _builder(tokens)):
            return region_of(builder)
        return None
    region = _operand(parts[0])
    for mark, part in zip(marks, parts[1:], strict=True):
        other = _operand(part)
        if mark.text == "cup":
            region = Region(region.pieces + other.pieces)
        elif mark.text == "cap":
            region = Region(intersection(region.pieces, other.pieces))
        else:
            region = Region(without(region.pieces, other.pieces))
    return region


def _operand(tokens: Sequence[Token]) -> Region:
    if _is_reals(tokens):
        return Region(WHOLE)
    if not closes_all(tokens):
        raise Unreadable("no set")
    inside = ungrouped(tokens[1:-1])
    parts, _ = cut(inside, lambda t: t.kind == "op" and t.text in ",;")
    if tokens[0].text == "\\{":
        if builder := _builder(tokens):
            region = region_of(builder)
            if region is None:
                raise Unreadable("no condition")
            return region
        return Region(tuple(_point(node) for part in parts if part for node in expand(readings(part)[0])))
    if len(parts) == 2:
        ends = [readings(part)[0] for part in parts]
        return Region((interval_piece(ends[0], ends[1], tokens[0].text, tokens[-1].text),))
    nested = region_of(inside)
    if nested is None:
        raise Unreadable("no interval")
    return nested


def interval_piece(low: Node, high: Node, opener: str, closer: str) -> Piece:
    """The piece of an interval written with these brackets."""
    return Piece(_finite(low), _finite(high), opener == "[" and _finite(low) is not None,
                 closer == "]" and _finite(high) is not None)  # fmt: skip


def _point(node: Node) -> Piece:
    return Piece(node, node, True, True)


def _finite(node: Node) -> Node | None:
    """The node, or None for infinity of either sign."""
    return None if is_infinite(node) else node


def is_infinite(node: Node) -> bool:
    """Whether the expression is infinity, of either sign."""
    inner = node.args[0] if node.op == "neg" else node
    return inner.op == "const" and inner.value == "oo"


def _inequality(parts: list[list[Token]], ops: list[str]) -> Region | None:
    if not set(ops) <= {"<", "<=", ">", ">=", "!=", "="} or not all(parts):
        return None
    if ops == ["="]:
        return _equality(parts)
    if len(ops) == 1:
        return _one_sided(parts, ops[0])
    if len(ops) == 2 and is_name(parts[1]) and "!=" not in ops and "=" not in ops:
        directions = [_ORDER[op] for op in ops]
        if directions[0][0] != directions[1][0]:
            return None
        ends = [readings(parts[0])[0], readings(parts[2])[0]]
        closed = [directions[0][1], directions[1][1]]
        if directions[0][0] < 0:
            ends.reverse()
            closed.reverse()
        low, high = _finite(ends[0]), _finite(ends[1])
        piece = Piece(low, high, closed[0] and low is not None, closed[1] and high is not None)
        return Region((piece,), spelled(parts[1]))
    if len(ops) == 2:
        first, second = _inequality(parts[:2], ops[:1]), _inequality(parts[1:], ops[1:])
        if first and second:
            return Region(intersection(first.pieces, second.pieces), first.variable)
    return None


def _equality(parts: list[list[Token]]) -> Region | None:
    if not is_name(parts[0]):
        return None
    values = expand(readings(parts[1])[0])
    return Region(tuple(_point(value) for value in values), spelled(parts[0]))


def _one_sided(parts: list[list[Token]], op: str) -> Region | None:
    left, right = parts
    if not is_name(left) and is_name(right):
        left, right = right, left
        op = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(op, op)
    if is_name(left):
        bounds = expand(readings(right)[0])
        variable = _symbol(left)
        if variable is None or not any(variable in symbols(bound) for bound in bounds):
            return _bounded(bounds, op, spelled(left))
    return _linear(readings(left)[0], readings(right)[0], op)


def _symbol(tokens: Sequence[Token]) -> str | None:
    try:
        node = readings(tokens)[0]
    except Unreadable:
        return None
    return str(node.value) if node.op == "sym" else None


def _bounded(bounds: list[Node], op: str, variable: str) -> Region | None:
    if op == "!=":
        return Region(without(WHOLE, tuple(_point(bound) for bound in bounds)), variable)
    if len(bounds) != 1:
        return None
    bound = _finite(bounds[0])
    direction, closed = _ORDER[op]
    closed = closed and bound is not None
    piece = Piece(None, bound, False, closed) if direction > 0 else Piece(bound, None, closed, False)
    return Region((piece,), variable)


def _linear(left: Node, right: Node, op: str) -> Region | None:
    """``3 - 2x > 7`` solved for its one symbol; None when it is not linear."""
    names = symbols(left) | symbols(right)
    if len(names) != 1:
        return None
    name = next(iter(names))
    difference = Node("add", (left, Node("neg", (right,))))
    values = [exact(difference, {name: Fraction(x)}) for x in (0, 1, 2)]
    if any(value is None for value in values):
        return None
    zero, one, two = (value or Fraction(0) for value in values)
    slope = one - zero
    if slope == 0 or two - one != slope:
        return None
    if slope < 0:
        op = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(op, op)
    return _bounded([number(-zero / slope)], op, name)


def _joined(parts: list[Region | None]) -> Region | None:
    """The union of alternatives about one variable."""
    regions = [part for part in parts if part is not None]
    if len(regions) != len(parts) or len({r.variable for r in regions if r.variable}) > 1:
        return None
    return Region(tuple(p for r in regions for p in r.pieces), regions[0].variable)


def _conjunction(parts: list[Region | None]) -> Region | None:
    """Conditions that hold together; when they cannot all hold, they were meant as alternatives."""
    regions = [part for part in parts if part is not None]
    if len(regions) != len(parts) or len({r.variable for r in regions if r.variable}) > 1:
        return None
    if not any(r.variable for r in regions):
        return _joined(parts)
    pieces = regions[0].pieces
    for region in regions[1:]:
        pieces = intersection(pieces, region.pieces)
    if is_empty(pieces):
        return _joined(parts)
    return Region(pieces, regions[0].variable)
