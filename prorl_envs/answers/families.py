r"""Solutions with an integer parameter: ``\pi/4 + k\pi`` and ``n\pi - 3\pi/4`` are one family."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from prorl_envs.answers.equality import equal
from prorl_envs.answers.syntax import Node, number, symbols, walk

__all__ = ["at_point", "linear_parts", "put", "rename", "same_family", "scaled"]

_PARAMETERS = frozenset("kmnltjNZ")


def rename(node: Node, names: dict[str, str]) -> Node:
    """`node` with symbols renamed."""
    if node.op == "sym":
        return Node("sym", (), names.get(str(node.value), node.value))
    return (
        Node(node.op, tuple(rename(a, names) for a in node.args), node.value, node.digits)
        if node.args
        else node
    )


def scaled(node: Node, names: frozenset[str], factor: int) -> Node:
    """`node` with the symbols `names` multiplied by `factor`."""
    if node.op == "sym" and node.value in names:
        return Node("mul", (number(factor), node))
    inner = tuple(scaled(argument, names, factor) for argument in node.args)
    return Node(node.op, inner, node.value, node.digits) if inner else node


def same_family(a: Node, b: Node) -> bool:
    """Whether two expressions, linear in one integer parameter each, run over the same numbers.

    Only for angles: other expressions in n and in k are different answers.
    """
    names_a, names_b = symbols(a) & _PARAMETERS, symbols(b) & _PARAMETERS
    if len(names_a) != 1 or len(names_b) != 1 or not (_angular(a) and _angular(b)):
        return False
    first, second = next(iter(names_a)), next(iter(names_b))
    b = rename(b, {second: first})
    if equal(a, b):
        return True
    start_a, step_a = linear_parts(a, first)
    start_b, step_b = linear_parts(b, first)
    if start_a is None or start_b is None or step_a is None or step_b is None:
        return False
    if not (equal(step_a, step_b) or equal(step_a, Node("neg", (step_b,)))):
        return False
    shift = Node("div", (Node("add", (start_a, Node("neg", (start_b,)))), step_a))
    return bool(equal(shift, Node("floor", (Node("add", (shift, number(Fraction(1, 4)))),))))


def _angular(node: Node) -> bool:
    return any((n.op == "const" and n.value == "pi") or n.op == "degree" for n in walk(node))


def linear_parts(node: Node, name: str) -> tuple[Node | None, Node | None]:
    """The constant and the coefficient of an expression linear in `name`, (None, None) when it is not."""
    at = [at_point(node, {name: x}) for x in (0, 1, 2, 5)]
    step = Node("add", (at[1], Node("neg", (at[0],))))
    again = Node("add", (at[2], Node("neg", (at[1],))))
    far = Node("add", (at[3], Node("neg", (at[2],))))
    linear = equal(step, again) and equal(Node("mul", (number(3), step)), far)
    return (at[0], step) if linear else (None, None)


def at_point(node: Node, values: Mapping[str, int]) -> Node:
    """`node` with whole numbers for some of its symbols."""
    return put(node, {name: number(value) for name, value in values.items()})


def put(node: Node, values: Mapping[str, Node]) -> Node:
    """`node` with expressions for some of its symbols."""
    if node.op == "sym" and node.value in values:
        return values[str(node.value)]
    if not node.args:
        return node
    return Node(node.op, tuple(put(a, values) for a in node.args), node.value, node.digits)
