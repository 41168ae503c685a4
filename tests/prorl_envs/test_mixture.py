"""A mixture is one reproducible stream: weighted, without repeats within an epoch, sharded and resumable."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prorl_envs.core import Task
from prorl_envs.errors import ConfigError
from prorl_envs.mixture import Mixture, MixtureItem, holdout


def tasks(name: str, count: int) -> list[Task]:
    return [Task("math", f"{name} {i}", {"answer": str(i)}, source=name) for i in range(count)]


PARTS = {"a": tasks("a", 30), "b": tasks("b", 50), "c": tasks("c", 7)}


def test_draws_follow_the_weights() -> None:
    drawn = Counter(
        task.source for task in Mixture(PARTS, weights={"a": 1, "b": 2, "c": 7}, seed=3).take(20_000)
    )
    assert {name: round(count / 20_000, 2) for name, count in drawn.items()} == pytest.approx(
        {"a": 0.1, "b": 0.2, "c": 0.7}, abs=0.015
    )


def test_default_weights_visit_all_tasks_equally_often() -> None:
    mixture = Mixture(PARTS, seed=3)
    mixture.take(87 * 40)
    assert all(epochs == pytest.approx(40, rel=0.15) for epochs in mixture.epochs().values())


def test_an_epoch_holds_every_task_once_and_the_next_has_another_order() -> None:
    mixture = Mixture({"a": PARTS["a"]}, seed=1)
    first, second = mixture.take(30), mixture.take(30)
    assert set(first) == set(second) == set(PARTS["a"])
    assert first != second
    assert first != PARTS["a"]


def test_the_seed_decides_and_global_random_state_is_left_alone() -> None:
    random.seed(5)
    before = random.getstate()
    one, two = Mixture(PARTS, seed=1).take(200), Mixture(PARTS, seed=1).take(200)
    assert random.getstate() == before
    assert one == two != Mixture(PARTS, seed=2).take(200)


def test_the_stream_does_not_depend_on_the_hash_seed() -> None:
    code = (
        "from prorl_envs.core import Task; from prorl_envs.mixture import Mixture;"
        "p={n:[Task('math',f'{n}{i}',{'answer':'1'}) for i in range(9)] for n in 'ab'};"
        "print(','.join(t.prompt for t in Mixture(p, seed=4).take(60)))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert outputs.pop().count(b",") == 59


@given(st.integers(1, 5), st.integers(0, 40))
@settings(max_examples=25, deadline=None)
def test_ranks_together_are_the_single_stream(world: int, seed: int) -> None:
    single = Mixture(PARTS, seed=seed).take(12 * world)
    ranks = [Mixture(PARTS, seed=seed, rank=rank, world_size=world).take(12) for rank in range(world)]
    assert [task for step in zip(*ranks, strict=True) for task in step] == single


@given(st.integers(0, 150), st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_a_resumed_stream_is_the_uninterrupted_one(before: int, world: int) -> None:
    whole = Mixture(PARTS, seed=9, rank=world - 1, world_size=world)
    state = None
    for step in range(before + 20):
        if step == before:
            state = json.loads(json.dumps(whole.state_dict()))
            expected: list[Task] = []
        task = next(whole)
        if state is not None:
            expected.append(task)
    resumed = Mixture(PARTS, seed=9, rank=world - 1, world_size=world)
    resumed.load_state_dict(state or {})
    assert resumed.take(20) == expected


def test_the_state_is_the_same_on_every_rank_and_survives_another_number_of_ranks() -> None:
    ranks = [Mixture(PARTS, seed=2, rank=rank, world_size=4) for rank in range(4)]
    for rank in ranks:
        rank.take(10)
    states = [rank.state_dict() for rank in ranks]
    assert all(state == states[0] for state in states)
    alone = Mixture(PARTS, seed=2)
    alone.load_state_dict(states[0])
    assert alone.take(20) == Mixture(PARTS, seed=2).take(60)[40:]


def test_a_state_of_other_tasks_or_another_seed_is_refused() -> None:
    mixture = Mixture(PARTS, seed=2)
    mixture.take(3)
    state = mixture.state_dict()
    for other in (Mixture(PARTS, seed=3), Mixture({**PARTS, "c": tasks("c", 8)}, seed=2)):
        with pytest.raises(ConfigError, match="other tasks, or of another seed"):
            other.load_state_dict(state)
    for broken in ({**state, "position": 4}, {**state, "drawn": {}}, {**state, "position": "x"}):
        with pytest.raises(ConfigError, match="malformed"):
            mixture.load_state_dict(broken)
    mixture.load_state_dict(state)


def test_weights_may_change_on_resume() -> None:
    mixture = Mixture(PARTS, seed=2)
    mixture.take(10)
    other = Mixture(PARTS, weights={"a": 1, "b": 1, "c": 1000}, seed=2)
    other.load_state_dict(mixture.state_dict())
    assert Counter(task.source for task in other.take(50))["c"] > 45


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"components": {}}, "needs components"),
        ({"components": {"a": []}}, "'a' has no tasks"),
        ({"components": PARTS, "weights": {"a": 1}}, "b, c"),
        ({"components": PARTS, "weights": {"a": 1, "b": 0, "c": 1}}, "'b' must be positive"),
        ({"components": PARTS, "weights": {"a": 1, "b": float("nan"), "c": 1}}, "'b' must be positive"),
        ({"components": PARTS, "rank": 2, "world_size": 2}, "rank 2"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Mixture(**arguments)  # type: ignore[arg-type]


def test_items_load_recipes_and_twins_are_told_apart(tmp_path: object) -> None:
    from pathlib import Path

    file = Path(str(tmp_path)) / "rows.jsonl"
    file.write_text("\n".join(json.dumps({"problem": f"p{i}", "answer": str(i)}) for i in range(9)))
    easy = MixtureItem(recipe="deepscaler", path=str(file), limit=4)
    mixture = Mixture.from_items([easy, MixtureItem(recipe="deepscaler", path=str(file), weight=3)], seed=1)
    assert {name: len(part) for name, part in mixture.components.items()} == {
        "deepscaler": 4,
        "deepscaler#2": 9,
    }
    assert mixture.weights == {"deepscaler": 4.0, "deepscaler#2": 3.0}


def test_held_out_tasks_are_disjoint_by_content_and_stable() -> None:
    many = tasks("a", 100) + tasks("a", 100)[::-1]
    train, held = holdout(many, 20, seed=1)
    assert len(held) == len({task.id for task in held}) == 20
    assert not {task.id for task in train} & {task.id for task in held}
    assert len(train) == 160
    assert holdout(many[::-1], 20, seed=1)[1] == held, "the order of the tasks must not matter"
    assert holdout(many, 20, seed=2)[1] != held
    with pytest.raises(ConfigError, match="100 of 100"):
        holdout(many, 100)
