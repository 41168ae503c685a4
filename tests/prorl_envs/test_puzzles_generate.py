"""Puzzles come out the same wherever they are made, leave no trace, and refuse what they cannot be."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from prorl_envs.core import Task
from prorl_envs.errors import ConfigError, InfrastructureError, UnknownNameError
from prorl_envs.puzzles import PAPER_96, PAPER_OOD, generate, oracle, resolve, settings, task_names
from prorl_envs.puzzles.entries import entries, plain
from prorl_envs.puzzles.isolation import GeneratorChild, entries_in_child
from tests.prorl_envs.puzzle_items import ALL, SLOW

FAST = [name for name in ALL if name not in SLOW]


def test_the_named_sets_are_the_papers() -> None:
    assert len(PAPER_96) == len(set(PAPER_96)) == 96
    assert set(PAPER_96) | set(PAPER_OOD) <= set(task_names())
    assert not set(PAPER_96) & set(PAPER_OOD)
    assert resolve("paper96") == PAPER_96
    assert resolve("paper_ood") == ("acre", "boxnet", "game_of_life_halting")
    assert resolve("all") == task_names()
    assert resolve("sudoku") == ("sudoku",)


def test_a_task_says_what_it_is() -> None:
    (task,) = generate("chain_sum", size=1, seed=3, config={"min_terms": 2, "max_terms": 2})
    assert task.domain == "logic"
    assert task.truth["task"] == "chain_sum"
    assert task.truth["entry"].keys() == {"question", "answer", "metadata"}
    assert task.truth["config"] == {"max_terms": 2}
    assert task.text.startswith(task.truth["entry"]["question"])
    assert "<answer>" in task.text
    assert task.meta["category"] == "arithmetic"
    assert task.source == "reasoning-gym"


@pytest.mark.parametrize("name", FAST)
def test_items_do_not_depend_on_their_company_nor_leave_a_trace(name: str) -> None:
    random.seed(1)
    np.random.seed(1)
    before = random.getstate(), np.random.get_state()[1].tolist()
    whole = list(entries(name, size=4, seed=9))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before
    random.seed(2)
    assert list(entries(name, size=4, seed=9, start=2)) == whole[2:]
    assert json.loads(json.dumps(whole)) == whole


def test_the_same_tasks_under_any_hash_seed() -> None:
    code = (
        "from prorl_envs.puzzles import generate\n"
        "for name in ('isomorphic_strings', 'list_functions', 'ransom_note', 'self_reference'):\n"
        "    print(*[task.id for task in generate(name, size=3, seed=5)])\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    outputs = set()
    for seed in ("0", "1", "77"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": root}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'sudoku'"):
        generate("sudokus", size=1, seed=0)
    with pytest.raises(UnknownNameError, match="Did you mean 'paper96'"):
        resolve("paper_96")
    with pytest.raises(ConfigError, match="Did you mean 'min_empty'"):
        generate("sudoku", size=1, seed=0, config={"min_emtpy": 3})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, "size of at least 1"),
        ({"seed": -1}, "seed of at least 0"),
        ({"config": {"min_terms": 9, "max_terms": 2}}, "refuses its settings"),
        ({"template": "no place for it"}, "question"),
        ({"level": -1}, "starts at 0"),
    ],
)
def test_impossible_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        generate("chain_sum", **{"size": 1, "seed": 0, **arguments})  # type: ignore[arg-type]


def test_curricula_make_harder_puzzles() -> None:
    easy, hard = (settings("chain_sum", level=level)["max_terms"] for level in (0, 3))
    assert easy < hard
    tasks = [generate("chain_sum", size=5, seed=1, level=level) for level in (0, 3)]
    lengths = [sum(len(task.text) for task in made) for made in tasks]
    assert lengths[0] < lengths[1]
    with pytest.raises(ConfigError, match="no curriculum"):
        settings("acre", level=1)


@pytest.mark.parametrize("level", [0, 2])
def test_every_curriculum_can_be_asked_for(level: int) -> None:
    for name in ALL:
        if name not in ("acre", "composite", "gsm_symbolic", "list_functions"):
            assert settings(name, level=level).keys() == settings(name).keys()


def test_a_set_spreads_over_its_puzzles() -> None:
    tasks = generate("paper_ood", size=4, seed=2, level=0)
    assert [task.truth["task"] for task in tasks] == ["acre", "acre", "boxnet", "game_of_life_halting"]
    assert generate("acre", size=2, seed=2) == tasks[:2]
    with pytest.raises(ConfigError, match="set of puzzles"):
        generate("paper_ood", size=4, seed=2, config={"size_x": 3})


def test_a_template_of_ones_own_may_hold_braces() -> None:
    (task,) = generate("chain_sum", size=1, seed=3, template="Q: {question} {not a field}")
    assert task.text == f"Q: {task.truth['entry']['question']} {{not a field}}"


def test_what_has_no_json_form_is_refused() -> None:
    assert plain({1: (2, {3}), "d": np.float64(0.5), "s": np.str_("x")}) == {
        "1": [2, [3]],
        "d": 0.5,
        "s": "x",
    }
    with pytest.raises(TypeError, match="no JSON form"):
        plain(object())


def test_a_child_makes_what_this_process_makes_and_reports_refusals() -> None:
    assert list(entries_in_child("chain_sum", size=3, seed=4)) == list(entries("chain_sum", size=3, seed=4))
    with GeneratorChild() as child:
        with pytest.raises(ConfigError, match="no setting"):
            list(child.entries("chain_sum", size=1, seed=1, config={"terms": 3}))
        assert len(list(child.entries("leg_counting", size=2, seed=1))) == 2


def test_a_stuck_generator_is_killed() -> None:
    with GeneratorChild(deadline_s=0.05) as child, pytest.raises(InfrastructureError, match="knight_swap"):
        list(child.entries("knight_swap", size=50, seed=1))


def test_an_item_without_answer_or_solver_is_the_tasks_error() -> None:
    from prorl_envs.errors import TaskError

    with pytest.raises(TaskError, match="no solver"):
        oracle("chain_sum", {"question": "?", "answer": None, "metadata": {}})
    with pytest.raises(TaskError, match="no solution"):
        oracle("rush_hour", {"question": "?", "answer": None, "metadata": {"board_config": "o"}})


def test_tasks_survive_pickling_and_rows() -> None:
    for name in ("graph_color", "emoji_mystery", "knights_knaves"):
        (task,) = generate(name, size=1, seed=8)
        assert Task.from_dict(task.to_row()) == task
