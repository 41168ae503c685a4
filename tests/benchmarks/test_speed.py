"""The parts of the comparison with plain TRL that can be wrong without anyone noticing."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("trl")

from transformers.trainer import DEFAULT_CALLBACKS

from benchmarks.coins import KINDS, CoinVerifier, coin_tasks
from benchmarks.speed import DYNAMIC, LAYER, PLAIN, Steps, everywhere, spread, table


def test_half_of_the_groups_are_dead() -> None:
    rng, judge = random.Random(0), CoinVerifier()
    alive = 0
    for task in coin_tasks(200, KINDS, seconds=0.0):
        responses = ["".join(rng.choices("abcdefgh", k=9)) for _ in range(16)]
        alive += len({judge.verify(response, task).reward for response in responses}) == 2
    assert alive == 100


def test_the_clock_counts_steps_and_leaves_the_first_out() -> None:
    clock = Steps(2, walls=[0.0, 2.0, 4.0, 9.0], cpus=[0.0, 1.0, 2.0, 3.0], carrying=[99, 10, 20, 15])
    assert (clock.wall, clock.cpu) == (2.0, 1.0)
    assert (clock.useful, clock.useful_cpu) == (pytest.approx(45 / 9), pytest.approx(45 / 3))


def test_ratios_are_of_one_round() -> None:
    def clock(seconds: float) -> Steps:
        return Steps(1, walls=[0.0, seconds], cpus=[0.0, seconds], carrying=[0, 8])

    rounds = [
        {PLAIN.name: clock(s), LAYER.name: clock(1.1 * s), DYNAMIC.name: clock(s / 2)} for s in (1.0, 5.0)
    ]
    lines = table(rounds)
    assert spread([1.1, 1.1]) in lines[3]
    assert spread([2.0, 2.0]) in lines[4]


def test_the_clock_is_taken_out_of_every_trainer_again() -> None:
    before, clock = list(DEFAULT_CALLBACKS), Steps(1)
    with everywhere(clock):
        assert DEFAULT_CALLBACKS[-1] is clock
    assert before == DEFAULT_CALLBACKS
