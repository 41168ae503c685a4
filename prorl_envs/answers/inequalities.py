r"""Sets of reals, however written: inequalities, set-builders, unions of intervals, exclusions.

``x < -1 or x \ge 3``, ``\{x \mid x < -1 \lor 3 \le x\}`` and ``(-\infty,-1) \cup [3,\infty)`` all
read as one `Region`.
"""

from __future__ import annotations

from collections.abc import Sequence

from prorl_envs.answers.bounds import finite, point_piece, read_inequality
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
from prorl_envs.answers.syntax import Node, Unreadable

__all__ = ["interval_piece", "region_of"]

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
    return _part(both[0]) if both and not _is_named(both[0]) else None


def _is_named(tokens: Sequence[Token]) -> bool:
    """``M \\cap N = ...``: a set's name; what it is equal to is read by itself."""
    parts, marks = cut(tokens, lambda t: t.text in COMPARISONS and t.kind in ("op", "cmd"))
    signs = [t.text for t, depth in zip(parts[-1], depths(parts[-1]), strict=True) if depth == 0]
    return [m.text for m in marks] == ["="] and not _SET_OPERATIONS & set(signs)


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
    return read_inequality(parts, ops)


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
        return Region(
            tuple(point_piece(node) for part in parts if part for node in expand(readings(part)[0]))
        )
    if len(parts) == 2:
        ends = [readings(part)[0] for part in parts]
        return Region((interval_piece(ends[0], ends[1], tokens[0].text, tokens[-1].text),))
    nested = region_of(inside)
    if nested is None:
        raise Unreadable("no interval")
    return nested


def interval_piece(low: Node, high: Node, opener: str, closer: str) -> Piece:
    """The piece of an interval written with these brackets."""
    return Piece(finite(low), finite(high), opener == "[" and finite(low) is not None,
                 closer == "]" and finite(high) is not None)  # fmt: skip


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
