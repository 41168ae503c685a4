"""Agreement with published verdicts: IFEval (strict and loose) and IFBench. Needs the shared data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prorl_envs.core import Task
from prorl_envs.extract import Section
from prorl_envs.instructions import CATALOGUE, instruction_truth
from prorl_envs.verifiers.instruction import InstructionVerifier


def rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open() as lines:
        yield from map(json.loads, lines)


@pytest.mark.parametrize("view", ["strict", "loose"])
def test_ifeval_verdicts(shared_data: Path, view: Any) -> None:
    verifier = InstructionVerifier(view=view)
    agree = total = 0
    for row in rows(shared_data / "instruction" / "ifeval_responses_dev.jsonl"):
        task = Task("instruction", row["prompt"], instruction_truth(row))
        followed = verifier.followed(Section(row["response"], False, False), task)
        agree += sum(ours == label for ours, label in zip(followed, row[view], strict=True))
        total += len(followed)
    assert total == 1653
    assert agree / total >= 0.995


def test_ifbench_verdicts(shared_data: Path) -> None:
    folder = shared_data / "instruction"
    tasks = {(row["prompt"], *row["instruction_id_list"]): row for row in rows(folder / "IFBench_test.jsonl")}
    agree = total = 0
    for row in rows(folder / "IFBench_sample_eval_results_strict.jsonl"):
        task = tasks.get((row["prompt"], *row["instruction_id_list"]))
        if task is None:  # four prompts of the sample read differently in the test file
            continue
        for bound, label in zip(CATALOGUE.bind(task), row["follow_instruction_list"], strict=True):
            agree += bound.follows(row["response"]) == label
            total += 1
    assert total == 331
    assert agree / total >= 0.98


@pytest.mark.parametrize("name", ["input_data.jsonl", "IFBench_test.jsonl"])
def test_every_published_prompt_can_be_judged(shared_data: Path, name: str) -> None:
    for row in rows(shared_data / "instruction" / name):
        assert instruction_truth(row)["instruction_id_list"] == row["instruction_id_list"]


def test_nemo_gym_rows_can_be_judged(shared_data: Path) -> None:
    for row in rows(shared_data / "formats" / "nemogym_instruction_following_example.jsonl"):
        assert instruction_truth(row)["instruction_id_list"] == row["instruction_id_list"]
