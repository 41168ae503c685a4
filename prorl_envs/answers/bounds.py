r"""One inequality as a region: ``1 < x \le 2``, ``3 - 2x > 7``, ``|x - 1| < 2``, ``x \ne 0``."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from prorl_envs.answers.exact import exact
from prorl_envs.answers.lexer import Token
from prorl_envs.answers.parser import readings
from prorl_envs.answers.plusminus import expand
from prorl_envs.answers.regions import WHOLE, intersection, without
from prorl_envs.answers.shapes import Piece, Region
from prorl_envs.answers.splitting import is_name, spelled
from prorl_envs.answers.syntax import Node, Unreadable, number, symbols

__all__ = ["finite", "is_infinite", "point_piece", "read_inequality"]

_ORDER = {"<": (1, False), "<=": (1, True), ">": (-1, False), ">=": (-1, True)}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def point_piece(node: Node) -> Piece:
    """The piece that holds one number."""
    return Piece(node, node, True, True)


def finite(node: Node) -> Node | None:
    """The node, or None for infinity of either sign."""
    return None if is_infinite(node) else node


def is_infinite(node: Node) -> bool:
    """Whether the expression is infinity, of either sign."""
    inner = node.args[0] if node.op == "neg" else node
    return inner.op == "const" and inner.value == "oo"


def read_inequality(parts: list[list[Token]], ops: list[str]) -> Region | None:
    """The region of two or three parts joined by comparisons; None when they bound no single name.

    Raises:
        Unreadable: a part is no expression.
    """
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
        low, high = finite(ends[0]), finite(ends[1])
        piece = Piece(low, high, closed[0] and low is not None, closed[1] and high is not None)
        return Region((piece,), spelled(parts[1]))
    if len(ops) == 2:
        first, second = read_inequality(parts[:2], ops[:1]), read_inequality(parts[1:], ops[1:])
        if first and second:
            return Region(intersection(first.pieces, second.pieces), first.variable)
    return None


def _equality(parts: list[list[Token]]) -> Region | None:
    if not is_name(parts[0]):
        return None
    values = expand(readings(parts[1])[0])
    return Region(tuple(point_piece(value) for value in values), spelled(parts[0]))


def _one_sided(parts: list[list[Token]], op: str) -> Region | None:
    left, right = parts
    if not is_name(left) and is_name(right):
        left, right = right, left
        op = _TURNED.get(op, op)
    if (region := _absolute(left, right, op)) is not None:
        return region
    if is_name(left):
        bounds = expand(readings(right)[0])
        variable = _symbol(left)
        if variable is None or not any(variable in symbols(bound) for bound in bounds):
            return _bounded(bounds, op, spelled(left))
    return _linear(readings(left)[0], readings(right)[0], op)


def _absolute(left: Sequence[Token], right: Sequence[Token], op: str) -> Region | None:
    """``|x - 1| < 2``, where what stands between the bars is linear in one symbol."""
    if not left or left[0].text not in ("|", "vert") or op == "!=":
        return None
    node, bound = readings(left)[0], readings(right)[0]
    if node.op != "abs" or len(symbols(node)) != 1 or symbols(bound):
        return None
    inner, opposite = node.args[0], Node("neg", (bound,))
    turned = _TURNED[op]
    upper, lower = _linear(inner, bound, op), _linear(inner, opposite, turned)
    if upper is None or lower is None:
        return None
    if op in ("<", "<="):
        return Region(intersection(upper.pieces, lower.pieces), upper.variable)
    return Region(upper.pieces + lower.pieces, upper.variable)


def _symbol(tokens: Sequence[Token]) -> str | None:
    try:
        node = readings(tokens)[0]
    except Unreadable:
        return None
    return str(node.value) if node.op == "sym" else None


def _bounded(bounds: list[Node], op: str, variable: str) -> Region | None:
    if op == "!=":
        return Region(without(WHOLE, tuple(point_piece(bound) for bound in bounds)), variable)
    if len(bounds) != 1:
        return None
    bound = finite(bounds[0])
    direction, closed = _ORDER[op]
    closed = closed and bound is not None
    piece = Piece(None, bound, False, closed) if direction > 0 else Piece(bound, None, closed, False)
    return Region((piece,), variable)


def _linear(left: Node, right: Node, op: str) -> Region | None:
    """``3 - 2x > 7`` solved for its one symbol; None when it is not linear."""
    names = symbols(left) | symbols(right)
    if len(names) != 1:
        return None
    if symbols(right):
        left, right = Node("add", (left, Node("neg", (right,)))), number(0)
    name = next(iter(names))
    values = [exact(left, {name: Fraction(x)}) for x in (0, 1, 2)]
    if any(value is None for value in values):
        return None
    zero, one, two = (value or Fraction(0) for value in values)
    slope = one - zero
    if slope == 0 or two - one != slope:
        return None
    bound = Node("div", (Node("add", (right, number(-zero))), number(slope)))
    return _bounded([bound], _TURNED.get(op, op) if slope < 0 else op, name)
