"""A program process: reads one job, compiles it, forks a test process for each input, reports, and leaves.

It never runs the candidate's code itself.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import CodeType

from sandbox.agent import child, commands, shared, tester
from sandbox.agent.entry import Entry
from sandbox.agent.guard import Guard
from sandbox.agent.job import Job
from sandbox.agent.trial import Body, Outcome, TestFiles, run_trial, start_trial, told
from sandbox.agent.wire import RECORD, Ending, Kind, write_all

__all__ = ["run_job"]

_AT_ONCE = 10
"""Tests whose descriptors are open together: four each, of the 45 that are free."""

_TOGETHER = 1 << 20
"""Bytes of an answer that waits for others, so that the judge is woken once for many."""


def run_job(sock: int, scene: child.Scene, guard: Guard) -> None:
    """Reads one job from `sock` and answers it."""
    job = Job(sock)
    guard.limit(job.limits)
    if job.mode == "command":
        _run_command(job, guard)
        return
    code = _compile(job)
    if code is None:
        return
    scene.load(job.source, job.modules, job.prelude)
    if job.mode == "asserts":
        _run_asserts(job, code, scene, guard)
    elif job.isolation == "program" and job.mode in ("stdin", "call"):
        _run_shared(job, code, scene, guard)
    else:
        _run_tests(job, _body(job, code, scene), guard, guard.entries["python"])


def _run_tests(
    job: Job, body: Body, guard: Guard, entry: Entry, prepare: Callable[[], None] | None = None
) -> None:
    """Runs all tests of a job, one after the other."""
    with_result = job.mode in ("call", "weak")
    for first in range(0, job.count, _AT_ONCE):
        waiting = [
            TestFiles.empty(with_result=with_result) for _ in range(first, min(job.count, first + _AT_ONCE))
        ]
        for files in waiting:
            job.next_input(files.stdin)
        outcomes: list[Outcome] = []
        for files in waiting:
            outcome = run_trial(files, entry, body, guard, job.test_budget(), prepare)
            outcomes.append(outcome)
            if not outcome[0] and job.remaining() <= 0:
                break
        for at, outcome in enumerate(outcomes):
            job.report_outcome(first + at, outcome, waiting[at])
        for files in waiting:
            files.close()
        if not outcomes[-1][0] and job.remaining() <= 0:
            job.end(Ending.TIMEOUT)
            return
    job.end(Ending.DONE)


def _run_command(job: Job, guard: Guard) -> None:
    """A program of another language."""
    try:
        built = commands.build(job, guard)
    except commands.CompileError as error:
        job.end(Ending.COMPILE_ERROR, str(error).encode("utf-8", "replace"))
        return
    if built is None:
        job.end(Ending.COMPILE_TIMEOUT)
        return
    job.compiled()
    entry = guard.entries["program"]
    _run_tests(job, lambda: commands.run(built), guard, entry, prepare=lambda: commands.place(built))


def _body(job: Job, code: CodeType, scene: child.Scene) -> Body:
    if job.mode == "stdin":
        namespace, leaves = scene.main.__dict__, scene.leaves
        return lambda: child.run_script(code, namespace, leaves)
    if job.mode == "weak":
        return lambda: tester.run_weak(code, scene, _whole(0))
    return lambda: child.run_call(code, scene, job.fn_name)


def _run_shared(job: Job, code: CodeType, scene: child.Scene, guard: Guard) -> None:
    """All tests in one process; what it did not come to counts as killed, and the judge runs it again."""
    batch = shared.Batch(with_result=job.mode == "call")
    job.all_inputs(batch.inputs)
    entry = guard.entries["python"].sparing(shared.FIRST_FD, shared.LAST_FD)
    body: Body = lambda: shared.run_all(job.count, code, scene, job.fn_name)  # noqa: E731
    in_time, _, ended = run_trial(batch.files, entry, body, guard, job.remaining(), batch.keep)
    status, _, rss_kb = told(ended)
    for index, (test_status, wall, cpu, answer, errors) in enumerate(batch.told(job, status)):
        head = RECORD.pack(Kind.TEST, index, test_status, wall, cpu, rss_kb, len(answer), len(errors))
        if len(answer) > _TOGETHER:
            job.flush()
            write_all(job.sock, head + answer + errors)
        else:
            job.add(head + answer + errors)
    batch.close()
    job.end(Ending.DONE if in_time else Ending.TIMEOUT)


def _run_asserts(job: Job, code: CodeType, scene: child.Scene, guard: Guard) -> None:
    """One process for the candidate, forked before the test code is read, and one for the test code."""
    import _socket

    ours, theirs = (end.detach() for end in _socket.socketpair())
    entry = guard.entries["python"]
    nothing = os.memfd_create("in", os.MFD_CLOEXEC)
    files = TestFiles(nothing, theirs)
    candidate = start_trial(files, entry, lambda: tester.serve_calls(code, scene))
    files.close()
    source = os.memfd_create("tests", os.MFD_CLOEXEC)
    job.next_input(source)
    files = TestFiles(source, ours)
    outcome = run_trial(files, entry, lambda: tester.run_tester(_whole(0)), guard, job.test_budget())
    job.report_outcome(0, outcome, files)
    os.kill(candidate, signal.SIGKILL)
    os.waitpid(candidate, 0)
    guard.after_test()
    job.end(Ending.DONE if outcome[0] else Ending.TIMEOUT)


def _whole(fd: int) -> bytes:
    return os.pread(fd, os.fstat(fd).st_size, 0)


def _compile(job: Job) -> CodeType | None:
    try:
        code: CodeType = compile(job.source, "solution.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError, LookupError) as error:
        where = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        text = f"{type(error).__name__}: {where}{error}"
        job.end(Ending.COMPILE_ERROR, text.encode("utf-8", "replace"))
        return None
    if job.remaining() <= 0:
        job.end(Ending.COMPILE_TIMEOUT)
        return None
    job.compiled()
    return code
