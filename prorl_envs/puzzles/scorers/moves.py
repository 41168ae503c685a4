"""Puzzles whose answer is a sequence of moves: replayed, and every move must be possible."""

from __future__ import annotations

import re

from prorl_envs.puzzles.games import boxnet, cube, rush_hour, sokoban
from prorl_envs.puzzles.reading import json_value, without_fence
from prorl_envs.puzzles.rules import Entry, Rule

__all__ = ["RULES"]

_DISK = re.compile(r"Move disk ([0-9]{1,3}) from Peg ([0-9]{1,3}) to Peg ([0-9]{1,3})", re.ASCII)
_JUG = re.compile(r"\s*+(?:(fill|empty)\s++([A-Z])|pour\s++([A-Z])\s*+->\s*+([A-Z]))\s*+", re.ASCII)
_KNIGHT = re.compile(r"\s*+([wB])\s*+,\s*+([A-Z][0-9]{1,2})\s*+,\s*+([A-Z][0-9]{1,2})\s*+", re.ASCII)
_SEPARATORS = str.maketrans(dict.fromkeys("→>-,;.[]\"'`", " "))
_DIRECTIONS = {"right": (0, 1), "down": (1, 0), "left": (0, -1), "up": (-1, 0)}


def hanoi(answer: str, entry: Entry) -> float:
    """Legal moves that bring all disks to the target peg; optimal / length when there are more than needed."""
    data = entry.metadata
    pegs: dict[int, list[int]] = {peg: [] for peg in range(1, data["num_pegs"] + 1)}
    pegs[data["start_peg"]] = list(range(data["num_disks"], 0, -1))
    moves = [line.strip() for line in answer.split("\n") if line.strip()]
    for move in moves:
        match = _DISK.fullmatch(move)
        disk, origin, goal = map(int, match.groups()) if match else (0, 0, 0)
        if origin not in pegs or goal not in pegs or pegs[origin][-1:] != [disk]:
            return 0.0
        if pegs[goal] and pegs[goal][-1] < disk:
            return 0.0
        pegs[goal].append(pegs[origin].pop())
    if len(pegs[data["target_peg"]]) != data["num_disks"]:
        return 0.0
    return min(1.0, int(data["solution_length"]) / len(moves))


def jugs(answer: str, entry: Entry) -> float:
    """Moves that leave the target amount in some jug."""
    moves, puzzle = json_value(answer), entry.metadata["puzzle"]
    capacities: list[int] = puzzle["jug_capacities"]
    if not isinstance(moves, list) or not all(isinstance(move, str) for move in moves):
        return 0.0
    water = [0] * len(capacities)
    for move in moves:
        match = _JUG.fullmatch(move)
        jugs_named = [ord(name) - ord("A") for name in match.groups()[1:] if name] if match else []
        if not match or max(jugs_named) >= len(water):
            return 0.0
        if match.group(1):
            water[jugs_named[0]] = capacities[jugs_named[0]] if match.group(1) == "fill" else 0
            continue
        origin, goal = jugs_named
        poured = min(water[origin], capacities[goal] - water[goal])
        water[origin] -= poured
        water[goal] += poured
    return float(puzzle["target"] in water)


def knight_swap(answer: str, entry: Entry) -> float:
    """ "No" where it cannot be done; else legal moves, optimal / length when there are more than needed."""
    if not entry.metadata["is_possible"]:
        return float(answer.lower() == "no")
    moves, pieces = json_value(answer), dict(entry.metadata["pieces"])
    if not isinstance(moves, list) or not all(isinstance(move, str) for move in moves):
        return 0.0
    turn = entry.metadata["start_turn"]
    for move in moves:
        match = _KNIGHT.fullmatch(move)
        color, start, end = match.groups() if match else ("", "", "")
        possible = pieces.get(start) == color == turn and end in entry.metadata["board"][start]
        if not possible or pieces.get(end) is not None:
            return 0.0
        pieces[start], pieces[end], turn = None, color, "B" if turn == "w" else "w"
    swapped = {"w": "B", "B": "w", None: None}
    if any(pieces.get(square) != swapped[piece] for square, piece in entry.metadata["pieces"].items()):
        return 0.0
    return min(1.0, len(entry.metadata["solution"]) / len(moves)) if moves else 0.0


def rush_hour_moves(answer: str, entry: Entry) -> float:
    """Possible moves that bring the red car to the exit."""
    sequence = rush_hour.moves(answer)
    return float(
        bool(sequence)
        and rush_hour.solves(rush_hour.read_board(entry.metadata["board_config"]), sequence or [])
    )


def sokoban_moves(answer: str, entry: Entry) -> float:
    """Letters U, D, L, R (punctuation between them does not matter) that put every box on a goal."""
    letters = "".join(answer.translate(_SEPARATORS).split())
    if not set(letters) <= set("UDLR") or len(letters) > 5000:
        return 0.0
    return float(sokoban.solves(entry.metadata["gamestr"], letters))


def cube_moves(answer: str, entry: Entry) -> float:
    """Turns in Singmaster notation that solve the cube."""
    size = entry.metadata["cube_size"]
    scramble, solution = cube.turns(entry.metadata["scramble_moves"], size), cube.turns(answer, size)
    if scramble is None:
        raise ValueError(f"scramble_moves are no moves: {entry.metadata['scramble_moves']!r}")
    return float(solution is not None and cube.is_solved(cube.turn([*scramble, *solution], size), size))


def boxnet_plan(answer: str, entry: Entry) -> float:
    """The share of boxes lifted by a plan whose every action is possible."""
    return boxnet.lifted(entry.metadata["initial_state"], json_value(without_fence(answer)))


def shortest_path(answer: str, entry: Entry) -> float:
    """The shortest path, or "infeasible" where there is none; 0.5 for a longer path."""
    right, found = entry.answer.split(), answer.split()
    if found == right:
        return 1.0
    matrix: list[list[str]] = entry.metadata["matrix"]
    cells = {(r, c): cell for r, row in enumerate(matrix) for c, cell in enumerate(row) if cell != "X"}
    place = next(where for where, cell in cells.items() if cell == "*")
    for word in found:
        step = _DIRECTIONS.get(word)
        place = (place[0] + step[0], place[1] + step[1]) if step else (-1, -1)
        if place not in cells:
            return 0.0
    if cells[place] != "#":
        return 0.0
    return 1.0 if len(found) <= len(right) else 0.5


def lock_buttons(answer: str, entry: Entry) -> float:
    """Active buttons that reach the target; 0.5 when there are more than needed."""
    data = entry.metadata
    buttons = {button["name"]: button for button in data["buttons"]}
    sequence = answer.upper().translate(_SEPARATORS).split()
    value, color = data["initial_value"], data["initial_state"]
    for name in sequence:
        button = buttons.get(name)
        if button is None or button["active_state"] not in (color, "any") or abs(value) > 10**12:
            return 0.0
        amount = button["value"]
        value = {"add": value + amount, "subtract": value - amount, "multiply": value * amount}[
            button["type"]
        ]
        color = "green" if color == "red" else "red"
    if not sequence or value != data["target_value"]:
        return 0.0
    return 1.0 if len(sequence) <= len(data["solution_path"]) else 0.5


_FLOOR = "0.01 for any list of moves"
_WORDS = "any text counts that has the moves' letters in it"

RULES: dict[str, Rule] = {
    "tower_of_hanoi": Rule(
        hanoi,
        "a legal solution; optimal / length when longer",
        "0.05 for legal moves that solve nothing",
        "a free floor",
    ),
    "jugs": Rule(jugs, "any legal solution", f"{_FLOOR} (any JSON)", "a free floor"),
    "knight_swap": Rule(
        knight_swap,
        'a legal solution, or "No" where there is none; optimal / length when longer',
        "0.05 for legal moves that solve nothing, even for none",
        "a free floor",
    ),
    "rush_hour": Rule(
        rush_hour_moves,
        "possible moves that free the red car",
        "impossible moves do nothing; 0.01 for any text; loops for hours on A+99999999999",
        "2,000 random moves solve 1 in 5",
    ),
    "sokoban": Rule(sokoban_moves, "moves that solve it", _WORDS, "the answer alone is asked for"),
    "rubiks_cube": Rule(
        cube_moves,
        "turns that solve the cube",
        "share of stickers in place; 0.01 for any text; unknown moves are dropped",
        "a cube left alone earns its share",
    ),
    "boxnet": Rule(
        boxnet_plan,
        "share of boxes lifted by a plan whose every action is possible",
        "impossible actions do nothing; 0.05 for any JSON list or mapping; raises on other JSON; a fence loses all",
        "trying everything everywhere lifts boxes; the question's own example is fenced",
    ),
    "shortest_path": Rule(shortest_path, "the shortest path; 0.5 for a longer one", "the same", ""),
    "quantum_lock": Rule(
        lock_buttons,
        "a shortest sequence of active buttons; 0.5 for a longer one",
        f"{_WORDS}; inactive buttons do nothing",
        "the answer alone is asked for",
    ),
}
