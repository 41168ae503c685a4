"""An audit finds what is wrong with a reward, and nothing where nothing is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pytest

from prorl_envs.audit import AuditReport, audit
from prorl_envs.core import Status, Task, Verdict
from prorl_envs.errors import ConfigError
from prorl_envs.extract import answer_section, last_boxed

TASKS = [Task("math", f"{n}?", {"answer": str(n)}, meta={"reference": f"\\boxed{{{n}}}"}) for n in range(4)]


def judge_by(verdict: Callable[[Task, str], Verdict]) -> AuditReport:
    def judge(tasks: Sequence[Task], responses: Sequence[str]) -> list[Verdict]:
        return [verdict(task, response) for task, response in zip(tasks, responses, strict=True)]

    return audit(judge, TASKS)


def sound(task: Task, response: str) -> Verdict:
    section = answer_section(response)
    if section.truncated:
        return Verdict.bad(Status.TRUNCATED)
    return Verdict.binary(last_boxed(section.text) == task.truth["answer"])


def checks(report: AuditReport) -> set[str]:
    return {finding.check for finding in report.findings}


def test_a_sound_reward_passes() -> None:
    report = judge_by(sound)
    assert report.passed, report.findings
    assert set(report.counts) == {"reference", "unfinished", "silent", "evasive", "swapped", "hostile"}


def test_a_reward_for_everything_is_found() -> None:
    assert checks(judge_by(lambda task, response: Verdict.binary(True))) >= {"silent", "swapped", "hostile"}


def test_a_reward_for_nothing_is_found() -> None:
    assert checks(judge_by(lambda task, response: Verdict.binary(False))) == {"reference"}


def test_a_floor_for_garbage_is_found() -> None:
    report = judge_by(
        lambda task, response: v if (v := sound(task, response)).correct else Verdict.share(0.01)
    )
    assert {"silent", "evasive"} <= checks(report)


def test_a_box_inside_the_reasoning_is_found() -> None:
    report = judge_by(lambda task, response: Verdict.binary(last_boxed(response) == task.truth["answer"]))
    assert "unfinished" in checks(report)


def test_an_inconstant_reward_is_found() -> None:
    flip = itertools.count()
    report = judge_by(lambda task, response: Verdict.share(0.5 if next(flip) % 11 else 0.25))
    assert any("judged twice" in finding.problem for finding in report.findings)


def test_a_failure_and_varying_parts_are_found() -> None:
    def verdict(task: Task, response: str) -> Verdict:
        return (
            Verdict.failed("down") if "\0" in response else Verdict.binary(False, parts={response[:1]: 1.0})
        )

    report = judge_by(verdict)
    assert {"parts", "hostile"} <= checks(report)
    assert any("down" in finding.problem for finding in report.findings)


def test_tasks_without_references_cannot_be_audited() -> None:
    with pytest.raises(ConfigError, match="reference"):
        audit(lambda tasks, responses: [], [Task("math", "?", {"answer": "1"})])
