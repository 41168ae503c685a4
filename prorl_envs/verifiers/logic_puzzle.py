"""Logic puzzles (ProRL appendix D.4): Reasoning Gym's tasks, scored by our own strict rules or by upstream's.

    LogicVerifier()                        strict: right is 1, wrong is 0; nothing for hedges or garbage
    LogicVerifier(scoring="upstream")      Reasoning Gym's own scorers, as the paper used them, fenced in

The answer is what stands between the last ``<answer>`` and ``</answer>`` after ``</think>``; blanks around it do
not matter. `Verdict.correct` is the strict view under either scoring, for those who want a binary reward.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from prorl_envs.core import Kind, Status, Task, Verdict
from prorl_envs.errors import ConfigError, TaskError
from prorl_envs.extract import Section, answer_tag
from prorl_envs.puzzles.rules import Entry
from prorl_envs.puzzles.scorers import strict_score
from prorl_envs.puzzles.upstream import upstream_score, warm_up
from prorl_envs.verifiers.base import BaseVerifier

__all__ = ["ANSWER_LIMIT", "LogicVerifier"]

Scoring = Literal["strict", "upstream"]

ANSWER_LIMIT = 65_536
"""The longest answer that is read, in characters, unless the right one itself is longer than a quarter of it."""


class LogicVerifier(BaseVerifier):
    """Scores the answer to one puzzle.

    Args:
        scoring: "strict" (default) or "upstream". Their differences are listed in ``docs/logic.md``.

    Raises:
        ConfigError: `scoring` is neither.
    """

    domain: ClassVar[str] = "logic"
    kind: ClassVar[Kind] = "continuous"
    part_names: ClassVar[tuple[str, ...]] = ("correct", "answered")

    def __init__(self, scoring: Scoring = "strict") -> None:
        if scoring not in ("strict", "upstream"):
            raise ConfigError(f"scoring is 'strict' or 'upstream', not {scoring!r}")
        self.scoring = scoring

    def prepare(self) -> None:
        """Imports Reasoning Gym (about a second) when its scorers are to be used."""
        if self.scoring == "upstream":
            warm_up()

    def check(self, task: Task) -> None:
        """Raises `TaskError` unless ``truth`` is ``{"task", "entry": {"question", "answer", "metadata"}}``."""
        truth = task.truth
        if not isinstance(truth.get("task"), str):
            raise TaskError(f"task {task.id}: field 'truth.task' must name a Reasoning Gym dataset")
        entry = truth.get("entry")
        if not isinstance(entry, Mapping):
            raise TaskError(f"task {task.id}: field 'truth.entry' must be a mapping")
        if not isinstance(entry.get("metadata", {}), Mapping):
            raise TaskError(f"task {task.id}: field 'truth.entry.metadata' must be a mapping")
        if not isinstance(entry.get("answer", ""), str | None):
            raise TaskError(f"task {task.id}: field 'truth.entry.answer' must be a text or null")

    def judge(self, section: Section, task: Task) -> Verdict:
        """See the module's docstring."""
        answer = answer_tag(section.text)
        if answer is None:
            return Verdict.bad(Status.NO_ANSWER, detail="no <answer>...</answer> after the reasoning")
        try:
            return self._score(answer, *_source(task.truth))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            what = f"does not fit {task.truth['task']!r}: {type(error).__name__}: {error}"
            raise TaskError(f"task {task.id}: field 'truth.entry' {what}") from error

    def _score(self, answer: str, name: str, entry: Entry) -> Verdict:
        """The verdict on an answer without surrounding blanks to an item of the dataset `name`."""
        parts = {"answered": 1.0}
        if len(answer) > max(ANSWER_LIMIT, 4 * len(entry.answer)):
            return Verdict.bad(Status.WRONG, detail=f"{name}: the answer is too long", parts=parts)
        strict = strict_score(name, answer, entry)
        if self.scoring == "strict":
            return Verdict.share(strict, detail=f"{name}: strict rule", parts=parts)
        value, reason = upstream_score(name, answer, entry)
        return Verdict.share(value, correct=strict >= 1.0, detail=f"{name}: {reason}", parts=parts)


def _source(truth: Mapping[str, Any]) -> tuple[str, Entry]:
    """The dataset whose rule applies and its entry; an item of a composite belongs to the dataset it came from."""
    entry, config = truth["entry"], truth.get("config") or {}
    name, metadata = truth["task"], entry.get("metadata") or {}
    if name == "composite":
        name = str(metadata["source_dataset"])
        parts = config.get("datasets") or []
        config = next((part.get("config") or {} for part in parts if part.get("name") == name), {})
    return name, Entry(str(entry.get("question") or ""), entry.get("answer") or "", metadata, config)
