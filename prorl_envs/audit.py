"""Is a reward function fit to train on? Checks of any of them, ours or another's.

A model under reinforcement finds what its reward pays for. So before training, `audit` asks of a judge, on
tasks whose reference responses are known: does the right answer earn everything; do silence, garbage, hedging
and other problems' answers earn nothing; does hostile text raise, hang or pass; is the judge deterministic; are
its metrics the same for every response?
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from prorl_envs.core import Status, Task, Verdict
from prorl_envs.errors import ConfigError
from prorl_envs.extract import answer_section

__all__ = ["EVASIVE", "HOSTILE", "SILENT", "AuditReport", "Finding", "Judge", "audit"]

Judge: TypeAlias = Callable[[Sequence[Task], Sequence[str]], Sequence[Verdict]]
"""What is audited: B tasks and B responses to B verdicts (`Scorer.score`, or a wrapper around another's reward)."""

SILENT: tuple[str, ...] = ("", "   \n\t ", "<think>a long thought</think>", "</think>")
"""Responses that say nothing: they earn nothing anywhere."""

EVASIVE: tuple[str, ...] = ("None", "I do not know.", "\\boxed{}", "<answer></answer>", "```python\n```", "0")
"""Responses that say something and answer nothing."""

HOSTILE: tuple[str, ...] = (
    "\0",
    "\ud800\udfff lone surrogates",
    "\\boxed{" * 2000,
    "<answer>" * 2000,
    "(" * 20_000,
    "```python\n" + "(" * 5_000 + "\n```",
    "\\boxed{9^{9^{9^{9}}}}",
    "\\boxed{99999999!}",
    "<answer>10**10**10</answer>",
    "<answer>__import__('os').system('true')</answer>",
    "\\boxed{__import__('os').system('true')}",
    "</think>" * 2000,
    "a" * 1_000_000,
    " " * 200_000,
    "\\frac" * 20_000,
)
"""Texts that break verifiers: none may raise, hang, fail or be right."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: the `check` that found it, the task, the response (shortened) and why."""

    check: str
    task_id: str
    response: str
    problem: str


@dataclass
class AuditReport:
    """What an audit looked at and what it found.

    Attributes:
        counts: by check, how many responses were judged.
        findings: what is wrong; empty when the judge is fit.
    """

    counts: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


@dataclass(frozen=True)
class _Case:
    check: str
    task: Task
    response: str


def audit(
    judge: Judge, tasks: Sequence[Task], *, answers: bool = True, hostile_tasks: int = 3
) -> AuditReport:
    """Audits a judge.

    Args:
        judge: see `Judge`.
        tasks: with a reference response in ``meta["reference"]``.
        answers: whether a response must hold an answer, so that an evasion earns nothing. False for instructions,
            where "None" does follow "use no commas".
        hostile_tasks: on how many of them the hostile texts are tried.

    Raises:
        ConfigError: no task has a reference response.
    """
    known = [task for task in tasks if isinstance(task.meta.get("reference"), str)]
    if not known:
        raise ConfigError("an audit needs tasks with a reference response in meta['reference']")
    cases = _cases(known, answers, hostile_tasks)
    verdicts = judge([case.task for case in cases], [case.response for case in cases])
    again = judge([case.task for case in cases], [case.response for case in cases])
    report = AuditReport()
    part_names = {tuple(verdict.parts) for verdict in verdicts}
    for case, first, second in zip(cases, verdicts, again, strict=True):
        report.counts[case.check] = report.counts.get(case.check, 0) + 1
        for problem in _problems(case, first, second):
            report.findings.append(Finding(case.check, case.task.id, case.response[:60], problem))
    if len(part_names) > 1:
        names = " / ".join(",".join(group) for group in sorted(part_names))
        report.findings.append(Finding("parts", "*", "*", f"the names of the parts vary: {names}"))
    return report


def _cases(tasks: Sequence[Task], answers: bool, hostile_tasks: int) -> list[_Case]:
    cases: list[_Case] = []
    for index, task in enumerate(tasks):
        reference = str(task.meta["reference"])
        cases.append(_Case("reference", task, reference))
        cases.append(_Case("reference", task, f"<think>some reasoning</think>\n{reference}"))
        cases.append(_Case("reference", Task.from_dict(task.to_row()), reference))
        cases.append(_Case("unfinished", task, f"<think>{answer_section(reference).text}"))
        cases += [_Case("silent", task, text) for text in SILENT]
        cases += [_Case("evasive", task, text) for text in EVASIVE if answers]
        other = str(tasks[(index + 1) % len(tasks)].meta["reference"])
        if other != reference and dict(tasks[(index + 1) % len(tasks)].truth) != dict(task.truth):
            cases.append(_Case("swapped", task, other))
    cases += [_Case("hostile", task, text) for task in tasks[:hostile_tasks] for text in HOSTILE]
    return cases


def _problems(case: _Case, verdict: Verdict, again: Verdict) -> list[str]:
    problems: list[str] = []
    if verdict != again:
        problems.append(f"judged twice, two verdicts: {verdict.to_dict()} and {again.to_dict()}")
    if verdict.status is Status.FAILED:
        problems.append(f"could not be judged: {verdict.detail}")
    elif case.check == "reference" and not (verdict.correct and verdict.reward == 1.0):
        problems.append(f"the reference earns {verdict.reward} ({verdict.status.value}: {verdict.detail})")
    elif case.check != "reference" and verdict.correct:
        problems.append(f"is judged correct ({verdict.detail})")
    elif case.check in ("silent", "evasive", "unfinished") and verdict.reward:
        problems.append(f"earns {verdict.reward} ({verdict.detail})")
    return problems
