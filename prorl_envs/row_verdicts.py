"""Rows that carry their own responses, judged one by one: what `prorl score` and the HTTP server share.

A row is ``{"domain", "truth", "response", "id"?, "prompt"?}``. One that cannot be read becomes a verdict
``failed`` that names it, and stops nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from prorl_envs.core import Task, Verdict
from prorl_envs.errors import RowError, TaskError, UnknownNameError
from prorl_envs.extract import coerce_response
from prorl_envs.scoring import Scorer

__all__ = ["UNREADABLE", "Entry", "JudgedRow", "ajudge_rows", "judge_rows", "read_row"]

UNREADABLE = "(unreadable)"
"""Stands for the domain of a row that could not be read."""


@dataclass(frozen=True)
class Entry:
    """A row as read: its id, and either its task and response or what is wrong with it."""

    id: Any
    task: Task | None = None
    response: str = ""
    error: RowError | None = None


@dataclass(frozen=True)
class JudgedRow:
    """The verdict on one row, under the row's own id."""

    id: Any
    domain: str
    verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        """The id and the verdict's fields, JSON-safe."""
        return {"id": self.id, **self.verdict.to_dict()}


def read_row(data: Mapping[str, Any], number: int, scorer: Scorer, *, file: str | None = None) -> Entry:
    """Reads one row; a mistake in it becomes the entry's `error`.

    Args:
        data: the row's fields.
        number: its line, from 1; also its id where it has none.
        scorer: knows the domains and checks the truth.
        file: where it stands, for the message.
    """
    row_id = data.get("id", number)
    problem = partial(RowError, file=file, row=number)
    if "response" not in data:
        return Entry(row_id, error=problem("it is missing", field="response"))
    try:
        task = Task.from_dict({"prompt": "", **data, "id": ""})
        scorer.verifier(task.domain).check(task)
        return Entry(row_id, task, coerce_response(data["response"]))
    except (TaskError, UnknownNameError, TypeError) as error:
        return Entry(row_id, error=problem(str(error)))


def judge_rows(entries: Sequence[Entry], scorer: Scorer) -> list[JudgedRow]:
    """The verdicts on `entries`, in order."""
    return _merged(entries, scorer.score(*_readable(entries)))


async def ajudge_rows(entries: Sequence[Entry], scorer: Scorer) -> list[JudgedRow]:
    """`judge_rows` for asyncio."""
    return _merged(entries, await scorer.ascore(*_readable(entries)))


def _readable(entries: Sequence[Entry]) -> tuple[list[Task], list[str]]:
    pairs = [(entry.task, entry.response) for entry in entries if entry.task is not None]
    return [task for task, _ in pairs], [response for _, response in pairs]


def _merged(entries: Sequence[Entry], verdicts: Sequence[Verdict]) -> list[JudgedRow]:
    rest = iter(verdicts)
    return [
        JudgedRow(entry.id, UNREADABLE, Verdict.failed(str(entry.error)))
        if entry.task is None
        else JudgedRow(entry.id, entry.task.domain, next(rest))
        for entry in entries
    ]
