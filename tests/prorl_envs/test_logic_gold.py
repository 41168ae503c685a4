"""Right answers earn 1.0: for every task, under both scorings, and after every way of storing them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from prorl_envs.core import Task
from prorl_envs.puzzles.rules import Entry
from prorl_envs.puzzles.scorers import RULES
from prorl_envs.puzzles.scorers.algebra import antiderivative
from prorl_envs.verifiers.logic_puzzle import LogicVerifier
from tests.prorl_envs.puzzle_items import ALL, answered, few, gold, items

SCORINGS: tuple[Literal["strict", "upstream"], ...] = ("strict", "upstream")


def test_there_is_a_strict_rule_for_every_registered_task_but_composite() -> None:
    assert set(ALL) - set(RULES) == {"composite"}
    assert len(ALL) >= 106
    assert not set(RULES) - set(ALL)


@pytest.mark.parametrize("scoring", SCORINGS)
@pytest.mark.parametrize("name", ALL)
def test_gold_earns_everything(name: str, scoring: Literal["strict", "upstream"]) -> None:
    verifier = LogicVerifier(scoring=scoring)
    for task in few(name):
        verdict = verifier.verify(answered(gold(task)), task)
        assert (verdict.reward, verdict.correct, verdict.status) == (1.0, True, "correct"), gold(task)


@pytest.mark.parametrize("name", [name for name in ALL if name != "composite"])
def test_the_rules_themselves_accept_gold_that_is_not_the_stored_text(name: str) -> None:
    """The stored answer is right as it stands; its rule must find so too, without comparing with it."""
    for task in few(name):
        stored = task.truth["entry"]
        entry = Entry(stored["question"], f" {stored['answer'] or ''} ", stored["metadata"], {})
        assert RULES[name].score(gold(task).strip(), entry) == 1.0


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ALL)
def test_gold_earns_everything_on_fifty_seeds(name: str) -> None:
    """Upstream's item i of seed s is item 0 of seed s + i: fifty items are fifty seeds."""
    for task in items(name, 50, 1):
        for scoring in SCORINGS:
            verdict = LogicVerifier(scoring=scoring).verify(answered(gold(task)), task)
            assert verdict.reward == 1.0, (scoring, gold(task), verdict)


@pytest.mark.parametrize("name", sorted({t for t in ALL if t in ("propositional_logic", "rubiks_cube")}))
def test_upstreams_own_examples_earn_everything_too(name: str) -> None:
    field = {"propositional_logic": "example_answer", "rubiks_cube": "example_correct_answer"}[name]
    for task in items(name, 20):
        assert LogicVerifier().verify(answered(task.truth["entry"]["metadata"][field]), task).reward == 1.0


def test_repaired_antiderivatives_are_right_as_numbers_and_not_by_their_text() -> None:
    for task in items("intermediate_integration", 12, 3):
        entry = task.truth["entry"]
        assert "Integral" not in entry["answer"]
        assert (
            antiderivative(entry["answer"] + " + 5", Entry("", entry["answer"], entry["metadata"], {})) == 1.0
        )


def test_verdicts_survive_json_and_parquet_under_three_hash_seeds(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    tasks = [task for name in ALL for task in few(name)[:1]]
    rows = [task.to_row() for task in tasks]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    stored = {
        "json": [json.loads(json.dumps(task.to_dict())) for task in tasks],
        "parquet": pq.read_table(tmp_path / "rows.parquet").to_pylist(),
    }
    assert [Task.from_dict(row).content_hash() for row in stored["parquet"]] == [task.id for task in tasks]
    script = Path(__file__).with_name("puzzle_items.py")
    root = str(script.parents[2])
    for kind, kept in stored.items():
        file = tmp_path / f"{kind}.jsonl"
        lines = [{"row": row, "response": answered(gold(t))} for row, t in zip(kept, tasks, strict=True)]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        for seed in ("0", "1", "4711"):
            environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": root}
            done = subprocess.run(
                [sys.executable, str(script), str(file)],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            verdicts = [json.loads(line) for line in done.stdout.splitlines()]
            assert [identity for identity, _ in verdicts] == [task.id for task in tasks]
            assert all(verdict["reward"] == 1.0 for _, verdict in verdicts), kind
