"""The problems of the boundary experiment: what the functions do, what is held out, and who judges."""

from __future__ import annotations

import random
from itertools import pairwise

import gymnasium
import pytest

pytest.importorskip("torch")

from benchmarks.boundary.base import careless_chain
from benchmarks.boundary.strings import (
    FUNCTIONS,
    HELD_OUT,
    StringVerifier,
    apply,
    chain,
    sample_tasks,
)
from prorl_envs.core import Task


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("R", "hcba"), ("L", "bcha"), ("T", "habc"), ("S", "hbca"), ("X", "bach"), ("F", "bch"),
        ("B", "abc"), ("D", "aabch"), ("E", "abchh"), ("N", "bcda"), ("P", "habg"), ("H", "ahcb"),
    ],
)  # fmt: skip
def test_each_function_does_what_its_name_says(name: str, result: str) -> None:
    assert apply(name, "abch") == result


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_never_empties_a_string(name: str) -> None:
    assert len(apply(name, "c")) >= 1
    assert apply(name * 9, "cd")


def test_a_chain_drops_the_function_that_is_done_and_ends_in_the_answer() -> None:
    assert chain("RDF", "abc") == "DF cba\nF ccba\ncba"
    assert chain("R", "abc") == "cba"


def test_a_careful_chain_is_the_right_one_and_a_careless_one_seldom_is() -> None:
    rng = random.Random(0)
    assert careless_chain("RDF", "abc", 1.0, rng) == chain("RDF", "abc")
    right = sum(
        careless_chain("RN", "abcd", 0.0, rng).splitlines()[-1] == apply("RN", "abcd") for _ in range(2000)
    )
    assert right / 2000 < 0.05


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_problems_keep_to_their_pairs(depth: int) -> None:
    for pairs, held in (("trained", False), ("held out", True)):
        for task in sample_tasks(depth, pairs, 40, seed="x"):  # type: ignore[arg-type]
            program = task.meta["program"]
            assert len(program) == depth
            assert {a + b in HELD_OUT for a, b in pairwise(program)} == {held}


def test_problems_are_different_and_depend_on_the_seed_alone() -> None:
    tasks = sample_tasks(3, "any", 200, seed="x")
    assert len({task.id for task in tasks}) == 200
    assert tasks == sample_tasks(3, "any", 200, seed="x")
    assert tasks != sample_tasks(3, "any", 200, seed="y")


@pytest.mark.parametrize(
    ("response", "correct"),
    [
        ("D cba\nccba", True),
        ("ccba", True),
        ("ccba\n\n", True),
        ("ccba\nD cba", False),
        ("the answer is ccba", False),
        ("CCBA", False),
        ("", False),
        ("\n \n", False),
    ],
)
def test_the_last_line_alone_decides(response: str, correct: bool) -> None:
    task = Task("strings", "RD abc", {"answer": "ccba"})
    assert StringVerifier().verify(response, task).correct is correct


@pytest.mark.parametrize("depth", [2, 3])
def test_the_environments_are_registered_and_reward_the_chain(depth: int) -> None:
    env = gymnasium.make(f"strings/Depth{depth}-v0")
    prompt, _ = env.reset(seed=1)
    program, _, text = prompt.partition(" ")
    _, reward, terminated, _, info = env.step(chain(program, text))
    assert (reward, terminated, info["correct"]) == (1.0, True, True)
