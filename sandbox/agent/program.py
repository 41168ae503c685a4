"""A program process: reads one job, compiles it, forks a test process for each input, reports, and leaves.

It never runs the candidate's code itself.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import CodeType

from sandbox.agent import child, commands, kernel, shared, tester
from sandbox.agent.entry import Entry
from sandbox.agent.guard import Guard
from sandbox.agent.job import Job
from sandbox.agent.trial import Body, Outcome, TestFiles, run_trial, start_trial
from sandbox.agent.wire import Ending, Kind, send_record

__all__ = ["run_job"]

_AT_ONCE = 10
"""Tests whose descriptors are open together: four each, of the 45 that are free."""


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
    scene.load(job.modules, job.prelude)
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
            if not outcome.in_time and job.remaining() <= 0:
                break
        for at, outcome in enumerate(outcomes):
            job.report_outcome(first + at, outcome, waiting[at])
        for files in waiting:
            files.close()
        if not outcomes[-1].in_time and job.remaining() <= 0:
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
    send_record(job.sock, Kind.COMPILED, usage=(job.elapsed_us(), 0, 0))
    entry = guard.entries["program"]
    _run_tests(job, lambda: commands.run(built), guard, entry, prepare=lambda: commands.place(built))


def _body(job: Job, code: CodeType, scene: child.Scene) -> Body:
    if job.mode == "stdin":
        namespace = scene.main.__dict__
        return lambda: child.run_script(code, namespace)
    if job.mode == "weak":
        return lambda: tester.run_weak(code, scene, _whole(0))
    return lambda: child.run_call(code, scene, job.fn_name)


def _run_shared(job: Job, code: CodeType, scene: child.Scene, guard: Guard) -> None:
    """Many tests in one process; what it did not come to counts as killed, and the judge runs it again."""
    for first in range(0, job.count, shared.AT_ONCE):
        many = range(first, min(job.count, first + shared.AT_ONCE))
        batch = shared.Batch(len(many))
        for stdin in batch.inputs:
            job.next_input(stdin)
        pid: int = kernel.fork()
        if pid == 0:
            os._exit(shared.run_batch(batch, code, scene, job.fn_name, guard))
        in_time = guard.wait_for(pid, job.remaining())
        _, status, usage = os.wait4(pid, 0)
        guard.after_test()
        ended = batch.ended()
        for at, index in enumerate(many):
            told = at < len(ended)
            code_, wall, cpu = ended[at] if told else (status or 1, 0, 0)
            wait_status = (code_ & 0xFF) << 8 if told else code_
            times = (wall, cpu, usage.ru_maxrss)
            job.report((Kind.TEST, index, wait_status), times, batch.answers[at], batch.err)
        batch.close()
        if not in_time:
            job.end(Ending.TIMEOUT)
            return
    job.end(Ending.DONE)


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
    job.end(Ending.DONE if outcome.in_time else Ending.TIMEOUT)


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
    send_record(job.sock, Kind.COMPILED, usage=(job.elapsed_us(), 0, 0))
    return code
