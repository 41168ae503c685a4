"""Vectors and matrices: as rows, whether written as a matrix, a tuple or a list; sums of unit vectors."""

from __future__ import annotations

import re

from prorl_envs.answers.equality import equal
from prorl_envs.answers.families import at_point
from prorl_envs.answers.shapes import Items, Matrix, Scalar, Shape
from prorl_envs.answers.syntax import Node, symbols

__all__ = ["components", "rows_of", "upright"]

_UNIT_VECTORS = ("i", "j", "k")
_ACCENTED = re.compile(r"(?:hat|vec|bar)\(([ijk])\)")


def rows_of(shape: Shape) -> tuple[tuple[Shape, ...], ...] | None:
    """The rows of a matrix; of a tuple or list, one entry each, or its tuples; None for other shapes."""
    if isinstance(shape, Matrix):
        return shape.rows
    if isinstance(shape, Items) and shape.kind in ("tuple", "list"):
        if all(isinstance(item, Items) and item.kind == "tuple" for item in shape.items):
            return tuple(item.items for item in shape.items if isinstance(item, Items))
        return tuple((item,) for item in shape.items)
    return None


def upright(rows: tuple[tuple[Shape, ...], ...]) -> tuple[tuple[Shape, ...], ...]:
    """A single row as a column, so that a vector may be either."""
    return tuple((cell,) for cell in rows[0]) if len(rows) == 1 else rows


def components(shape: Shape, size: int) -> Items | None:
    r"""``3\mathbf{i} - 4\mathbf{j}`` as a tuple of `size` numbers; None when it is no such sum."""
    if not isinstance(shape, Scalar) or shape.unit or size not in (2, 3):
        return None
    node = _spelled_out(shape.nodes[0])
    names = symbols(node)
    if len(names) < 2 or not names <= set(_UNIT_VECTORS[:size]):
        return None
    axes = [
        at_point(node, {name: int(name == axis) for name in _UNIT_VECTORS}) for axis in _UNIT_VECTORS[:size]
    ]
    again = [
        Node("mul", (axis, Node("sym", (), name))) for axis, name in zip(axes, _UNIT_VECTORS, strict=False)
    ]
    if not equal(node, Node("add", tuple(again))):
        return None
    return Items("tuple", tuple(Scalar((axis,)) for axis in axes), "()")


def _spelled_out(node: Node) -> Node:
    """With the unit vectors as plain symbols, whatever they wear."""
    if node.op == "const" and node.value == "i":
        return Node("sym", (), "i")
    if node.op == "sym":
        return Node("sym", (), _ACCENTED.sub(r"\1", str(node.value)))
    return Node(node.op, tuple(map(_spelled_out, node.args)), node.value, node.digits) if node.args else node
