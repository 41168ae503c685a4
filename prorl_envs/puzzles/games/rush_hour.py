"""Rush Hour on a 6 x 6 board: cars slide along their own row or column; AA must reach the exit on the right."""

from __future__ import annotations

import functools
import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

__all__ = ["Board", "moves", "read_board", "solution", "solves"]

_SIZE = 6
_MOVE = re.compile(r"([A-Z])([+-])([1-5])", re.ASCII)
_SEQUENCE = re.compile(r"[\s,;.\[\]\"'`]*+(?:[A-Z][+-][1-5][\s,;.\[\]\"'`]*+){0,1000}+", re.ASCII)

State: TypeAlias = tuple[int, ...]
"""For each car, the cell of its upper left end."""


class Board(NamedTuple):
    """The cars (length and stride: 1 along a row, 6 along a column), the walls, and where the cars begin.

    Car number i is shown as the i-th letter of the alphabet; the red car is A.
    """

    cars: tuple[tuple[int, int], ...]
    walls: frozenset[int]
    start: State


@functools.lru_cache(maxsize=1024)
def read_board(description: str) -> Board:
    """A board from its 36 cells: ``o`` is free, ``x`` a wall, any other letter a car.

    Raises:
        ValueError: it is no such board.
    """
    cells = {
        label: [i for i, c in enumerate(description) if c == label] for label in sorted(set(description))
    }
    cells.pop("o", None)
    walls = frozenset(cells.pop("x", ()))
    if len(description) != _SIZE * _SIZE or any(len(places) < 2 for places in cells.values()):
        raise ValueError(f"no Rush Hour board: {description!r}")
    cars = tuple((len(places), places[1] - places[0]) for places in cells.values())
    return Board(cars, walls, tuple(places[0] for places in cells.values()))


def moves(text: str) -> list[tuple[int, int]] | None:
    """``(car, steps)`` of moves such as ``F+1 K-2``, with or without punctuation between; None for other texts."""
    if not _SEQUENCE.fullmatch(text):
        return None
    return [(ord(m[1]) - ord("A"), int(m[2] + m[3])) for m in _MOVE.finditer(text)]


def solves(board: Board, sequence: list[tuple[int, int]]) -> bool:
    """Whether every move is possible all the way and the red car ends at the exit."""
    places = list(board.start)
    taken = set(board.walls)
    for (length, stride), place in zip(board.cars, places, strict=True):
        taken.update(range(place, place + length * stride, stride))
    for car, steps in sequence:
        if car >= len(board.cars):
            return False
        length, stride = board.cars[car]
        direction = 1 if steps > 0 else -1
        for _ in range(abs(steps)):
            cell = _ahead(places[car], length, stride, direction)
            if cell is None or cell in taken:
                return False
            taken.remove(places[car] if direction > 0 else places[car] + (length - 1) * stride)
            taken.add(cell)
            places[car] += direction * stride
    return _is_out(board, tuple(places))


def solution(board: Board) -> str | None:
    """The shortest solution, counted in slides of any length; None when there is none."""
    came: dict[State, tuple[State, str] | None] = {board.start: None}
    queue = deque([board.start])
    while queue:
        state = queue.popleft()
        if _is_out(board, state):
            return " ".join(_path(came, state))
        for move, following in _slides(board, state):
            if following not in came:
                came[following] = (state, move)
                queue.append(following)
    return None


def _path(came: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    steps: list[str] = []
    while (origin := came[state]) is not None:
        state, move = origin
        steps.append(move)
    return steps[::-1]


def _slides(board: Board, state: State) -> Iterator[tuple[str, State]]:
    for car in range(len(board.cars)):
        for direction, sign in ((1, "+"), (-1, "-")):
            current, steps = _slid(board, state, car, direction), 1
            while current is not None:
                yield f"{chr(ord('A') + car)}{sign}{steps}", current
                current, steps = _slid(board, current, car, direction), steps + 1


def _slid(board: Board, state: State, car: int, direction: int) -> State | None:
    """The state after one step of one car, or None when something is in its way."""
    length, stride = board.cars[car]
    cell = _ahead(state[car], length, stride, direction)
    if cell is None or cell in board.walls:
        return None
    for other, ((size, step), place) in enumerate(zip(board.cars, state, strict=True)):
        if other != car and cell in range(place, place + size * step, step):
            return None
    return (*state[:car], state[car] + direction * stride, *state[car + 1 :])


def _ahead(place: int, length: int, stride: int, direction: int) -> int | None:
    """The cell that a car's next step takes, or None past the board's edge."""
    end = place + (length - 1) * stride if direction > 0 else place
    cell = end + direction * stride
    inside = 0 <= cell < _SIZE * _SIZE and (stride != 1 or end // _SIZE == cell // _SIZE)
    return cell if inside else None


def _is_out(board: Board, state: State) -> bool:
    length, _ = board.cars[0]
    return (state[0] + length - 1) % _SIZE == _SIZE - 1
