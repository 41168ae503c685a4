"""A program process: reads one job, compiles it, forks a test process for each input, reports, and leaves.

It never runs the candidate's code itself. Inputs go from the socket into a memory file through one buffer that
is wiped, and outputs from a memory file to the socket by sendfile, so that the heap which a test process
inherits holds nothing of the other tests.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from collections.abc import Callable
from types import CodeType
from typing import Any

from sandbox.agent import child, commands, kernel, shared, tester
from sandbox.agent.guard import Guard
from sandbox.agent.wire import (
    JOB,
    LENGTH,
    MAX_ERROR,
    RECORD,
    Ending,
    Kind,
    read_exactly,
    send_record,
    write_all,
)

__all__ = ["Job", "TestFiles", "run_job"]

_buffer = bytearray(1 << 16)
_view = memoryview(_buffer)
_ZEROS = bytes(1 << 16)
_OUTBOX = 1 << 20


class TestFiles:
    """The descriptors of one test: memory files for standard input, output and errors, and a fourth.

    Args:
        stdin: its input.
        fourth: what becomes descriptor 3: a file for a call's result, or a socket to another process.
        answer: the file whose content is the test's answer; standard output if not given.
    """

    def __init__(self, stdin: int, fourth: int = -1, answer: int = -1) -> None:
        self.stdin, self.fourth = stdin, fourth
        self.out = os.memfd_create("out", os.MFD_CLOEXEC)
        self.err = os.memfd_create("err", os.MFD_CLOEXEC)
        self.answer = self.out if answer < 0 else answer

    @classmethod
    def with_result(cls, stdin: int) -> TestFiles:
        """With a file for a call's result."""
        result = os.memfd_create("result", os.MFD_CLOEXEC)
        return cls(stdin, result, result)

    def enter(self, guard: Guard) -> None:
        """In the test process: these become its descriptors 0 to 2 (and 3), and all others are closed."""
        os.dup2(self.stdin, 0)
        os.dup2(self.out, 1)
        os.dup2(self.err, 2)
        if self.fourth >= 0:
            os.dup2(self.fourth, child.RESULT_FD)
        guard.close_fds(3 if self.fourth < 0 else 4)

    def close(self) -> None:
        """Closes them in the program process."""
        for fd in (self.stdin, self.out, self.err, self.fourth):
            if fd >= 0:
                os.close(fd)


class Job:
    """One job as the judge sent it, and how much of it has been read."""

    def __init__(self, sock: int) -> None:
        self.sock = sock
        self.started = time.monotonic()
        (size,) = JOB.unpack(read_exactly(sock, JOB.size))
        header: dict[str, Any] = json.loads(read_exactly(sock, size))
        self.mode: str = header["mode"]
        self.count: int = header["count"]
        self.fn_name: str = header.get("fn_name", "")
        self.limits: dict[str, Any] = header["limits"]
        self.modules: list[str] = header.get("modules", [])
        self.prelude: dict[str, list[str]] = header.get("prelude", {})
        self.isolation: str = header.get("isolation", "test")
        self.command: dict[str, Any] = header.get("command", {})
        if header["cpu"] is not None:
            os.sched_setaffinity(0, {header["cpu"]})
        self.deadline: float = self.started + self.limits["total_s"]
        self.output_cap: int = self.limits["output_bytes"]
        self.outbox = os.memfd_create("outbox", os.MFD_CLOEXEC)
        self.waiting = 0
        self.unread: int = header["payload"]
        self.source = self.read(header["source"])

    def read(self, size: int) -> bytes:
        """The next `size` bytes of the job."""
        self.unread -= size
        return read_exactly(self.sock, size)

    def next_input(self) -> int:
        """The next test's input as a memory file, at its start."""
        (size,) = LENGTH.unpack(self.read(LENGTH.size))
        fd = os.memfd_create("in", os.MFD_CLOEXEC)
        self._pass_on(size, fd)
        os.lseek(fd, 0, os.SEEK_SET)
        return fd

    def drain(self) -> None:
        """Reads the rest of the job and forgets it."""
        self._pass_on(self.unread, -1)

    def _pass_on(self, size: int, fd: int) -> None:
        self.unread -= size
        used = min(size, len(_buffer))
        while size:
            count = os.readv(self.sock, [_view[: min(size, len(_buffer))]])
            if not count:
                raise EOFError("the judge went away")
            if fd >= 0:
                write_all(fd, _view[:count])
            size -= count
        _buffer[:used] = _ZEROS[:used]

    def remaining(self) -> float:
        """Seconds left of the program's total."""
        return self.deadline - time.monotonic()

    def test_budget(self) -> float:
        """Seconds the next test may take."""
        own: float | None = self.limits["test_s"]
        return self.remaining() if own is None else min(own, self.remaining())

    def elapsed_us(self) -> int:
        """Microseconds since the job was read."""
        return int((time.monotonic() - self.started) * 1e6)

    def flush(self) -> None:
        """Sends the records that wait; sent together, they wake the judge once."""
        _copy(self.outbox, self.sock, self.waiting)
        os.ftruncate(self.outbox, 0)
        os.lseek(self.outbox, 0, os.SEEK_SET)
        self.waiting = 0

    def end(self, ending: Ending, err: bytes = b"") -> None:
        """Reads the job to its end and says that it is done."""
        self.drain()
        self.flush()
        send_record(self.sock, Kind.END, status=ending, usage=(self.elapsed_us(), 0, 0), err=err[:MAX_ERROR])


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
    for index in range(job.count):
        stdin = job.next_input()
        if job.mode == "stdin":
            in_time = run_test(job, index, TestFiles(stdin), lambda: child.run_script(code, scene), guard)
        else:
            files = TestFiles.with_result(stdin)
            in_time = run_test(job, index, files, _call_body(job, code, scene, stdin), guard)
        if not in_time and job.remaining() <= 0:
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
    for index in range(job.count):
        files = TestFiles(job.next_input())
        body = commands.test_body(built, guard)
        in_time = run_test(job, index, files, body, guard, prepare=lambda: commands.place(built))
        if not in_time and job.remaining() <= 0:
            job.end(Ending.TIMEOUT)
            return
    job.end(Ending.DONE)


def _call_body(job: Job, code: CodeType, scene: child.Scene, stdin: int) -> Body:
    if job.mode == "weak":
        size = os.fstat(stdin).st_size
        return lambda: tester.run_weak(code, scene, os.pread(0, size, 0))
    return lambda: child.run_call(code, scene, job.fn_name)


def _run_shared(job: Job, code: CodeType, scene: child.Scene, guard: Guard) -> None:
    """Many tests in one process; what it did not come to counts as killed, and the judge runs it again."""
    for first in range(0, job.count, shared.AT_ONCE):
        many = range(first, min(job.count, first + shared.AT_ONCE))
        batch = shared.Batch([job.next_input() for _ in many])
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
            _send_test(job, (Kind.TEST, index, wait_status), times, batch.answers[at], batch.err)
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
    source = job.next_input()
    size = os.fstat(source).st_size
    body: Body = lambda: tester.run_tester(os.pread(0, size, 0))  # noqa: E731
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
    _report(job, index, files, status, (wall, usage), in_time)
    files.close()
    return in_time


def _report(
    job: Job,
    index: int,
    files: TestFiles,
    status: int,
    used: tuple[float, resource.struct_rusage],
    in_time: bool,
) -> None:
    wall, usage = used
    cpu = usage.ru_utime + usage.ru_stime
    head = (Kind.TEST if in_time else Kind.TEST_TIMEOUT, index, status)
    times = (int(wall * 1e6), int(cpu * 1e6), usage.ru_maxrss)
    _send_test(job, head, times, files.answer, files.err)


def _send_test(
    job: Job, head: tuple[Kind, int, int], times: tuple[int, int, int], answer: int, errors: int
) -> None:
    # One byte more than the cap tells the judge that there was more.
    size = min(os.fstat(answer).st_size, job.output_cap + 1)
    error_size = min(os.fstat(errors).st_size, MAX_ERROR)
    large = size > _OUTBOX
    if large or job.waiting > _OUTBOX:
        job.flush()
    target = job.sock if large else job.outbox
    write_all(target, RECORD.pack(*head, *times, size, error_size))
    _copy(answer, target, size)
    _copy(errors, target, error_size)
    job.waiting += 0 if large else RECORD.size + size + error_size


def _copy(source: int, target: int, size: int) -> None:
    """Copies a file's first `size` bytes within the kernel: they never enter this heap."""
    sent = 0
    while sent < size:
        sent += os.sendfile(target, source, sent, size - sent)
