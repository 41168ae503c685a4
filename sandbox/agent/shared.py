"""``isolation="program"``: one process runs all tests of a program, each in a fresh ``__main__``.

Cheap, and safe for rewards, because no expected output is in the process; but a program can carry state from
one test to the next, and see the other tests' inputs. The judge runs failed tests again, each in a process of
its own.

Each test finds its own input on descriptor 0 and an empty file on descriptor 1, as in a process of its own;
between two tests they are emptied and filled again.
"""

from __future__ import annotations

import os
import resource
import struct
import sys
from collections.abc import Iterator
from os import ftruncate, lseek, pread, pwrite, sendfile, write
from time import monotonic
from types import CodeType

from sandbox.agent import child
from sandbox.agent.child import Scene
from sandbox.agent.entry import RESULT_FD
from sandbox.agent.trial import Body, TestFiles
from sandbox.agent.wire import LENGTH, MAX_ERROR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox.agent.job import Job

__all__ = ["FIRST_FD", "LAST_FD", "Batch", "Told", "run_all"]

_STATUS = struct.Struct("=iIIII")
FIRST_FD, LAST_FD = 40, 42
_INPUTS_FD, _ANSWERS_FD, _STATUS_FD = 40, 41, 42
"""Where the process that runs the tests keeps its files, out of the programs' way."""

Told = tuple[int, int, int, bytes, bytes]
"""Wait status, wall µs, cpu µs, answer and error text of one test."""


class Batch:
    """The files of a program whose tests share a process.

    Attributes:
        files: what becomes descriptors 0 to 3.
        inputs: all inputs, each after its length.
        answers: what the tests answered, one after the other.
    """

    def __init__(self, *, with_result: bool) -> None:
        self.files = TestFiles.empty(with_result=with_result)
        self.inputs = os.memfd_create("inputs", os.MFD_CLOEXEC)
        self.answers = os.memfd_create("answers", os.MFD_CLOEXEC)
        self._status = os.memfd_create("status", os.MFD_CLOEXEC)

    def told(self, job: Job, status: int) -> Iterator[Told]:
        """What the process, which ended with the wait status `status`, said of each test, in order; it may lie,
        and gains nothing by it."""
        answer_at = error_at = 0
        for index in range(job.count):
            data = pread(self._status, _STATUS.size, index * _STATUS.size)
            if len(data) < _STATUS.size:
                yield status or 1, 0, 0, b"", b""
                continue
            code, wall, cpu, size, error_size = _STATUS.unpack(data)
            answer = pread(self.answers, min(size, job.output_cap + 1), answer_at)
            errors = pread(self.files.err, min(error_size, MAX_ERROR), error_at)
            yield (code & 0xFF) << 8, wall, cpu, answer, errors
            answer_at += size
            error_at += error_size

    def keep(self) -> None:
        """In the test process, before it is held: its own files go where descriptors stay open."""
        for fd, place in ((self.inputs, _INPUTS_FD), (self.answers, _ANSWERS_FD), (self._status, _STATUS_FD)):
            os.dup2(fd, place)

    def close(self) -> None:
        """Closes them in the program process."""
        self.files.close()
        for fd in (self.inputs, self.answers, self._status):
            os.close(fd)


def run_all(count: int, code: CodeType, scene: Scene, fn_name: str) -> int:
    """In the test process: runs every test."""
    answer_fd = RESULT_FD if fn_name else 1
    run: Body = (
        (lambda: child.run_call(code, scene, fn_name))
        if fn_name
        else (lambda: child.run_script(code, scene.main.__dict__, scene.leaves))
    )
    at = 0
    errors = 0
    for _ in range(count):
        (size,) = LENGTH.unpack(pread(_INPUTS_FD, LENGTH.size, at))
        _refill(size, at + LENGTH.size)
        at += LENGTH.size + size
        scene.renew()
        child.open_streams()
        started, cpu = monotonic(), _cpu()
        status = run()
        _join_threads()
        wall = int((monotonic() - started) * 1e6)
        cpu = max(0.0, _cpu() - cpu)
        answered = _take(answer_fd)
        now = os.fstat(2).st_size
        write(_STATUS_FD, _STATUS.pack(status, wall, int(cpu * 1e6), answered, now - errors))
        errors = now
    return 0


def _refill(size: int, at: int) -> None:
    """Puts one input into the file that is standard input, and empties the others."""
    ftruncate(0, 0)
    lseek(0, 0, os.SEEK_SET)
    filled = 0
    while filled < size:
        filled += pwrite(0, pread(_INPUTS_FD, min(size - filled, 1 << 20), at + filled), filled)


def _take(fd: int) -> int:
    """Moves what a test answered to the file of all answers; how much it was."""
    size = os.fstat(fd).st_size
    sent = 0
    while sent < size:
        sent += sendfile(_ANSWERS_FD, fd, sent, size - sent)
    for each in {1, fd}:
        ftruncate(each, 0)
        lseek(each, 0, os.SEEK_SET)
    return size


def _join_threads() -> None:
    if "threading" not in sys.modules:
        return
    threading = sys.modules["threading"]
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.main_thread():
            thread.join()


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
