"""A run killed with SIGKILL, anywhere and as often as one likes, ends as if nothing had happened: bit for bit."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")

import yaml
from safetensors.torch import load_file

from adapters.prorl.journal import read_metrics
from adapters.prorl.stages import STAGES
from tests.adapters.killed_run import Moment, attempt, operations
from tests.adapters.micro_run import MICRO

# Every kind of write in few steps: checkpoints that replace one another, a reset, new bests, and a second stage that
# begins with the best of the first.
RECIPE: dict[str, Any] = {
    **{key: value for key, value in MICRO.items() if key != "name"},
    "preset": "micro",
    "warm_start": {"updates": 150, "tasks": 160, "batch": 32, "learning_rate": 0.006},
    "reset": {"every": 2},
    "validation": {"tasks": 6, "samples": 2, "every": 1},
    "checkpoint": {"every": 1, "keep": 1},
    "stages": [
        {"name": "one", "steps": 3},
        {"name": "two", "from": "best", "steps": 1, "reset": {"every": None}},
    ],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed")
    (folder / "recipe.yaml").write_text(yaml.safe_dump({**RECIPE, "runs": str(folder)}))
    return folder


@pytest.fixture(scope="module")
def straight(place: Path) -> tuple[Path, int]:
    """The run that nobody kills, and how many operations on files it took."""
    folder = place / "straight"
    count = operations(begin(place, "straight"), folder, place / "straight.count")
    assert {row["trigger"] for row in read_metrics(folder, "reset")} == {"interval"}
    assert all(row["grad_norm"] > 0 for row in read_metrics(folder, "step"))
    return folder, count


def begin(place: Path, name: str) -> list[str]:
    return ["--config", str(place / "recipe.yaml"), "--name", name]


def survive(place: Path, name: str, moments: list[Moment], *, each: bool) -> Path:
    """Starts a run, kills it at each of the moments in turn, and lets it end. `each`: none of them may be missed."""
    folder = place / name
    words = begin(place, name)
    for moment in [*moments, None]:
        code = attempt(words, folder, moment)
        assert code in (None, 0), f"it could not go on: exit code {code} before {moment}"
        assert code is None or moment is None or not each, f"{moment} never came"
        if (folder / STAGES).exists():
            words = ["--resume", str(folder)]
        elif folder.exists():  # killed before it was a run
            shutil.rmtree(folder)
    return folder


def told(folder: Path) -> list[dict[str, Any]]:
    kinds = ("stage", "step", "validation", "reset", "end")
    rows = [row for kind in kinds for row in read_metrics(folder, kind)]
    return [{key: value for key, value in row.items() if not is_time(key)} for row in rows]


def is_time(key: str) -> bool:
    return key == "seconds" or key.endswith("_s")


def assert_same(folder: Path, straight: Path) -> None:
    assert told(folder) == told(straight)
    for stage in ("1-one", "2-two"):
        lines = [(f / stage / "rollouts.jsonl").read_text() for f in (folder, straight)]
        assert lines[0] == lines[1]
        for model in ("model", "best"):
            ours, theirs = (load_file(f / stage / model / "model.safetensors") for f in (folder, straight))
            assert ours.keys() == theirs.keys()
            assert all(tensor.equal(theirs[name]) for name, tensor in ours.items()), (stage, model)
        abouts = [json.loads((f / stage / "best" / "best.json").read_text()) for f in (folder, straight)]
        assert abouts[0] == abouts[1]
    left = {path.name for path in (folder / "2-two").iterdir()}
    assert not any(name.endswith((".part", ".gone", ".next", ".old")) for name in left), left
    assert [path.name for path in (folder / "2-two" / "checkpoints").iterdir()] == ["checkpoint-2"]


def test_killed_where_it_hurts(place: Path, straight: tuple[Path, int]) -> None:
    moments = [
        Moment(
            operation=1, path="1-one/best.next"
        ),  # the new best is in its place, what is left of the old one goes
        Moment(torn=3),  # in the middle of the optimizer's state or the weights of a checkpoint
        Moment(operation=4, path="unfinished/checkpoint-4"),  # a checkpoint is half there
        Moment(operation=1, path="1-one/checkpoints/checkpoint-4"),  # the one before is being rotated away
        Moment(operation=1, path="2-two"),  # between the stages
        Moment(operation=2, path="model"),  # the last stage is over, and its model not yet written
    ]
    assert_same(survive(place, "killed", moments, each=True), straight[0])


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1, 7))
def test_killed_again_and_again(place: Path, straight: tuple[Path, int], seed: int) -> None:
    reference, count = straight
    rng = random.Random(seed)
    moments = [
        rng.choice((
            Moment(operation=rng.randint(1, count // 2)),
            Moment(torn=rng.randint(1, 9)),
            Moment(second=rng.uniform(0.5, 12)),
        ))
        for _ in range(10)
    ]  # fmt: skip
    assert_same(survive(place, f"killed-{seed}", moments, each=False), reference)
