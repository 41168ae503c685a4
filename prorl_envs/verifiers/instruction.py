"""Instruction following: which share of its instructions a response follows (ProRL appendix D.5).

A task lists instructions by their published ids, with arguments; each is checked by a small program from
`prorl_envs.instructions`. The reward is the share followed, `correct` means all of them. Only what stands after
``</think>`` is judged.
"""

from __future__ import annotations

import re
from typing import ClassVar

from prorl_envs.core import Kind, Status, Task, Verdict
from prorl_envs.errors import ConfigError, RowError
from prorl_envs.extract import Section
from prorl_envs.instructions import CATALOGUE, GRADING_MODES, language
from prorl_envs.instructions.views import VIEWS, View, variants
from prorl_envs.verifiers.base import BaseVerifier

__all__ = ["InstructionVerifier"]

_AFTER_THINKING = re.compile(r"(?:[^\S\n]*+\n)*+")


class InstructionVerifier(BaseVerifier):
    """Judges tasks with the truth ``{"instruction_id_list": [...], "kwargs": [...]}``.

    ``kwargs`` has one entry per instruction: its arguments, or ``{}`` or null for none; null arguments count as
    absent. An optional ``"grading_mode": "binary"`` (NeMo Gym) makes the reward 1 or 0.

    Args:
        view: "strict" judges the text as it is; "loose" also accepts an instruction that the text follows
            without its first or last line or its asterisks.
    """

    domain = "instruction"
    kind: ClassVar[Kind] = "continuous"
    part_names: ClassVar[tuple[str, ...]] = ("correct", "followed", "instructions")

    def __init__(self, *, view: View = "strict") -> None:
        if view not in VIEWS:
            raise ConfigError(f"view must be 'strict' or 'loose', not {view!r}")
        self.view = view

    def check(self, task: Task) -> None:
        """Raises `TaskError` for an unknown id, missing, extra or malformed arguments, or an empty list."""
        CATALOGUE.bind(task.truth)
        mode = task.truth.get("grading_mode")
        if mode is not None and mode not in GRADING_MODES:
            raise RowError(f"must be 'fraction' or 'binary', not {mode!r}", field="truth.grading_mode")

    def prepare(self) -> None:
        """Loads the language profiles."""
        language.prepare()

    def followed(self, section: Section, task: Task) -> list[bool]:
        """For each instruction of the task, in order, whether the text follows it."""
        text = _AFTER_THINKING.sub("", section.text, count=1) if section.thought else section.text
        looks = [*variants(text, self.view)]
        return [any(bound.follows(look) for look in looks) for bound in CATALOGUE.bind(task.truth)]

    def judge(self, section: Section, task: Task) -> Verdict:
        """The share of the instructions followed. A blank text follows none."""
        followed = self.followed(section, task)
        count, total = sum(followed), len(followed)
        parts = {"followed": float(count), "instructions": float(total)}
        if not section.text.strip():
            return Verdict.bad(Status.NO_ANSWER, detail="the response is empty", parts=parts)
        missed = [id for id, ok in zip(task.truth["instruction_id_list"], followed, strict=True) if not ok]
        detail = f"{count} of {total} followed" + (f"; not: {', '.join(missed)}" if missed else "")
        if task.truth.get("grading_mode") == "binary":
            return Verdict.binary(not missed, detail=detail, parts=parts)
        return Verdict.share(count / total, detail=detail, parts=parts)
