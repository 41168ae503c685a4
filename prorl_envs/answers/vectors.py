"""Matrices and vectors as rows, whether written as a matrix, a tuple or a list."""

from __future__ import annotations

from prorl_envs.answers.shapes import Items, Matrix, Shape

__all__ = ["rows_of", "upright"]


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
