"""Turns a program into a job for an agent, and what the agent says into a verdict on each test.

Expected values stay here. Outputs are bytes, results of calls are plain data; nothing is evaluated.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any, Literal

from sandbox import load
from sandbox.agent import values
from sandbox.agent.child import MEMORY_EXIT
from sandbox.agent.wire import Kind
from sandbox.compare import Compare, compare_named
from sandbox.errors import InvalidProgramError
from sandbox.exchange import Job, Record
from sandbox.imports import prelude_for, wanted_modules
from sandbox.languages import Language
from sandbox.protocol import Asserts, CallTest, Limits, Program, StdinTest, TestResult, TestStatus

__all__ = ["Judged", "call_accepts", "encode_source", "plan_calls", "plan_stdin"]

_HEAD = 500
_SMALLEST_FILE_BYTES = 4 << 20
_BINARY_BYTES = 64 << 20
"""The largest file a compiler may write."""

Accepts = Callable[[bytes], bool]
"""Whether a test's answer, as bytes, is the expected one."""


class Judged:
    """A job and, for each of its tests, what decides."""

    def __init__(self, job: Job, accepts: list[Accepts], output_cap: int) -> None:
        self.job, self.accepts, self.output_cap = job, accepts, output_cap

    def only(self, indices: list[int], total_s: float) -> Judged:
        """The same for some of the tests, in fresh processes, within `total_s`."""
        header = {**self.job.header, "isolation": "test"}
        header["limits"] = {**header["limits"], "total_s": total_s}
        job = Job(header, self.job.source, [self.job.inputs[i] for i in indices])
        return Judged(job, [self.accepts[i] for i in indices], self.output_cap)

    def result(self, record: Record) -> TestResult:
        """The verdict on the test that `record` tells about."""
        wait = record.status
        code = -os.WTERMSIG(wait) if os.WIFSIGNALED(wait) else os.WEXITSTATUS(wait)
        return TestResult(
            status=self._status(record, code),
            wall_s=record.wall_us / 1e6,
            cpu_s=record.cpu_us / 1e6,
            max_rss=record.rss_kb * 1024,
            exit_code=code,
            stdout_head=record.out[:_HEAD].decode("utf-8", "replace"),
            stderr_head=record.err[:_HEAD].decode("utf-8", "replace"),
        )

    def _status(self, record: Record, code: int) -> TestStatus:
        if record.kind == Kind.TEST_TIMEOUT or code == -signal.SIGXCPU:
            return TestStatus.TIMEOUT
        if len(record.out) > self.output_cap:
            return TestStatus.OUTPUT_LIMIT
        if code == MEMORY_EXIT:
            return TestStatus.MEMORY
        if code < 0:
            return TestStatus.KILLED
        if code:
            return TestStatus.RUNTIME_ERROR
        return TestStatus.PASS if self.accepts[record.test](record.out) else TestStatus.WRONG


def encode_source(source: str) -> bytes:
    """A source as bytes. A lone surrogate becomes bytes that no compiler takes."""
    return source.encode("utf-8", "surrogatepass")


def header_limits(limits: Limits) -> dict[str, Any]:
    """`limits` as the agent reads them."""
    return {
        "total_s": limits.total_s,
        "test_s": limits.test_s,
        "memory_bytes": int(limits.memory_bytes),
        "output_bytes": int(limits.output_bytes),
        "stack_bytes": int(limits.stack_bytes),
        "threads": int(limits.threads),
        # The agent's own files are held to it too.
        "file_bytes": max(int(limits.output_bytes) + 1, _SMALLEST_FILE_BYTES),
        "tasks": load.tasks_of_this_user(),
    }


def plan_stdin(program: Program, tests: tuple[StdinTest, ...]) -> Judged:
    """The job of a program that reads standard input."""
    compare = compare_named(program.compare)
    header = {
        "mode": "stdin",
        "limits": header_limits(program.limits),
        "isolation": program.isolation,
        "modules": wanted_modules(program.source),
    }
    job = Job(header, encode_source(program.source), [_to_bytes(test.stdin, "stdin") for test in tests])
    accepts = [_stdout_accepts(compare, test) for test in tests]
    return Judged(job, accepts, int(program.limits.output_bytes))


def _stdout_accepts(compare: Compare, test: StdinTest) -> Accepts:
    def accepts(output: bytes) -> bool:
        stdin, expected = _to_text(test.stdin), _to_text(test.expected)
        return compare.accepts(stdin, expected, output.decode("utf-8", "surrogateescape"))

    _to_bytes(test.expected, "expected")
    return accepts


def plan_calls(
    program: Program,
    tests: tuple[CallTest, ...],
    fn_name: str,
    accepts: Callable[[Any, Any], bool] | None = None,
) -> Judged:
    """The job of a program whose function is called; `accepts(expected, result)` decides."""
    decide = accepts or (call_accepts if program.compare == "eurus" else _equal)
    header = {
        "mode": "call",
        "fn_name": fn_name,
        "modules": wanted_modules(program.source),
        "prelude": prelude_for(program.source),
        "limits": header_limits(program.limits),
        "isolation": program.isolation,
    }
    inputs = []
    for number, test in enumerate(tests):
        try:
            inputs.append(values.encode_plain((list(test.args), dict(test.kwargs))))
        except (values.NotPlainError, TypeError, RecursionError) as error:
            raise InvalidProgramError(f"the arguments of test {number} are no plain data: {error}") from None
    job = Job(header, encode_source(program.source), inputs)
    return Judged(job, [_result_accepts(decide, test) for test in tests], int(program.limits.output_bytes))


def plan_command(program: Program, tests: tuple[StdinTest, ...], language: Language) -> Judged:
    """The job of a program in another language than Python."""
    planned = plan_stdin(program, tests)
    header = {**planned.job.header, "mode": "command", "command": language.command()}
    header["limits"] = {**header["limits"], "memory_kind": language.memory, "file_bytes": _BINARY_BYTES}
    return Judged(Job(header, planned.job.source, planned.job.inputs), planned.accepts, planned.output_cap)


def plan_tester(program: Program, tests: Asserts, mode: Literal["asserts", "weak"]) -> Judged:
    """The job of test code that runs in a process of its own ("asserts") or in the program's ("weak")."""
    header = {"mode": mode, "limits": header_limits(program.limits), "isolation": "test"}
    told = json.dumps({"code": tests.code, "entry_point": tests.entry_point}).encode()
    job = Job(header, encode_source(program.source), [told])
    return Judged(job, [lambda _: True], int(program.limits.output_bytes))


def _result_accepts(decide: Callable[[Any, Any], bool], test: CallTest) -> Accepts:
    def accepts(output: bytes) -> bool:
        try:
            return bool(decide(test.expected, values.loads(output)))
        except (values.NotPlainError, TypeError, ValueError, RecursionError, OverflowError):
            return False

    return accepts


def _equal(expected: Any, result: Any) -> bool:
    return bool(result == expected)


def call_accepts(expected: Any, result: Any) -> bool:
    """PRIME's rule for calls: equal once tuples are lists, or equal to the one item of an expected list
    (APPS wraps results), integer keys having become texts in JSON. No tolerance on floats.

    PRIME compares with the first of *any* number of items; here a list of several is never one of them.
    """
    got, want = _listed(result), _integer_keys(expected)
    if got in (want, expected):
        return True
    return isinstance(want, list) and len(want) == 1 and got in (want[0], expected[0])


def _listed(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_listed(item) for item in value]
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return value


def _integer_keys(expected: Any) -> Any:
    if isinstance(expected, list) and len(expected) == 1 and isinstance(expected[0], Mapping):
        return [_integer_keys(expected[0])]
    if isinstance(expected, Mapping) and all(_is_integer(key) for key in expected):
        return {int(key): item for key, item in expected.items()}
    return expected


def _is_integer(key: Any) -> bool:
    return isinstance(key, str) and key.removeprefix("-").isascii() and key.removeprefix("-").isdigit()


def _to_bytes(text: str | bytes, what: str) -> bytes:
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        raise InvalidProgramError(f"a test's {what} is a text or bytes, not {type(text).__name__}")
    return text.encode("utf-8", "surrogatepass")


def _to_text(text: str | bytes) -> str:
    return text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else text
