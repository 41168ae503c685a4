"""Rows and completions in, verdicts out: the part that all trainers' adapters share.

    verdicts = score_rows(rows, completions)

A row is whatever a trainer's dataset holds: a task as `Task.to_dict` or `Task.to_row` writes it, the same under
a ``task`` column, or a row of verl's layout with a ground truth of ours or of the dataset's own. A completion
is a text or a list of chat messages. All adapters judge with one process-wide Scorer, so the verdict on a
response is the same from every entrance.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.ground_truth import task_of_ground_truth
from prorl_envs.core import Task, Verdict
from prorl_envs.errors import RowError, TaskError
from prorl_envs.scoring import Scorer, shared_scorer

__all__ = ["log_failures", "score_rows", "task_of_row", "tasks_of_rows"]

log = logging.getLogger(__name__)


def score_rows(
    rows: Sequence[Mapping[str, Any] | Task], completions: Sequence[object], *, scorer: Scorer | None = None
) -> list[Verdict]:
    """The verdicts on B completions of B rows, in order.

    Args:
        rows: B rows or tasks; repeat a row for each completion of its group.
        completions: B texts, or lists of chat messages, of which the last assistant turn counts.
        scorer: instead of the process-wide one.

    Raises:
        RowError: a row is no task; names its position and the field. Nothing is scored then.
        ValueError: the lengths differ.
    """
    if len(rows) != len(completions):
        raise ValueError(f"{len(rows)} rows but {len(completions)} completions")
    verdicts = (scorer or shared_scorer()).score(tasks_of_rows(rows), completions)
    log_failures(verdicts)
    return verdicts


def tasks_of_rows(rows: Sequence[Mapping[str, Any] | Task]) -> list[Task]:
    """The tasks of `rows`; equal rows give one object, which the Scorer then encodes once.

    Raises:
        RowError: names the row's position, from 1, and the field.
    """
    known: dict[object, Task] = {}
    tasks = []
    for number, row in enumerate(rows, start=1):
        try:
            key = _key(row)
            if key not in known:
                known[key] = row if isinstance(row, Task) else task_of_row(row)
        except TaskError as error:
            problem, field = (
                (error.problem, error.field) if isinstance(error, RowError) else (str(error), None)
            )
            raise RowError(problem, row=number, field=field) from None
        tasks.append(known[key])
    return tasks


def task_of_row(row: Mapping[str, Any]) -> Task:
    """The task that a row means, whichever of the layouts above it has.

    Raises:
        TaskError: it has none of them, or is malformed.
    """
    if row.get("task") is not None:
        return task_of_row(_decoded(row["task"]))
    if row.get("reward_model") is not None:
        return _task_of_verl_row(row)
    if row.get("domain") is None or row.get("truth") is None:
        missing = "domain" if row.get("domain") is None else "truth"
        raise RowError("is missing: a row needs domain and truth, or task, or reward_model", field=missing)
    # A verifier never looks at the prompt; a row that was stripped of it can still be judged.
    return Task.from_dict({"prompt": "", **row} if row.get("prompt") is None else row)


def log_failures(verdicts: Sequence[Verdict]) -> None:
    """Logs how many verdicts failed, with the first reason: they carry no reward, and someone should know."""
    failed = [verdict for verdict in verdicts if verdict.reward is None]
    if failed:
        log.warning(
            "%d of %d responses could not be judged: %s", len(failed), len(verdicts), failed[0].detail
        )


def _task_of_verl_row(row: Mapping[str, Any]) -> Task:
    reward_model = row["reward_model"]
    if not isinstance(reward_model, Mapping) or reward_model.get("ground_truth") is None:
        raise RowError("is missing", field="reward_model.ground_truth")
    return task_of_ground_truth(
        str(row.get("data_source") or ""),
        reward_model["ground_truth"],
        row.get("extra_info") or {},
        prompt=row.get("prompt"),
    )


def _decoded(task: Any) -> Mapping[str, Any]:
    if isinstance(task, str):
        try:
            task = json.loads(task)
        except (ValueError, RecursionError) as error:
            raise RowError(f"not JSON: {error}", field="task") from None
    if not isinstance(task, Mapping) or "task" in task:
        raise RowError("must hold one task: domain, prompt and truth", field="task")
    return task


def _key(row: Mapping[str, Any] | Task) -> object:
    """Equal for rows that are certainly the same task; else the row's identity."""
    if isinstance(row, Task):
        return id(row)
    parts = (row.get("task"), row.get("id"), row.get("domain"), row.get("truth"))
    return parts if isinstance(parts[0], str) or all(isinstance(part, str) for part in parts[1:]) else id(row)
