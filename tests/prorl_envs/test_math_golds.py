"""The golds people train and evaluate on: each must accept itself, and refuse its neighbour."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from prorl_envs.answers.gold_audit import GoldGrade, audit_golds, written_forms
from prorl_envs.core import Task
from prorl_envs.verifiers.math_answer import MathVerifier

BENCHMARKS = {
    "aime": 30,
    "amc": 83,
    "math": 500,
    "minerva": 272,
    "olympiad_bench": 675,
}


def problems(shared_data: Path, name: str) -> list[dict[str, object]]:
    return list(
        json.loads((shared_data / "math_eval" / f"deepscaler_test_{name}.json").read_text(encoding="utf-8"))
    )


def accepted(problem: dict[str, object]) -> list[str]:
    answer = problem.get("answer", problem.get("expected_answer"))
    return [str(a) for a in answer] if isinstance(answer, list) else [str(answer)]


def unaccepted(rows: list[dict[str, object]]) -> Iterator[str]:
    verifier = MathVerifier()
    for row in rows:
        golds = accepted(row)
        task = Task("math", "?", {"answers": golds})
        for gold in golds:
            for form in written_forms(gold):
                if not verifier.verify(f"So \\boxed{{{form}}}", task).correct:
                    yield form


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmark_golds_verify_as_a_model_would_write_them(shared_data: Path, name: str) -> None:
    rows = problems(shared_data, name)
    assert len(rows) == BENCHMARKS[name]
    assert list(unaccepted(rows)) == []


@pytest.mark.parametrize("year", ["aime24", "aime25"])
def test_aime_golds_verify(shared_data: Path, year: str) -> None:
    text = (shared_data / "math_eval" / f"{year}_nemo_skills.jsonl").read_text(encoding="utf-8")
    assert list(unaccepted([json.loads(line) for line in text.splitlines()])) == []


def training_golds(shared_data: Path) -> dict[str, str]:
    golds: dict[str, str] = {}
    for number in range(1, 6):
        path = shared_data / "math_train" / f"deepscaler_difficulty_{number}.json.gz"
        for row in json.loads(gzip.decompress(path.read_bytes())):
            golds.setdefault(row["prompt"], row["answer"])
    return golds


def test_nearly_all_training_golds_are_verifiable(shared_data: Path) -> None:
    golds = list(training_golds(shared_data).values())[::10]
    table = audit_golds(golds)
    assert table.total == len(golds)
    assert table.share(GoldGrade.VERIFIABLE) > 0.995


@pytest.mark.slow
def test_all_training_golds_are_graded(shared_data: Path) -> None:
    table = audit_golds(training_golds(shared_data).values())
    assert table.total == 38_892
    assert table.share(GoldGrade.VERIFIABLE) > 0.998
    assert table.share(GoldGrade.BROKEN) < 0.001
