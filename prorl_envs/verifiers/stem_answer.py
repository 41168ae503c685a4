r"""STEM: choices, quantities with units, expressions, formulas, terms. Binary (ProRL section 3.1, appendix D.3)."""

from __future__ import annotations

from typing import ClassVar

from prorl_envs.answers import mathverify
from prorl_envs.answers.compare import compare
from prorl_envs.answers.golds import gold_answers
from prorl_envs.answers.response import final_answer
from prorl_envs.core import Kind, Status, Task, Verdict
from prorl_envs.extract import Section
from prorl_envs.verifiers.base import BaseVerifier

__all__ = ["StemVerifier"]


class StemVerifier(BaseVerifier):
    """Judges a boxed answer against ``truth["answer"]``, by the type of the gold."""

    domain: ClassVar[str] = "stem"
    kind: ClassVar[Kind] = "binary"

    def check(self, task: Task) -> None:
        """Raises `TaskError` when the truth has no usable gold answer."""
        gold_answers(task.truth)

    def prepare(self) -> None:
        """Imports math-verify and pint."""
        mathverify.prepare()

    def judge(self, section: Section, task: Task) -> Verdict:
        """The verdict on the last box; `Verdict.detail` names the rule that decided."""
        final = final_answer(section.text)
        if final is None:
            return Verdict.bad(Status.NO_ANSWER, detail="no box")
        outcomes = [compare(gold, final.content) for gold in gold_answers(task.truth)]
        best = max(outcomes, key=lambda o: (bool(o.equal), o.decided))
        return Verdict.binary(bool(best.equal), detail=best.rule)
