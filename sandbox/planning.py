"""From a program to what a worker is asked to do, and from its answer to the program's result."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from sandbox.agent.wire import Ending
from sandbox.judge import Judged, plan_calls, plan_stdin
from sandbox.pool import LIGHT, NUMPY
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
from sandbox.worker import Run

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
    if run.ending is Ending.COMPILE_ERROR:
        return ProgramStatus.COMPILE_ERROR, run.detail
    if run.ending is Ending.DONE:
        return ProgramStatus.OK, ""
    if run.compiled_s is None and run.died is not None:
        return ProgramStatus.COMPILE_ERROR, "the compiler was killed by this source"
    return ProgramStatus.SANDBOX_VIOLATION, run.detail or "the program brought down its worker twice"


def plan(program: Program) -> Plan:
    """How `program` is to be judged.

    Raises:
        InvalidProgramError, UnknownLanguageError, ToolchainError: it cannot be.
    """
    flavour = NUMPY if _NUMPY.search(program.source) else LIGHT
    tests = program.tests
    if isinstance(tests, Asserts):
        raise NotImplementedError
    if isinstance(tests[0], CallTest):
        return Plan(flavour, plan_calls(program, cast("tuple[CallTest, ...]", tests), program.fn_name or ""))
    return Plan(flavour, plan_stdin(program, cast("tuple[StdinTest, ...]", tests)))
