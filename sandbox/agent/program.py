"""A program process: reads one job, compiles it, forks a test process for each input, reports, and leaves.

It never runs the candidate's code itself.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from types import CodeType

from sandbox.agent import child, commands, kernel, shared, tester
from sandbox.agent.guard import Guard
from sandbox.agent.job import Job, TestFiles
from sandbox.agent.wire import Ending, Kind, send_record

__all__ = ["run_job"]

Body = Callable[[], int]
"""What a test process does; its exit status."""


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
        return
    if job.isolation == "program" and job.mode in ("stdin", "call"):
        _run_shared(job, code, scene, guard)
        return
    body = _body(job, code, scene)
    _run_tests(job, lambda: TestFiles.empty(with_result=job.mode != "stdin"), body, guard)


def _run_tests(
    job: Job,
    make_files: Callable[[], TestFiles],
    body: Body,
    guard: Guard,
    prepare: Callable[[], None] | None = None,
) -> None:
    """Runs all tests of a job, one after the other. See `run_test`."""
    for index in range(job.count):
        files = make_files()
        job.next_input(files.stdin)
        in_time = run_test(job, index, files, body, guard, prepare)
        if not in_time and job.remaining() <= 0:
            job.end(Ending.TIMEOUT)
            return
    job.end(Ending.DONE)


def run_test(
    job: Job,
    index: int,
    files: TestFiles,
    body: Body,
    guard: Guard,
    prepare: Callable[[], None] | None = None,
) -> bool:
    """Forks a test process for `body`, waits for it or kills it, and reports; whether it was in time.

    With `prepare`, that runs first in the new process, while other descriptors are open, and `body` holds the
    process to its layers itself.
    """
    started = time.monotonic()
    pid: int = kernel.fork()
    if pid == 0:
        if prepare is not None:
            prepare()
        files.enter(guard)
        if prepare is None:
            guard.enter_test()
        os._exit(body())
    in_time = guard.wait_for(pid, job.test_budget())
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - started
    guard.after_test()
    cpu = usage.ru_utime + usage.ru_stime
    head = (Kind.TEST if in_time else Kind.TEST_TIMEOUT, index, status)
    times = (int(wall * 1e6), int(cpu * 1e6), usage.ru_maxrss)
    job.report(head, times, files.answer, files.err)
    files.close()
    return in_time


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
    body = commands.test_body(built, guard)
    _run_tests(job, TestFiles.empty, body, guard, prepare=lambda: commands.place(built))


def _body(job: Job, code: CodeType, scene: child.Scene) -> Body:
    if job.mode == "stdin":
        return lambda: child.run_script(code, scene)
    if job.mode == "weak":
        return lambda: tester.run_weak(code, scene, os.pread(0, os.fstat(0).st_size, 0))
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
    nothing = os.memfd_create("in", os.MFD_CLOEXEC)
    files = TestFiles(nothing, theirs)
    candidate: int = kernel.fork()
    if candidate == 0:
        files.enter(guard)
        guard.enter_test()
        os._exit(tester.serve_calls(code, scene))
    files.close()
    source = os.memfd_create("tests", os.MFD_CLOEXEC)
    job.next_input(source)
    body: Body = lambda: tester.run_tester(os.pread(0, os.fstat(0).st_size, 0))  # noqa: E731
    in_time = run_test(job, 0, TestFiles(source, ours), body, guard)
    os.kill(candidate, signal.SIGKILL)
    os.waitpid(candidate, 0)
    guard.after_test()
    job.end(Ending.DONE if in_time else Ending.TIMEOUT)


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
