"""What is trained on and what is held out share nothing, and shares follow the weights."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.prorl.problems import content_key, load_problems
from adapters.prorl.settings import parse, validated
from prorl_envs.core import Task
from prorl_envs.errors import ConfigError, UnknownNameError


def puzzle(task: str, weight: float | None = None, **options: Any) -> dict[str, Any]:
    return {"id": "prorl/Logic-v0", "weight": weight, "options": {"task": task, "seed": 0, **options}}


def settings(*environments: dict[str, Any], heldout: int = 10) -> Any:
    return validated({"environments": environments, "validation": {"tasks": heldout}}, "test")


def test_heldout_problems_are_taken_by_weight_and_read_like_no_training_problem() -> None:
    given = settings(
        puzzle("spell_backward", weight=3, size=500, config={"max_word_len": 4}),
        puzzle("chain_sum", 1, size=50),
    )
    made = load_problems(given)
    names = [task.truth["task"] for task in made.heldout]
    assert names.count("spell_backward") == 8
    assert names.count("chain_sum") == 2
    keys = {content_key(task) for task in made.heldout}
    assert len(keys) == 10
    assert not keys & {content_key(task) for task in made.training()}
    assert made.weights == {"spell_backward": 3.0, "chain_sum": 1.0}


def test_the_quickstart_holds_200_problems_out_that_neither_warm_start_nor_training_see() -> None:
    made = load_problems(parse([]).config)
    assert len(made.heldout) == len({content_key(task) for task in made.heldout}) == 200
    assert not {content_key(t) for t in made.heldout} & {content_key(t) for t in made.training()}
    assert len(made.components) >= 2
    assert min(map(len, made.components.values())) > 1000


def test_problems_that_differ_in_case_or_spacing_are_the_same() -> None:
    one, two = (Task("logic", text, {"task": "t"}) for text in ("Spell: SUN ", "spell:  sun"))
    assert one.id != two.id
    assert content_key(one) == content_key(two)


def test_the_same_seed_holds_out_the_same_problems() -> None:
    given = settings(puzzle("chain_sum", size=60))
    assert [t.id for t in load_problems(given).heldout] == [t.id for t in load_problems(given).heldout]
    other = given.model_copy(update={"seed": 1})
    assert [t.id for t in load_problems(given).heldout] != [t.id for t in load_problems(other).heldout]


def test_two_components_of_one_kind_have_two_names() -> None:
    made = load_problems(settings(puzzle("chain_sum", size=30), puzzle("chain_sum", size=40), heldout=0))
    assert {name: len(tasks) for name, tasks in made.components.items()} == {
        "chain_sum": 30,
        "chain_sum#2": 40,
    }
    assert made.heldout == []


def test_requests_that_cannot_be_met() -> None:
    with pytest.raises(ConfigError, match="nothing to train on"):
        load_problems(settings())
    with pytest.raises(UnknownNameError, match="prorl/Logic-v0"):
        load_problems(settings({"id": "prorl/Logik-v0"}))
    with pytest.raises(ConfigError, match="too few"):
        load_problems(settings(puzzle("chain_sum", size=5)))
    with pytest.raises(UnknownNameError, match="deepscaler"):
        load_problems(settings({"id": "prorl/Math-v0", "options": {"recipe": "deepscalr"}}))
