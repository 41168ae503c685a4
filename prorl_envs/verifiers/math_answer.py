r"""Math: is the answer in the box the gold answer? Binary (ProRL section 3.1, appendix D.1).

Two modes:

* ``strict`` (default): the last ``\boxed{}`` after the reasoning, judged by the rules of `prorl_envs.answers`, each
  of which has a name that `Verdict.detail` carries.
* ``paper``: correct if DeepScaleR's rules or math-verify accept the last box; nothing else is looked at.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from prorl_envs.answers import mathverify
from prorl_envs.answers.compare import compare
from prorl_envs.answers.deepscaler import deepscaler_equal
from prorl_envs.answers.golds import gold_answers
from prorl_envs.answers.outcome import UNDECIDED, Outcome, same
from prorl_envs.answers.response import FinalAnswer, final_answer, later_claims
from prorl_envs.answers.tolerance import within
from prorl_envs.answers.units import parse_unit
from prorl_envs.core import Kind, Status, Task, Verdict
from prorl_envs.errors import ConfigError, TaskError
from prorl_envs.extract import Section, last_boxed
from prorl_envs.verifiers.base import BaseVerifier

__all__ = ["MathVerifier"]

MODES = ("strict", "paper")


class MathVerifier(BaseVerifier):
    """Judges a boxed answer against ``truth["answer"]`` or any of ``truth["answers"]``.

    ``truth["abs_tol"]``, where a task has one, is the absolute error it permits (strict mode).

    Args:
        mode: "strict" or "paper", see the module.

    Raises:
        ConfigError: no such mode.
    """

    domain: ClassVar[str] = "math"
    kind: ClassVar[Kind] = "binary"

    def __init__(self, mode: Literal["strict", "paper"] = "strict") -> None:
        if mode not in MODES:
            raise ConfigError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
        self.mode = mode

    def check(self, task: Task) -> None:
        """Raises `TaskError` when the truth has no usable gold answer."""
        gold_answers(task.truth)
        _tolerance(task)

    def prepare(self) -> None:
        """Imports math-verify and builds its grammar (about a second)."""
        mathverify.prepare()
        parse_unit("cm")

    def judge(self, section: Section, task: Task) -> Verdict:
        """The verdict on the last box; `Verdict.detail` names the rule that decided."""
        golds = gold_answers(task.truth)
        if self.mode == "paper":
            return _paper_verdict(golds, last_boxed(section.text))
        final = final_answer(section.text)
        if final is None:
            return Verdict.bad(Status.NO_ANSWER, detail="no box")
        if not final.content.strip():
            return Verdict.bad(Status.NO_ANSWER, detail="an empty box")
        return _strict_verdict(golds, final, _tolerance(task))


def _tolerance(task: Task) -> float | None:
    """The absolute tolerance of ``truth["abs_tol"]``, if there is one.

    Raises:
        TaskError: it is no number of at least 0.
    """
    tolerance = task.truth.get("abs_tol")
    if tolerance is None:
        return None
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or tolerance < 0:
        raise TaskError("field 'truth.abs_tol' must be a number of at least 0")
    return float(tolerance)


def _strict_verdict(golds: tuple[str, ...], final: FinalAnswer, tolerance: float | None) -> Verdict:
    outcome = UNDECIDED
    for gold in golds:
        outcome = _better(outcome, compare(gold, final.content))
        if not outcome.equal and tolerance is not None and within(gold, final.content, tolerance):
            outcome = same("tolerance")
        if outcome.equal:
            break
    if outcome.equal and any(
        compare(final.content, claim).equal is False for claim in later_claims(final.after)
    ):
        return Verdict.bad(Status.WRONG, detail="contradicted: the text after the box gives another answer")
    return Verdict.binary(bool(outcome.equal), detail=outcome.rule)


def _better(one: Outcome, other: Outcome) -> Outcome:
    """Of two outcomes the more telling: equal before different before undecided."""
    return max(one, other, key=lambda outcome: (bool(outcome.equal), outcome.decided))


def _paper_verdict(golds: tuple[str, ...], answer: str | None) -> Verdict:
    if answer is None:
        return Verdict.bad(Status.NO_ANSWER, detail="no box")
    for gold in golds:
        if deepscaler_equal(gold, answer):
            return Verdict.binary(True, detail="deepscaler")
        if mathverify.boxed_equal(gold, answer, relations=False, plain=True):
            return Verdict.binary(True, detail="math-verify")
    return Verdict.binary(False, detail="neither deepscaler nor math-verify")
