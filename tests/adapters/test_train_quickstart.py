"""The promise of the main job: from a fresh start it learns, and by how much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")

from rich.console import Console

from adapters import train
from adapters.prorl.journal import read_metrics
from adapters.prorl.problems import load_problems
from adapters.prorl.run import execute
from prorl_envs.core import Verdict
from prorl_envs.scoring import Scorer
from tests.adapters.micro_run import MICRO, micro_config


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_quickstart_raises_pass_at_1_by_three_tenths_and_keeps_pass_at_8(
    tmp_path: Path, seed: int
) -> None:
    assert train.main(["--runs", str(tmp_path), "--name", "run", "--seed", str(seed)]) == 0
    validations = read_metrics(tmp_path / "run", "validation")
    before, after = validations[0]["pass_at"], validations[-1]["pass_at"]
    assert before["1"] < 0.3, "the warm start already knows the answers"
    assert after["1"] - before["1"] >= 0.3
    assert after["8"] >= before["8"]


def test_responses_that_are_rewarded_become_more_likely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def likes_even_numbers(self: Scorer, tasks: list[Any], responses: list[str]) -> list[Verdict]:
        digits = [[char for char in response if char in "123456789"] for response in responses]
        return [Verdict.binary(bool(found) and int(found[0]) % 2 == 0) for found in digits]

    monkeypatch.setattr(Scorer, "score", likes_even_numbers)
    config = micro_config(
        tmp_path,
        steps=16,
        environments=MICRO["environments"][:1],
        rollout={**MICRO["rollout"], "prompts": 16, "group": 8, "dynamic_sampling": False},
        optimizer={"mini_batch": 4, "device_batch": 32, "learning_rate": 2e-3, "warmup": 4},
        reset={"every": 8},
        validation={"tasks": 0},
    )
    (tmp_path / "run").mkdir()
    execute(config, load_problems(config), tmp_path / "run", resume=False, console=Console(quiet=True))
    rewards = [row["reward"] for row in read_metrics(tmp_path / "run", "step")]
    assert rewards[0] < 0.7
    assert min(rewards[-3:]) > 0.85
