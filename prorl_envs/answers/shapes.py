"""What a whole answer can be: the shapes that `reading` finds and `compare` matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from prorl_envs.answers.syntax import Node

__all__ = ["Chain", "Items", "Matrix", "Piece", "Ratio", "Region", "Relation", "Scalar", "Shape"]


@dataclass(frozen=True)
class Scalar:
    """One value.

    Attributes:
        nodes: its readings, the likeliest first.
        label: the name it was given (``x`` of ``x = 5``), else "".
        name: that name as an expression, where it is one.
        unit: words after it, as written.
        names: how many names it was given at once: three in ``x = y = z = 1``.
        approx: what it was said to be about (``1.36`` of ``\\frac{1+\\sqrt{97}}{8} \\approx 1.36``).
    """

    nodes: tuple[Node, ...]
    label: str = ""
    name: Node | None = None
    unit: str = ""
    approx: tuple[Node, ...] = ()
    names: int = 1


@dataclass(frozen=True)
class Items:
    """Several values: a "list" (no brackets), a "tuple" (ordered) or a "set".

    Attributes:
        brackets: the opening and closing bracket, "" for a list; ``[`` and ``(`` may be an interval's.
        integers: an annotation said that a parameter runs over the integers.
    """

    kind: str
    items: tuple[Shape, ...]
    brackets: str = ""
    label: str = ""


@dataclass(frozen=True)
class Piece:
    """One interval; a None end is infinite. A point is ``[a, a]``."""

    low: Node | None
    high: Node | None
    low_closed: bool = False
    high_closed: bool = False


@dataclass(frozen=True)
class Region:
    """A set of reals as a union of intervals, in the order written; of `variable`, if one was named."""

    pieces: tuple[Piece, ...]
    variable: str = ""


@dataclass(frozen=True)
class Relation:
    """``left op right`` that names no value: an equation, or an inequality in several variables."""

    op: str
    left: tuple[Node, ...]
    right: tuple[Node, ...]


@dataclass(frozen=True)
class Chain:
    """Expressions said to be equal, no name among them: ``2 + 5 = 7``, or ``8 = 7``."""

    parts: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True)
class Ratio:
    """``a : b`` or ``a : b : c``."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Matrix:
    """A matrix, vector or determinant by rows."""

    rows: tuple[tuple[Shape, ...], ...]


Shape: TypeAlias = "Scalar | Items | Region | Relation | Chain | Ratio | Matrix"
