r"""STEM: choices, quantities with units, expressions, formulas, terms. Binary (ProRL section 3.1, appendix D.3)."""

from __future__ import annotations

from typing import ClassVar

from prorl_envs.answers import mathverify
from prorl_envs.answers.golds import gold_answers
from prorl_envs.answers.response import final_answer
from prorl_envs.answers.quantities import MissingUnit
from prorl_envs.answers.science import Terms, compare_science
from prorl_envs.answers.units import parse_unit
from prorl_envs.core import Kind, Status, Task, Verdict
from prorl_envs.errors import ConfigError, TaskError
from prorl_envs.extract import Section
from prorl_envs.verifiers.base import BaseVerifier

__all__ = ["StemVerifier"]


class StemVerifier(BaseVerifier):
    """Judges a boxed answer against ``truth["answer"]``, by the type of the gold.

    The truth may add ``unit`` (of a bare number), ``choices`` (the options' texts, in order) and ``rel_tol``.

    Args:
        missing_unit: when only one side has a unit, "accept" the number as written in that unit, or "reject" it.

    Raises:
        ConfigError: `missing_unit` is neither.
    """

    domain: ClassVar[str] = "stem"
    kind: ClassVar[Kind] = "binary"

    def __init__(self, missing_unit: MissingUnit = "accept") -> None:
        if missing_unit not in ("accept", "reject"):
            raise ConfigError(f"missing_unit must be 'accept' or 'reject', not {missing_unit!r}")
        self.missing_unit: MissingUnit = missing_unit

    def check(self, task: Task) -> None:
        """Raises `TaskError` when the truth has no usable gold answer, or a malformed option."""
        self._terms(task)
        gold_answers(task.truth)

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
        outcomes = [compare_science(gold, final.content, terms) for gold in gold_answers(task.truth)]
        best = max(outcomes, key=lambda o: (bool(o.equal), o.decided))
        return Verdict.binary(bool(best.equal), detail=best.rule)

    def _terms(self, task: Task) -> Terms:
        unit, choices, rel_tol = (task.truth.get(name) for name in ("unit", "choices", "rel_tol"))
        if unit is not None and not isinstance(unit, str):
            raise TaskError("field 'truth.unit' must be a text")
        if choices is not None and not (isinstance(choices, list) and all(isinstance(c, str) for c in choices)):
            raise TaskError("field 'truth.choices' must be a list of texts")
        if rel_tol is not None and (isinstance(rel_tol, bool) or not isinstance(rel_tol, (int, float)) or rel_tol < 0):
            raise TaskError("field 'truth.rel_tol' must be a number of at least 0")
        return Terms(unit, tuple(choices or ()), rel_tol, self.missing_unit)
