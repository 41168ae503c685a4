r"""STEM: choices, quantities with units, expressions, formulas, terms. Binary (ProRL section 3.1, appendix D.3).

The gold is typed first and compared by its type (`prorl_envs.answers.science`). Golds that are whole solution
texts, as SCP-116K has them, are reduced to their final answer first. Where no rule decides, the answer is
wrong, unless an optional language model is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from prorl_envs.answers import mathverify
from prorl_envs.answers.golds import gold_answers
from prorl_envs.answers.judge import LanguageModelJudge, judge_config
from prorl_envs.answers.quantities import MissingUnit
from prorl_envs.answers.response import final_answer, later_claims
from prorl_envs.answers.science import Terms, compare_science
from prorl_envs.answers.solution import extract_answer
from prorl_envs.answers.units import parse_unit
from prorl_envs.core import Kind, Status, Task, Verdict
from prorl_envs.errors import ConfigError, InfrastructureError, TaskError
from prorl_envs.extract import Section
from prorl_envs.verifiers.base import BaseVerifier

__all__ = ["StemVerifier"]


class StemVerifier(BaseVerifier):
    """Judges a boxed answer against ``truth["answer"]``, by the type of the gold.

    The truth may add ``unit`` (of a bare number), ``choices`` (the options' texts, in order) and ``rel_tol``.

    Args:
        missing_unit: when only one side has a unit, "accept" the number as written in that unit, or "reject" it.

        judge: settings of an optional language model (`prorl_envs.answers.judge.JudgeConfig`) that is asked only
            where no rule decides. Its failure is a ``failed`` verdict.

    Raises:
        ConfigError: `missing_unit` is neither, or the judge's settings are unusable.
    """

    domain: ClassVar[str] = "stem"
    kind: ClassVar[Kind] = "binary"

    def __init__(self, missing_unit: MissingUnit = "accept", judge: Mapping[str, Any] | None = None) -> None:
        if missing_unit not in ("accept", "reject"):
            raise ConfigError(f"missing_unit must be 'accept' or 'reject', not {missing_unit!r}")
        self.missing_unit: MissingUnit = missing_unit
        self._judge = LanguageModelJudge(judge_config(judge)) if judge is not None else None
        if self._judge is not None:
            self.server_s = 2 * self._judge.config.timeout_s
            self.environment = (self._judge.config.api_key_env,)

    def check(self, task: Task) -> None:
        """Raises `TaskError` when the truth has no usable gold answer, or a malformed option."""
        self._terms(task)
        _golds(task)

    def prepare(self) -> None:
        """Imports math-verify and pint (about two seconds)."""
        mathverify.prepare()
        parse_unit("kJ/mol")

    def judge(self, section: Section, task: Task) -> Verdict:
        """The verdict on the last box; `Verdict.detail` names the rule that decided."""
        final = final_answer(section.text)
        if final is None or not final.content.strip():
            return Verdict.bad(Status.NO_ANSWER, detail="no box")
        terms = self._terms(task)
        golds = _golds(task)
        outcomes = [compare_science(gold, final.content, terms) for gold in golds]
        best = max(outcomes, key=lambda o: (bool(o.equal), not o.decided))
        if best.equal and any(
            compare_science(final.content, claim, terms).equal is False for claim in later_claims(final.after)
        ):
            return Verdict.bad(
                Status.WRONG, detail="contradicted: the text after the box gives another answer"
            )
        if not best.decided and self._judge is not None:
            return self._judged(task, golds, final.content)
        return Verdict.binary(bool(best.equal), detail=best.rule)

    def _judged(self, task: Task, golds: tuple[str, ...], answer: str) -> Verdict:
        """The language model's verdict on an answer that no rule decided."""
        assert self._judge is not None
        try:
            equal = self._judge.equivalent(task.text, " or ".join(golds), answer)
        except InfrastructureError as error:
            return Verdict.failed(str(error))
        return Verdict.binary(equal, detail="judge")

    def _terms(self, task: Task) -> Terms:
        unit, choices, rel_tol = (task.truth.get(name) for name in ("unit", "choices", "rel_tol"))
        if unit is not None and not isinstance(unit, str):
            raise TaskError("field 'truth.unit' must be a text")
        if choices is not None and not (
            isinstance(choices, list) and all(isinstance(c, str) for c in choices)
        ):
            raise TaskError("field 'truth.choices' must be a list of texts")
        if rel_tol is not None and (
            isinstance(rel_tol, bool) or not isinstance(rel_tol, (int, float)) or rel_tol < 0
        ):
            raise TaskError("field 'truth.rel_tol' must be a number of at least 0")
        return Terms(unit, tuple(choices or ()), rel_tol, self.missing_unit)


def _golds(task: Task) -> tuple[str, ...]:
    """The gold answers; a gold that is a whole solution text counts by its final answer.

    Raises:
        TaskError: there is none, or no final answer can be told from the solution.
    """
    golds = []
    for gold in gold_answers(task.truth):
        answer = extract_answer(gold).answer
        if not answer:
            raise TaskError("field 'truth.answer' is a solution text without a clear final answer")
        golds.append(answer)
    return tuple(golds)
