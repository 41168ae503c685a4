"""An n x n x n cube whose turns are permutations of stickers, in Singmaster notation.

A sticker is ``(x, y, z, axis, side)``: the piece's place (0 to n-1; x to the right, y up, z to the viewer) and the
face it is on.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import TypeAlias

__all__ = ["inverse", "is_solved", "turn", "turns"]

_MOVE = re.compile(r"([1-9]?)(?:([LRDUBF])(w?)|([XYZMES]))('?)([0-9]?)", re.ASCII)
_LIMIT = 1000

_AXIS_AND_SIDE = {"R": (0, 1), "L": (0, -1), "U": (1, 1), "D": (1, -1), "F": (2, 1), "B": (2, -1)}
_SLICES = {"M": "L", "E": "D", "S": "F", "X": "R", "Y": "U", "Z": "F"}

Sticker: TypeAlias = tuple[int, int, int, int, int]


def turns(text: str, size: int) -> list[tuple[str, bool]] | None:
    """Quarter turns ``(move, reversed)`` of a sequence with blanks between, or None when a move is none.

    A trailing digit repeats a move (``U2``); a leading one names a layer. At most 1,000 quarter turns.
    """
    made: list[tuple[str, bool]] = []
    for token in text.split():
        match = _MOVE.fullmatch(token)
        if not match or not _exists(match, size):
            return None
        layer, face, wide, whole, prime, count = match.groups()
        made += [(layer + (face or whole) + (wide or ""), bool(prime))] * int(count or 1)
        if len(made) > _LIMIT:
            return None
    return made


def inverse(moves: Sequence[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """The turns that undo `moves`."""
    return [(move, not reverse) for move, reverse in reversed(moves)]


def turn(moves: Sequence[tuple[str, bool]], size: int) -> tuple[int, ...]:
    """The stickers' places after `moves` from the solved cube."""
    state: tuple[int, ...] = tuple(range(len(_stickers(size))))
    for move, reverse in moves:
        state = tuple(map(state.__getitem__, _permutation(move, reverse, size)))
    return state


def is_solved(state: Sequence[int], size: int) -> bool:
    """Whether every face shows one color."""
    colors = [sticker // (size * size) for sticker in state]
    faces = [colors[start : start + size * size] for start in range(0, len(colors), size * size)]
    return all(len(set(face)) == 1 for face in faces)


def _exists(match: re.Match[str], size: int) -> bool:
    layer, _, wide, whole, _, _ = match.groups()
    if whole:
        return not layer and (whole in "XYZ" or size == 3)
    return int(layer or (2 if wide else 1)) <= size


@functools.cache
def _stickers(size: int) -> tuple[Sticker, ...]:
    """All stickers, face by face."""
    made = []
    for axis, side in _AXIS_AND_SIDE.values():
        for i in range(size):
            for j in range(size):
                place = [i, j]
                place.insert(axis, size - 1 if side > 0 else 0)
                made.append((place[0], place[1], place[2], axis, side))
    return tuple(made)


@functools.lru_cache(maxsize=512)
def _permutation(move: str, reverse: bool, size: int) -> tuple[int, ...]:
    """For each sticker's place, the place its new sticker comes from."""
    match = _MOVE.fullmatch(move)
    assert match is not None
    layer, face, wide, whole, _, _ = match.groups()
    axis, side = _AXIS_AND_SIDE[face or _SLICES[whole]]
    depth = int(layer or (2 if wide else 1))
    first, last = (0, depth - 1) if wide else (depth - 1, depth - 1)
    if whole:
        first, last = (0, size - 1) if whole in "XYZ" else (1, size - 2)
    layers = {size - 1 - d if side > 0 else d for d in range(first, last + 1)}
    clockwise = (side > 0) != reverse
    index = {sticker: number for number, sticker in enumerate(_stickers(size))}
    made = list(range(len(index)))
    for sticker, number in index.items():
        if sticker[axis] in layers:
            made[index[_rotated(sticker, axis, clockwise, size)]] = number
    return tuple(made)


def _rotated(sticker: Sticker, axis: int, clockwise: bool, size: int) -> Sticker:
    """A quarter turn about an axis, clockwise as seen from its positive end."""
    place, direction = list(sticker[:3]), [0, 0, 0]
    direction[sticker[3]] = sticker[4]
    a, b = (axis + 1) % 3, (axis + 2) % 3
    if clockwise:
        place[a], place[b] = place[b], size - 1 - place[a]
        direction[a], direction[b] = direction[b], -direction[a]
    else:
        place[a], place[b] = size - 1 - place[b], place[a]
        direction[a], direction[b] = -direction[b], direction[a]
    facing = next(i for i in range(3) if direction[i])
    return place[0], place[1], place[2], facing, direction[facing]
