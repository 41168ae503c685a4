"""Puzzles whose answer is a grid: read as rows of cells, and checked against the rules where several are right."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from prorl_envs.puzzles.reading import decimal_number, json_value, lines, number_rows, python_list
from prorl_envs.puzzles.rules import Entry, Rule

__all__ = ["RULES"]

_DECORATED = re.compile(r"[0-9\s|+\-,;:\[\]()=]*+", re.ASCII)
_FUTOSHIKI = re.compile(r"[0-9\s<>^vV∧∨|]*+")
_KAKURASU = re.compile(r"[01\s|,;.\[\]()\"'`]*+")


def same_board(answer: str, entry: Entry) -> float:
    """The right board: rows of cells with blanks between, in the alphabet the question used."""
    return float([line.split() for line in lines(answer)] == [line.split() for line in lines(entry.answer)])


def distances(answer: str, entry: Entry) -> float:
    """The right matrix; 0.1 when it is written as a Python list of rows."""
    return 1.0 if same_board(answer, entry) else 0.1 * _is_rows(python_list(answer), lines(entry.answer))


def spiral(answer: str, entry: Entry) -> float:
    """The right numbers in order; 0.1 when they are written as a Python list."""
    return 1.0 if answer.split() == entry.answer.split() else 0.1 * _is_row(python_list(answer), entry.answer)


def inserted(answer: str, entry: Entry) -> float:
    """The right text; 0.1 when it is written as a Python list of letters."""
    if answer == entry.answer.strip():
        return 1.0
    letters = python_list(answer)
    whole = isinstance(letters, list) and all(isinstance(letter, str) for letter in letters)
    return 0.1 * (whole and "".join(letters) == entry.answer)


def _is_row(cells: Any, line: str) -> bool:
    plain = isinstance(cells, list) and all(type(cell) in (int, str) for cell in cells)
    return plain and " ".join(str(cell) for cell in cells) == line.strip()


def _is_rows(rows: Any, right: list[str]) -> bool:
    if not isinstance(rows, list) or len(rows) != len(right):
        return False
    return all(_is_row(row, line) for row, line in zip(rows, right, strict=True))


def pooled(answer: str, entry: Entry) -> float:
    """The right matrix, each element within 0.01 (two decimal places are asked for)."""
    right = [line.split() for line in lines(entry.answer)]
    found = [[decimal_number(cell) for cell in line.split()] for line in lines(answer) if line.strip()]
    if [len(row) for row in found] != [len(row) for row in right]:
        return 0.0
    cells = [
        (a, Decimal(b))
        for row, wanted in zip(found, right, strict=True)
        for a, b in zip(row, wanted, strict=True)
    ]
    return float(all(a is not None and abs(a - b) <= Decimal("0.01") for a, b in cells))


def next_board(answer: str, entry: Entry) -> float:
    """The right board, as JSON."""
    board = json_value(answer)
    flat = (
        [cell for row in board if isinstance(row, list) for cell in row]
        if isinstance(board, list)
        else [None]
    )
    return float(all(type(cell) is int for cell in flat) and board == json_value(entry.answer))


def sudoku(answer: str, entry: Entry) -> float:
    """A grid that keeps the given cells and the rules; 0.9 when it is drawn with lines or brackets."""
    if not _DECORATED.fullmatch(answer):
        return 0.0
    puzzle: list[list[int]] = entry.metadata["puzzle"]
    size = len(puzzle)
    rows, value = number_rows(answer), 1.0
    if rows is None or [len(row) for row in rows] != [size] * size:
        rows, value = _digit_rows(answer), 0.9
    box = int(size**0.5)
    if not _fills(rows, puzzle) or not _latin(rows):
        return 0.0
    starts = range(0, size, box)
    boxes = [[rows[r + i][c + j] for i in range(box) for j in range(box)] for r in starts for c in starts]
    if any(len(set(cells)) != size for cells in boxes):
        return 0.0
    return value


def futoshiki(answer: str, entry: Entry) -> float:
    """A grid that keeps the given cells, the signs and the rules; the signs may be left out of it."""
    if not _FUTOSHIKI.fullmatch(answer):
        return 0.0
    rows = _digit_rows(answer)
    if not _fills(rows, entry.metadata["puzzle"]) or not _latin(rows):
        return 0.0
    for r1, c1, r2, c2, sign in entry.metadata["constraints"]:
        first, second = rows[r1][c1], rows[r2][c2]
        if not (first < second if sign == "<" else first > second):
            return 0.0
    return 1.0


def kakurasu(answer: str, entry: Entry) -> float:
    """Any grid of 0 and 1 with the right weighted sums."""
    wanted, data = [], entry.metadata
    if not _KAKURASU.fullmatch(answer):
        return 0.0
    rows = _digit_rows(answer)
    if len(rows) != data["n_rows"] or any(len(row) != data["n_cols"] for row in rows):
        return 0.0
    wanted = [sum(j * cell for j, cell in enumerate(row, 1)) for row in rows]
    columns = [sum(i * cell for i, cell in enumerate(column, 1)) for column in zip(*rows, strict=True)]
    return float(wanted == data["row_sums"] and columns == data["col_sums"])


def survo(answer: str, entry: Entry) -> float:
    """Any filling with the candidate numbers, each used once, that keeps the given cells and the sums."""
    rows, puzzle = number_rows(answer), entry.metadata["puzzle"]
    if rows is None or not _fills(rows, puzzle):
        return 0.0
    pairs = [
        (cell, given)
        for row, wanted in zip(rows, puzzle, strict=True)
        for cell, given in zip(row, wanted, strict=True)
    ]
    filled = sorted(cell for cell, given in pairs if not given)
    sums = all(sum(line[:-1]) == line[-1] for line in [*rows, *zip(*rows, strict=True)])
    return float(sums and filled == sorted(entry.metadata["candidate_numbers"]))


def queens(answer: str, entry: Entry) -> float:
    """Any board of queens that do not attack each other and include the given ones; 0.5 as a Python list."""
    board, value = [line.split() for line in lines(answer)], 1.0
    listed = python_list(answer)
    if isinstance(listed, list) and all(isinstance(row, list) for row in listed):
        board, value = listed, 0.5
    puzzle = entry.metadata["puzzle"]
    size = len(puzzle)
    if [len(row) for row in board] != [size] * size or any(
        cell not in ("_", "Q") for row in board for cell in row
    ):
        return 0.0
    placed = [(r, c) for r, row in enumerate(board) for c, cell in enumerate(row) if cell == "Q"]
    kept = all(board[r][c] == "Q" for r in range(size) for c in range(size) if puzzle[r][c] == "Q")
    lanes = [
        {r for r, _ in placed},
        {c for _, c in placed},
        {r + c for r, c in placed},
        {r - c for r, c in placed},
    ]
    return value * (kept and len(placed) == size and all(len(lane) == size for lane in lanes))


def _digit_rows(text: str) -> list[list[int]]:
    """The digits of each line that has some."""
    rows = [[int(c) for c in line if c in "0123456789"] for line in text.split("\n")]
    return [row for row in rows if row]


def _fills(rows: list[list[int]], puzzle: list[list[int]]) -> bool:
    """Whether the shape is right and every given cell (those that are not 0) is kept."""
    if [len(row) for row in rows] != [len(row) for row in puzzle]:
        return False
    return all(
        cell == given or not given
        for row, wanted in zip(rows, puzzle, strict=True)
        for cell, given in zip(row, wanted, strict=True)
    )


def _latin(rows: list[list[int]]) -> bool:
    """Whether every row and column holds 1 to n once."""
    wanted = set(range(1, len(rows) + 1))
    return all(set(line) == wanted for line in [*rows, *zip(*rows, strict=True)])


def sorted_numbers(answer: str, entry: Entry) -> float:
    """The right numbers in order, as a list with or without quotes."""
    found, right = python_list(answer), python_list(entry.answer.strip())
    if not isinstance(found, list) or any(type(item) not in (int, float, str) for item in found):
        return 0.0
    numbers = [decimal_number(str(item)) for item in found]
    return float(None not in numbers and numbers == [decimal_number(str(item)) for item in right])


_PARTIAL = "0.9 x share of right cells, less for longer answers"
_COPY = "copying the given cells earns credit"
_EVAL = "the same, through eval of the answer"
_FLOOR = "0.05 for any grid"

RULES: dict[str, Rule] = {
    "arc_agi": Rule(same_board, "the right grid", _FLOOR, "a free floor"),
    "rearc": Rule(same_board, "the right grid", _FLOOR, "a free floor"),
    "manipulate_matrix": Rule(
        same_board,
        "the right matrix",
        "also len(right) / len(answer) when the answer contains it",
        "an answer that lists several candidates is paid for holding the right one",
    ),
    "binary_matrix": Rule(distances, "the right matrix; 0.1 as a Python list", _EVAL, "code execution"),
    "spiral_matrix": Rule(spiral, "the right numbers; 0.1 as a Python list", _EVAL, "code execution"),
    "string_insertion": Rule(inserted, "the right text; 0.1 as a Python list", _EVAL, "code execution"),
    "n_queens": Rule(
        queens,
        "any board without attacks that keeps the given queens; 0.5 as a Python list",
        _EVAL,
        "code execution",
    ),
    "pool_matrix": Rule(
        pooled,
        "the right matrix, each element within 0.01",
        "each element within 1 %; a column passes for a row; 0.1 for any matrix of the right shape",
        "wrong decimals pass; a free floor",
    ),
    "game_of_life": Rule(
        next_board,
        "the right board, as JSON",
        "share of right cells",
        "a board of zeros earns 0.96 on average",
    ),
    "sudoku": Rule(sudoku, "any solution; 0.9 when drawn with lines or brackets", _PARTIAL, _COPY),
    "mini_sudoku": Rule(sudoku, "any solution; 0.9 when drawn with lines or brackets", _PARTIAL, _COPY),
    "futoshiki": Rule(futoshiki, "any solution, with or without the signs", _PARTIAL, _COPY),
    "kakurasu": Rule(
        kakurasu, "any solution", "the same; words around it are skipped", "the answer alone is asked for"
    ),
    "survo": Rule(
        survo, "any solution", "only the stored solution; words are skipped", "several can be right"
    ),
    "number_sorting": Rule(
        sorted_numbers,
        "the right numbers in order",
        "each number within 1 of the right one; NaN passes",
        "wrong numbers pass, and a list of NaN earns 1.0",
    ),
}
