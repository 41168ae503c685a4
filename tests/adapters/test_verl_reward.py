"""`compute_score` keeps verl's contract: its call, its threads, the same keys for every sample."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy
import pyarrow.parquet
import pytest

import adapters.verl_reward
from adapters.verl_reward import (
    compute_score,
    compute_score_batch,
    score_keys,
    to_verl_row,
    write_verl_parquet,
)
from prorl_envs.core import DOMAINS, Task, Verdict
from prorl_envs.errors import ConfigError, InfrastructureError, RowError, UnknownNameError
from prorl_envs.recipes import load_tasks
from prorl_envs.scoring import Scorer, shared_scorer

MATH = Task("math", "1+1?", {"answer": "2"}, source="own", meta={"level": 1})
STEM = Task("stem", "Which?", {"answer": "B"})
LOGIC = Task(
    "logic", "1 + 1 =", {"task": "chain_sum", "entry": {"question": "1 + 1 =", "answer": "2", "metadata": {}}}
)


@pytest.fixture(scope="module", autouse=True)
def _scorer() -> Iterator[None]:
    yield
    shared_scorer().close()


def naive_manager(samples: list[dict[str, Any]], function: Any = compute_score) -> list[dict[str, Any]]:
    """What verl's naive manager and agent loop do: threads of an executor, keys of the first sample for all."""

    async def run() -> list[dict[str, Any]]:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(4) as pool:
            return await asyncio.gather(
                *(loop.run_in_executor(pool, lambda s=s: function(**s)) for s in samples)
            )

    results = asyncio.run(run())
    keys = list(results[0])
    columns = {key: numpy.array([result[key] for result in results]) for key in keys}
    assert all(column.dtype == numpy.float64 for column in columns.values())
    return results


def sample(task: Task, response: str) -> dict[str, Any]:
    row = to_verl_row(task)
    info = {**row["extra_info"], "num_turns": 1, "rollout_reward_scores": {}}
    return {
        "data_source": row["data_source"],
        "solution_str": response,
        "ground_truth": row["reward_model"]["ground_truth"],
        "extra_info": info,
    }


def test_domains_mix_in_one_batch_off_the_main_thread() -> None:
    scores = naive_manager(
        [
            sample(MATH, "\\boxed{2}"),
            sample(LOGIC, "<answer>2</answer>"),
            sample(STEM, "\\boxed{C}"),
            sample(MATH, "<think> no end"),
            sample(MATH, ""),
        ]
    )
    assert [score["score"] for score in scores] == [1.0, 1.0, 0.0, 0.0, 0.0]
    assert [score["acc"] for score in scores] == [1.0, 1.0, 0.0, 0.0, 0.0]
    assert [score["truncated"] for score in scores] == [0.0, 0.0, 0.0, 1.0, 0.0]
    assert [score["no_answer"] for score in scores] == [0.0, 0.0, 0.0, 0.0, 1.0]
    assert len({tuple(score) for score in scores}) == 1, "the keys must not depend on domain or outcome"


def test_every_part_of_every_domain_is_a_key() -> None:
    scorer = shared_scorer()
    keys = set(score_keys(scorer))
    for domain in DOMAINS:
        assert keys >= set(scorer.verifier(domain).part_names)


def test_native_rows_and_a_callers_own_sources() -> None:
    assert compute_score("deepscaler", "\\boxed{\\frac{6}{14}}", "\\frac{3}{7}")["score"] == 1.0
    assert compute_score("my/set", "\\boxed{2}", "2", {}, domains={"my/set": "math"})["score"] == 1.0
    assert (
        compute_score("my/set", "\\boxed{2}", "2", {"domain": "math"}, reward_router_address=None)["score"]
        == 1.0
    )
    with pytest.raises(UnknownNameError, match="my/set"):
        compute_score("my/set", "\\boxed{2}", "2")
    with pytest.raises(RowError, match="ground_truth"):
        compute_score("apps", "x", "{")


def test_one_text_under_two_sources_is_two_tasks() -> None:
    """The memory of parsed ground truths must not mix up rows that differ in anything that matters."""
    assert compute_score("one", "\\boxed{B}", "B", {"domain": "stem"})["score"] == 1.0
    assert compute_score("one", "\\boxed{B}", "B", {"domain": "math"})["score"] == 1.0
    truth = json.dumps(dict(LOGIC.truth))
    assert compute_score("one", "<answer>2</answer>", truth, {"domain": "logic"})["answered"] == 1.0
    assert compute_score("one", "\\boxed{2}", truth, {"domain": "math"})["score"] == 0.0


def test_the_batch_form() -> None:
    columns = [sample(MATH, "\\boxed{2}"), sample(STEM, "\\boxed{C}")]
    scores = compute_score_batch(
        data_sources=numpy.array([s["data_source"] for s in columns], dtype=object),
        solution_strs=[s["solution_str"] for s in columns],
        ground_truths=[s["ground_truth"] for s in columns],
        extra_infos=[s["extra_info"] for s in columns],
    )
    assert [score["score"] for score in scores] == [1.0, 0.0]


def test_a_failure_is_never_a_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Scorer, "score", lambda self, tasks, texts: [Verdict.failed("worker lost")] * len(tasks)
    )
    with pytest.raises(InfrastructureError, match="worker lost"):
        compute_score(**sample(MATH, "\\boxed{2}"))
    scores = compute_score(**sample(MATH, "\\boxed{2}"), on_failed="nan")
    assert math.isnan(scores["score"])
    assert math.isnan(scores["acc"])
    assert scores["failed"] == 1.0
    monkeypatch.undo()
    assert list(scores) == list(compute_score(**sample(MATH, "\\boxed{2}")))
    with pytest.raises(ConfigError, match="on_failed"):
        compute_score(**sample(MATH, ""), on_failed="zero")  # type: ignore[arg-type]


def test_it_loads_from_its_path_as_verl_loads_files() -> None:
    spec = importlib.util.spec_from_file_location("custom_module", adapters.verl_reward.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.compute_score(**sample(MATH, "\\boxed{2}"))["score"] == 1.0


def test_parquet_rows_come_back_as_the_same_tasks(tmp_path: Path) -> None:
    tasks = [MATH, STEM, LOGIC]
    assert write_verl_parquet(tasks, tmp_path / "train.parquet", split="train") == 3
    rows = pyarrow.parquet.read_table(tmp_path / "train.parquet").to_pylist()
    assert set(rows[0]) == {"data_source", "prompt", "ability", "reward_model", "extra_info"}
    assert rows[0]["prompt"] == [{"role": "user", "content": "1+1?"}]
    assert rows[0]["data_source"] == "prorl/math/own"
    assert [row["extra_info"]["id"] for row in rows] == [task.id for task in tasks]
    right = ["\\boxed{2}", "\\boxed{B}", "<answer>2</answer>"]
    for row, response in zip(rows, right, strict=True):
        truth = row["reward_model"]["ground_truth"]
        assert compute_score(row["data_source"], response, truth, row["extra_info"])["score"] == 1.0
    with pytest.raises(ConfigError, match="no task"):
        write_verl_parquet([], tmp_path / "none.parquet")


def test_published_verl_rows_score(shared_data: Path) -> None:
    rows = pyarrow.parquet.read_table(shared_data / "formats/dsr_sub_1209.parquet").slice(0, 40).to_pylist()
    own = {
        task.meta["index"]: task for task in load_tasks("deepscaler", path=shared_data / "formats", limit=60)
    }
    for row in rows:
        truth = row["reward_model"]["ground_truth"]
        scores = compute_score(row["data_source"], f"So \\boxed{{{truth}}}", truth, row["extra_info"])
        assert scores["score"] == 1.0, truth
        assert dict(own[row["extra_info"]["index"]].truth) == {"answer": truth}
