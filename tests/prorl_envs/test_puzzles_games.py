"""The games agree with Reasoning Gym's own engines, and their solvers solve."""

from __future__ import annotations

import json
import random

import pytest
from magiccube import Cube
from reasoning_gym.games.rush_hour import Board as UpstreamBoard
from reasoning_gym.logic.propositional_logic import Expression

from prorl_envs.puzzles.games import boxnet, cube, propositions, rush_hour
from tests.prorl_envs.puzzle_items import items

FACES = [f"{face}{wide}{prime}" for face in "LRUDFB" for wide in ("", "w") for prime in ("", "'", "2")]
WHOLE = [f"{axis}{prime}" for axis in "XYZ" for prime in ("", "'")]
MIDDLE = [f"{slice_}{prime}" for slice_ in "MES" for prime in ("", "'")]


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_the_cube_is_solved_exactly_when_the_reference_says_so(size: int) -> None:
    rng = random.Random(size)
    known = [*FACES, *WHOLE, *(MIDDLE if size == 3 else []), "2R", "2U'"]
    outcomes = set()
    for _ in range(150):
        there = [rng.choice(known) for _ in range(rng.randint(1, 4))]
        moves = cube.turns(" ".join(there), size)
        assert moves is not None
        back = [move + "'" * reverse for move, reverse in cube.inverse(moves)]
        if rng.random() < 0.5:
            back[rng.randrange(len(back))] = rng.choice(known)
        sequence = " ".join([*there, *back])
        reference = Cube(size)
        reference.rotate(sequence)
        mine = cube.is_solved(cube.turn(cube.turns(sequence, size) or [], size), size)
        outcomes.add(mine)
        assert mine == reference.is_done(), sequence
    assert outcomes == {True, False}


@pytest.mark.parametrize("text", ["r", "R''", "Q", "4R", "R10", "U-2", "R " * 1001, "[R, U]", "U2'"])
def test_other_moves_are_none(text: str) -> None:
    assert cube.turns(text, 3) is None


def test_rush_hour_moves_agree_with_upstream_where_they_are_possible() -> None:
    rng = random.Random(5)
    for task in items("rush_hour", 6):
        description = task.truth["entry"]["metadata"]["board_config"]
        board = rush_hour.read_board(description)
        solution = rush_hour.solution(board)
        assert solution is not None
        reference = UpstreamBoard(description)
        reference.perform_moves(solution)
        assert reference.solved
        moves = solution.split()
        assert rush_hour.solves(board, rush_hour.moves(solution) or [])
        assert not rush_hour.solves(board, rush_hour.moves(" ".join(moves[:-1])) or [])
        broken = [*moves[: rng.randrange(len(moves))], "A+5", "A-5", *moves]
        assert not rush_hour.solves(board, rush_hour.moves(" ".join(broken)) or [])


def test_every_box_with_a_target_in_reach_is_lifted() -> None:
    for task in items("boxnet", 10):
        state = task.truth["entry"]["metadata"]["initial_state"]
        assert boxnet.lifted(state, json.loads(boxnet.plan(state))) == 1.0


def test_formulas_mean_what_upstream_means() -> None:
    rng = random.Random(11)
    names = ["P", "Q", "R"]

    def formula(depth: int) -> str:
        if depth == 0 or rng.random() < 0.2:
            return rng.choice(names)
        if rng.random() < 0.25:
            return f"¬({formula(depth - 1)})"
        joined = f" {rng.choice('∧∨→↔')} ".join(formula(depth - 1) for _ in range(rng.randint(2, 3)))
        return rng.choice([joined, f"({joined})"])

    for _ in range(300):
        text = formula(3)
        mine, theirs = propositions.read(text), Expression.from_string(text)
        assert mine is not None
        for row in range(8):
            values = {name: bool(row >> i & 1) for i, name in enumerate(names)}
            facts: list[propositions.Formula] = [
                n if v else propositions.Negation(n) for n, v in values.items()
            ]
            true = propositions.entails(facts, mine, names)
            assert true == theirs.evaluate(values), text


def test_a_conclusion_is_found_wherever_one_exists() -> None:
    for task in items("propositional_logic", 60):
        data = task.truth["entry"]["metadata"]
        premises = [p for text in data["premises"] if (p := propositions.read(text)) is not None]
        found = propositions.conclusion(premises, data["variables"])
        assert found is not None
        read = propositions.read(found)
        assert read is not None
        assert propositions.follows(premises, read, data["variables"])
        assert all(not propositions.follows(premises, premise, data["variables"]) for premise in premises)
