"""From a program to what a worker is asked to do, and from its answer to the program's result."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, cast

from sandbox.agent.wire import Ending
from sandbox.asserts import calls_of, count_asserts, read_summary
from sandbox.exchange import Run
from sandbox.judge import Judged, plan_calls, plan_command, plan_stdin, plan_tester
from sandbox.languages import PYTHON, Languages
from sandbox.pool import LIGHT, NUMPY, TOOLS
from sandbox.protocol import (
    Asserts,
    CallTest,
    Level,
    Program,
    ProgramResult,
    ProgramStatus,
    StdinTest,
    TestResult,
    TestStatus,
)

__all__ = ["Plan", "plan"]

_NUMPY = re.compile(r"^[ \t]*+(?:import|from)[ \t]++[^\n#]*?\b(?:numpy|scipy|pandas)\b", re.MULTILINE)


@dataclass(frozen=True)
class Plan:
    """What a worker is asked to do for one program.

    Attributes:
        flavour: of the agent that must do it.
        judged: the job, and what decides each test.
        integrity: see `ProgramResult`.
    """

    flavour: str
    judged: Judged
    integrity: Literal["strong", "weak"] = "strong"

    def weaker(self, run: Run, program: Program) -> Plan | None:  # noqa: ARG002
        """A plan with less integrity that may succeed where this one cannot; rarely one."""
        return None

    def conclude(self, run: Run, level: Level) -> ProgramResult:
        """The program's result, from what a worker said."""
        count = len(self.judged.accepts)
        tests = [self.judged.result(record) for _, record in sorted(run.records.items())]
        status, detail = _status(run)
        if status is not ProgramStatus.COMPILE_ERROR:
            missing = TestStatus.TIMEOUT if status is ProgramStatus.TIMEOUT else TestStatus.KILLED
            tests += [TestResult(missing)] * (count - len(tests))
        passed = sum(test.passed for test in tests)
        fraction = passed / count if status is ProgramStatus.OK else 0.0
        timings = {"compile": run.compiled_s or 0.0, "agent": run.ended_s}
        return ProgramResult(status, fraction, tuple(tests), level, self.integrity, detail, timings)


def _status(run: Run) -> tuple[ProgramStatus, str]:
    if run.late or run.ending in (Ending.TIMEOUT, Ending.COMPILE_TIMEOUT):
        return ProgramStatus.TIMEOUT, "past the total time"
    if run.ending == Ending.COMPILE_ERROR:
        return ProgramStatus.COMPILE_ERROR, run.detail
    if run.ending == Ending.DONE:
        return ProgramStatus.OK, ""
    if run.died is not None and run.compiled_s is None:
        return ProgramStatus.COMPILE_ERROR, "the compiler was killed by this source"
    return ProgramStatus.SANDBOX_VIOLATION, run.detail or "the program brought down its worker twice"


def plan(program: Program, languages: Languages, *, tools_here: bool = True) -> Plan:
    """How `program` is to be judged. With `tools_here`, its compiler is looked for on this machine.

    Raises:
        InvalidProgramError, UnknownLanguageError, ToolchainError: it cannot be.
    """
    flavour = NUMPY if _NUMPY.search(program.source) else LIGHT
    tests = program.tests
    if program.language != PYTHON:
        language = languages.get(program.language)
        if tools_here:
            language.require_tools()
        return Plan(TOOLS, plan_command(program, cast("tuple[StdinTest, ...]", tests), language))
    if isinstance(tests, Asserts):
        return _plan_asserts(program, tests, flavour)
    if isinstance(tests[0], CallTest):
        return Plan(flavour, plan_calls(program, cast("tuple[CallTest, ...]", tests), program.fn_name or ""))
    return Plan(flavour, plan_stdin(program, cast("tuple[StdinTest, ...]", tests)))


def _plan_asserts(program: Program, tests: Asserts, flavour: str) -> Plan:
    calls = calls_of(tests.code, tests.entry_point)
    if calls is None:
        return AssertsPlan(flavour, plan_tester(program, tests, "asserts"), asserts=count_asserts(tests.code))
    judged = plan_calls(program, tuple(calls), tests.entry_point, lambda want, got: bool(want.met_by(got)))
    return Plan(flavour, judged)


@dataclass(frozen=True)
class AssertsPlan(Plan):
    """A plan whose one test is test code with many asserts.

    Attributes:
        asserts: how many the test code has; those it never reached have failed.
    """

    asserts: int = 0

    def conclude(self, run: Run, level: Level) -> ProgramResult:
        """The program's result: one `TestResult` per assert that ran or should have."""
        whole = super().conclude(run, level)
        if whole.status is not ProgramStatus.OK or not run.records:
            return whole
        base = whole.tests[0]
        results, done, _ = read_summary(run.records[0].out)
        if not done or not results:
            results = results + [False] * max(1, self.asserts - len(results))
        tests = tuple(replace(base, status=TestStatus.PASS if r else TestStatus.WRONG) for r in results)
        return replace(whole, tests=tests, fraction=sum(results) / len(results))

    def weaker(self, run: Run, program: Program) -> Plan | None:
        """The plan for one process, if values were no plain data and the caller allows it."""
        tests = program.tests
        opaque = bool(run.records) and read_summary(run.records[0].out)[2]
        if not opaque or not isinstance(tests, Asserts) or not tests.allow_weak:
            return None
        return replace(self, judged=plan_tester(program, tests, "weak"), integrity="weak")
