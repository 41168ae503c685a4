"""The nouns of the sandbox: a `Program` with its tests and `Limits` goes in, a `ProgramResult` comes out.

Everything here is plain frozen data, made by the caller or by the judge; nothing here ever enters the process
that runs a candidate's code except a test's *input*.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Literal, TypeAlias

from sandbox.compare import Compare
from sandbox.errors import InvalidProgramError

__all__ = [
    "Asserts",
    "CallTest",
    "Isolation",
    "Level",
    "Limits",
    "Program",
    "ProgramResult",
    "ProgramStatus",
    "StdinTest",
    "TestResult",
    "TestStatus",
    "Tests",
]

Isolation: TypeAlias = Literal["test", "program"]
"""A fresh process for each test, or one for all tests of a program (failures are run again, fresh)."""

MIB = 1 << 20


class Level(IntEnum):
    """How strongly a program is held. Higher is stronger; a `Sandbox` states what it requires.

    ``FULL``: own namespaces and root file system, plus cgroup limits. ``NS``: the same without cgroups.
    ``CONFINED``: no namespaces (a default Docker container): Landlock, seccomp, no capabilities, rlimits.
    ``DOCKER``: a hardened container of its own, through a daemon. ``UNSAFE``: a plain process.
    """

    UNSAFE = 0
    DOCKER = 1
    CONFINED = 2
    NS = 3
    FULL = 4

    @classmethod
    def of(cls, name: str | Level) -> Level:
        """The level called `name` ("full", "ns", "confined", "docker", "unsafe").

        Raises:
            InvalidProgramError: there is no such level.
        """
        if isinstance(name, Level):
            return name
        try:
            return cls[name.upper()]
        except KeyError:
            known = ", ".join(level.label for level in reversed(cls))
            raise InvalidProgramError(f"there is no level {name!r}; known: {known}") from None

    @property
    def label(self) -> str:
        """Its lower-case name."""
        return self.name.lower()


@dataclass(frozen=True)
class Limits:
    """What one program may use.

    Attributes:
        total_s: wall-clock seconds for the whole program: compiling and all tests together.
        test_s: wall-clock seconds for one test; ``None`` leaves it to `total_s`.
        memory_bytes: memory of one test (address space, or data where a runtime reserves more than it uses).
        output_bytes: what one test may print; also the largest file it may write.
        stack_bytes: the main thread's stack.
        threads: threads and processes of one test.
    """

    total_s: float = 5.0
    test_s: float | None = None
    memory_bytes: int = 1024 * MIB
    output_bytes: int = 16 * MIB
    stack_bytes: int = 256 * MIB
    threads: int = 64

    def __post_init__(self) -> None:
        for name in ("total_s", "test_s", "memory_bytes", "output_bytes", "stack_bytes", "threads"):
            value = getattr(self, name)
            if value is None and name == "test_s":
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise InvalidProgramError(f"limit {name} must be a number, not {value!r}")
            if not math.isfinite(value) or value <= 0:
                raise InvalidProgramError(f"limit {name} must be positive and finite, not {value!r}")


@dataclass(frozen=True)
class StdinTest:
    """Standard input, and the standard output that is expected for it."""

    stdin: str | bytes
    expected: str | bytes


@dataclass(frozen=True)
class CallTest:
    """Arguments of one call, and the value that is expected for them: plain data, no objects."""

    args: Sequence[Any]
    expected: Any
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Asserts:
    """Test code in HumanEval's layout: it defines ``check(candidate)``, or has asserts at its top level.

    Asserts on literals are judged outside, as calls. Other test code runs in a process of its own that reaches
    the candidate as plain data.

    Attributes:
        code: the test code.
        entry_point: the function of the program that is tested.
        allow_weak: if the candidate's values are no plain data, run the test code in the candidate's own
            process. It can then be fooled; the result says ``integrity="weak"``.
    """

    code: str
    entry_point: str
    allow_weak: bool = False


Tests: TypeAlias = Sequence[StdinTest] | Sequence[CallTest] | Asserts


@dataclass(frozen=True)
class Program:
    """One program and how it is to be judged.

    Attributes:
        source: the text of the program.
        tests: all of one kind. Comparison happens in the judge; expected values never meet the program.
        fn_name: for `CallTest`: the function, or the method of ``class Solution``, that is called.
        language: a name from `sandbox.languages`; all but "python" are judged by standard input and output.
        limits: see `Limits`.
        compare: a preset's name ("eurus", "lines", "tokens", "float", "exact") or what
            `sandbox.float_compare` or `sandbox.checker` returned.
        isolation: see `Isolation`.

    Raises:
        InvalidProgramError: no tests, tests of mixed kinds, call tests without `fn_name`, a test that is no
            plain data.
    """

    source: str
    tests: Tests
    fn_name: str | None = None
    language: str = "python"
    limits: Limits = field(default_factory=Limits)
    compare: str | Compare = "eurus"
    isolation: Isolation = "test"

    def __post_init__(self) -> None:
        if not isinstance(self.source, str):
            raise InvalidProgramError(f"a program's source is a text, not {type(self.source).__name__}")
        if self.isolation not in ("test", "program"):
            raise InvalidProgramError(f"isolation is 'test' or 'program', not {self.isolation!r}")
        if isinstance(self.tests, Asserts):
            self._needs_python("asserts")
            return
        tests = tuple(self.tests)
        object.__setattr__(self, "tests", tests)
        if not tests:
            raise InvalidProgramError("a program without tests cannot be judged")
        if all(isinstance(test, CallTest) for test in tests):
            self._needs_python("calls")
            if not self.fn_name or not all(part.isidentifier() for part in self.fn_name.split(".")):
                raise InvalidProgramError(f"call tests need the name of a function, not {self.fn_name!r}")
        elif not all(isinstance(test, StdinTest) for test in tests):
            raise InvalidProgramError("the tests of a program are all StdinTest or all CallTest")

    def _needs_python(self, what: str) -> None:
        if self.language != "python":
            raise InvalidProgramError(f"{what} are for Python; {self.language} programs read standard input")


class TestStatus(StrEnum):
    """What became of one test."""

    __test__ = False

    PASS = "pass"
    WRONG = "wrong"
    RUNTIME_ERROR = "runtime_error"
    TIMEOUT = "timeout"
    OUTPUT_LIMIT = "output_limit"
    MEMORY = "memory"
    KILLED = "killed"


class ProgramStatus(StrEnum):
    """What became of a program. Only ``INFRA_ERROR`` is our fault; such a sample must be dropped."""

    OK = "ok"
    COMPILE_ERROR = "compile_error"
    TIMEOUT = "timeout"
    SANDBOX_VIOLATION = "sandbox_violation"
    INFRA_ERROR = "infra_error"


@dataclass(frozen=True)
class TestResult:
    """What became of one test.

    Attributes:
        status: see `TestStatus`.
        wall_s, cpu_s: seconds it took.
        max_rss: bytes of memory at its peak.
        exit_code: of its process; negative for a signal; ``None`` when it never ran.
        stdout_head, stderr_head: the first characters of what it printed, for people.
    """

    __test__ = False

    status: TestStatus
    wall_s: float = 0.0
    cpu_s: float = 0.0
    max_rss: int = 0
    exit_code: int | None = None
    stdout_head: str = ""
    stderr_head: str = ""

    @property
    def passed(self) -> bool:
        """Whether its output is the expected one."""
        return self.status is TestStatus.PASS


@dataclass(frozen=True)
class ProgramResult:
    """What became of a program.

    Attributes:
        status: see `ProgramStatus`.
        fraction: share of the tests passed; 0 on a compile error or past the total time; ``None`` exactly
            when the status is ``infra_error``.
        tests: one per test, in order; empty when the program never ran.
        level: how it was held.
        integrity: "strong", or "weak" when test code shared a process with the program.
        detail: a short text for people.
        timings: seconds by name: "wall", "cpu", "compile", "queue"; "starved_retries" counts.
    """

    status: ProgramStatus
    fraction: float | None
    tests: tuple[TestResult, ...]
    level: Level
    integrity: Literal["strong", "weak"] = "strong"
    detail: str = ""
    timings: Mapping[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return self.fraction == 1.0
