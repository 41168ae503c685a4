"""Unions of intervals: their order, intersection, difference and equality.

Ends are expressions. Where all are constants the arithmetic is on their values; where a parameter stands in one, a
region can only be compared piece by piece.
"""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any

from prorl_envs.answers.approximate import context
from prorl_envs.answers.equality import constant_value, equal
from prorl_envs.answers.shapes import Piece, Region, Relation, Shape
from prorl_envs.answers.syntax import Node, Unreadable, symbols

__all__ = ["WHOLE", "as_relation", "intersection", "is_empty", "regions_equal", "without"]

WHOLE: tuple[Piece, ...] = (Piece(None, None),)
_MAX_PIECES = 200


def regions_equal(a: Region, b: Region) -> bool | None:
    """Whether two regions hold the same numbers; None when an end cannot be compared."""
    if len(a.pieces) > _MAX_PIECES or len(b.pieces) > _MAX_PIECES:
        return None
    try:
        first, second = _merged(a.pieces), _merged(b.pieces)
    except Unreadable:
        first, second = list(a.pieces), list(b.pieces)
    if len(first) != len(second):
        return False
    answers = [_pieces_equal(p, q) for p, q in zip(first, second, strict=True)]
    return None if None in answers and False not in answers else all(answers)


def as_relation(shape: Shape) -> Relation | None:
    """``x > y`` as a relation between two unknowns, where a region is one-sided and its end no constant."""
    if isinstance(shape, Relation):
        return shape if shape.op in ("<", "<=", ">", ">=") else None
    if not isinstance(shape, Region) or len(shape.pieces) != 1 or not shape.variable.isalpha():
        return None
    piece = shape.pieces[0]
    end = piece.high if piece.low is None else piece.low
    if end is None or (piece.low is not None and piece.high is not None) or not symbols(end):
        return None
    if len(shape.variable) != 1:
        return None
    variable = (Node("sym", (), shape.variable),)
    if piece.low is None:
        return Relation("<=" if piece.high_closed else "<", variable, (end,))
    return Relation(">=" if piece.low_closed else ">", variable, (end,))


def _pieces_equal(p: Piece, q: Piece) -> bool | None:
    if (p.low_closed, p.high_closed) != (q.low_closed, q.high_closed):
        return False
    ends = [_ends_equal(p.low, q.low), _ends_equal(p.high, q.high)]
    return False if False in ends else (None if None in ends else True)


def _ends_equal(a: Node | None, b: Node | None) -> bool | None:
    if a is None or b is None:
        return a is b
    return equal(a, b)


def _value(node: Node) -> Any:
    value = constant_value(node)
    if isinstance(value, Fraction):
        return value
    mp = context(50)
    if mp.im(value) != 0:
        raise Unreadable("no real end")
    return mp.re(value)


def _compare(a: Node, b: Node) -> int:
    """-1, 0 or 1, exactly where both are rational."""
    if equal(a, b):
        return 0
    x, y = _value(a), _value(b)
    if isinstance(x, Fraction) and isinstance(y, Fraction):
        return -1 if x < y else 1
    mp = context(50)
    x, y = (mp.mpf(v.numerator) / v.denominator if isinstance(v, Fraction) else v for v in (x, y))
    return -1 if x < y else 1


def _low_order(p: Piece, q: Piece) -> int:
    if p.low is None or q.low is None:
        return (p.low is not None) - (q.low is not None)
    return _compare(p.low, q.low) or q.low_closed - p.low_closed


def is_empty(pieces: tuple[Piece, ...]) -> bool:
    """Whether no number lies in them."""
    return not pieces


def _nonempty(piece: Piece) -> bool:
    if piece.low is None or piece.high is None:
        return True
    order = _compare(piece.low, piece.high)
    return order < 0 or (order == 0 and piece.low_closed and piece.high_closed)


def _merged(pieces: tuple[Piece, ...]) -> list[Piece]:
    """Sorted, disjoint, not touching.

    Raises:
        Unreadable: an end is no constant.
    """
    ordered = sorted((p for p in pieces if _nonempty(p)), key=functools.cmp_to_key(_low_order))
    merged: list[Piece] = []
    for piece in ordered:
        if merged and _touches(merged[-1], piece):
            merged[-1] = _hull(merged[-1], piece)
        else:
            merged.append(piece)
    return merged


def _touches(p: Piece, q: Piece) -> bool:
    if p.high is None or q.low is None:
        return True
    order = _compare(q.low, p.high)
    return order < 0 or (order == 0 and (p.high_closed or q.low_closed))


def _hull(p: Piece, q: Piece) -> Piece:
    if p.high is None or q.high is None:
        return Piece(p.low, None, p.low_closed, False)
    order = _compare(p.high, q.high)
    if order == 0:
        return Piece(p.low, p.high, p.low_closed, p.high_closed or q.high_closed)
    upper = q if order < 0 else p
    return Piece(p.low, upper.high, p.low_closed, upper.high_closed)


def intersection(a: tuple[Piece, ...], b: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """The numbers in both.

    Raises:
        Unreadable: an end is no constant, or there are too many pieces.
    """
    if len(a) * len(b) > _MAX_PIECES**2:
        raise Unreadable("too many intervals")
    found = (_overlap(p, q) for p in a for q in b)
    return tuple(p for p in found if _nonempty(p))


def _overlap(p: Piece, q: Piece) -> Piece:
    low = p if _low_order(p, q) >= 0 else q
    if p.high is None or q.high is None:
        high = q if p.high is None else p
    else:
        order = _compare(p.high, q.high)
        high = p if order < 0 or (order == 0 and not p.high_closed) else q
    return Piece(low.low, high.high, low.low_closed, high.high_closed)


def without(a: tuple[Piece, ...], b: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """The numbers in `a` and not in `b`."""
    for piece in b:
        complement = []
        if piece.low is not None:
            complement.append(Piece(None, piece.low, False, not piece.low_closed))
        if piece.high is not None:
            complement.append(Piece(piece.high, None, not piece.high_closed, False))
        a = _cut_out(a, tuple(complement))
    return a


def _cut_out(a: tuple[Piece, ...], complement: tuple[Piece, ...]) -> tuple[Piece, ...]:
    if a == WHOLE:
        return complement
    return intersection(a, complement)
