"""Puzzle sets: resumable, the same on any number of cores, without shared or repeated problems."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prorl_envs.errors import ConfigError, InfrastructureError, UnknownNameError
from prorl_envs.puzzles import parts
from prorl_envs.puzzles.differences import BEGIN, END, table, with_table
from prorl_envs.puzzles.isolation import GeneratorChild
from prorl_envs.puzzles.scorers import RULES
from prorl_envs.puzzles.sets import Plan, build, content_hash, paper_set, plan_of
from prorl_envs.recipes import load_recipe

PLAN = Plan({"chain_sum": 60, "ransom_note": 3, "self_reference": 5}, seed=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("puzzles")
    build(PLAN, made, workers=2)
    return made


def test_the_papers_plans_have_the_papers_sizes() -> None:
    train, validation = plan_of("train"), plan_of("validation")
    assert sum(train.counts.values()) == 37_000
    assert set(validation.counts.values()) == {100}
    assert len(train.counts) == len(validation.counts) == 96
    assert max(train.counts.values()) - min(train.counts.values()) == 1
    assert sum(plan_of("validation", puzzles="paper_ood").counts.values()) == 300
    assert train.seed != validation.seed
    assert train.avoid == validation


def test_what_is_no_plan_is_refused() -> None:
    with pytest.raises(ConfigError, match="split"):
        plan_of("test")
    with pytest.raises(ConfigError, match="at least one"):
        plan_of("train", rows=0)
    with pytest.raises(UnknownNameError, match="paper96"):
        plan_of("train", puzzles="paper_96")


def test_the_same_set_on_one_worker_elsewhere(folder: Path, tmp_path: Path) -> None:
    here, there = build(PLAN, folder), build(PLAN, tmp_path, workers=1)
    assert here.sha256 == there.sha256 == content_hash(here.tasks)
    assert Counter(task.truth["task"] for task in here.tasks) == PLAN.counts
    assert len({task.id for task in here.tasks}) == 68
    assert not here.repeats
    manifest = json.loads(next(folder.glob("manifest-*.json")).read_text("utf-8"))
    assert manifest["sha256"] == here.sha256
    assert manifest["versions"].keys() == {"reasoning-gym", "python"}


def test_an_interrupted_build_goes_on_where_it_stopped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = build(PLAN, folder)
    files = sorted(folder.rglob("*-*.jsonl"))
    stamps = {file: file.stat().st_mtime_ns for file in files}
    files[0].unlink()
    seen: list[tuple[int, int]] = []
    after = build(PLAN, folder, workers=2, progress=lambda made, planned: seen.append((made, planned)))
    assert after.sha256 == before.sha256
    assert {file for file in files if file.stat().st_mtime_ns != stamps[file]} == {files[0]}
    assert seen[0] == (18, 68)
    assert seen[-1] == (68, 68)
    monkeypatch.setattr(parts, "GeneratorChild", None)  # nothing is missing: no child may be started
    assert build(PLAN, folder).sha256 == before.sha256


def test_training_avoids_validation_and_repeats_only_what_runs_out(tmp_path: Path) -> None:
    train = build(plan_of("train", puzzles="tower_of_hanoi", rows=60), tmp_path, workers=2)
    validation = build(plan_of("validation", puzzles="tower_of_hanoi"), tmp_path, workers=2)
    assert (len(train.tasks), len(validation.tasks)) == (60, 100)
    assert not {task.text for task in train.tasks} & {task.text for task in validation.tasks}
    for built in (train, validation):  # there are about 90 problems in all
        assert (
            0 < built.repeats["tower_of_hanoi"] == len(built.tasks) - len({task.id for task in built.tasks})
        )


def test_a_stuck_generator_stalls_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = GeneratorChild.entries

    def entries(self: GeneratorChild, task: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        if task == "knight_swap":
            self._process.kill()  # as the deadline does
        return original(self, task, **arguments)

    monkeypatch.setattr(GeneratorChild, "entries", entries)
    with pytest.raises(InfrastructureError, match="knight_swap"):
        build(Plan({"knight_swap": 1, "chain_sum": 5}, seed=1), tmp_path, workers=1)
    assert len(list(tmp_path.rglob("chain_sum/*.jsonl"))) == 1
    assert not list(tmp_path.rglob("*.partial"))


def test_neighboring_problems_do_not_leak_into_training() -> None:
    """Upstream's item i of seed s is item 0 of seed s + i: seeds that are near would share problems."""
    train, validation = plan_of("train"), plan_of("validation")
    assert abs(train.seed - validation.seed) > 1_000_000


def test_the_recipe_leads_here() -> None:
    recipe = load_recipe("reasoning-gym")
    assert recipe.split_names() == ("train", "validation")
    assert recipe.generator is not None
    module, _, function = recipe.generator.function.partition(":")
    assert (module, function) == (paper_set.__module__, paper_set.__name__)


def test_a_set_is_read_from_its_folder(folder: Path, tmp_path: Path) -> None:
    tasks = list(paper_set("validation", puzzles="chain_sum", rows=7, folder=str(tmp_path), workers=1))
    assert [task.truth["task"] for task in tasks] == ["chain_sum"] * 7
    assert list(paper_set("validation", puzzles="chain_sum", rows=7, folder=str(tmp_path))) == tasks


def test_the_page_holds_the_table_of_the_rules() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "logic.md"
    text = page.read_text("utf-8")
    assert with_table(text) == text, "run: python -m prorl_envs.puzzles table --write docs/logic.md"
    assert len(table().splitlines()) == len(RULES) + 2
    with pytest.raises(ValueError, match="marks"):
        with_table(f"{BEGIN} but no end".replace(END, ""))
