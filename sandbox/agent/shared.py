"""``isolation="program"``: one process runs many tests of a program, each in a fresh ``__main__``.

Cheap, and safe for rewards, because no expected output is in the process; but a program can carry state from
one test to the next, and see the other tests' inputs. The judge runs failed tests again, each in a process of
its own.
"""

from __future__ import annotations

import io
import os
import resource
import struct
import sys
import time
from collections.abc import Callable
from types import CodeType

from sandbox.agent import child, kernel
from sandbox.agent.child import Scene
from sandbox.agent.entry import KEPT_FD, RESULT_FD
from sandbox.agent.guard import Guard

__all__ = ["AT_ONCE", "STATUS", "Batch", "run_batch"]

AT_ONCE = 18
"""Tests per process: two descriptors each, of the 50 that are free."""

STATUS = struct.Struct("=iQQ")
"""Exit status, wall µs, cpu µs of one test."""


class Batch:
    """The descriptors of some tests that share a process."""

    def __init__(self, count: int) -> None:
        self.inputs = [os.memfd_create("in", os.MFD_CLOEXEC) for _ in range(count)]
        self.answers = [os.memfd_create("out", os.MFD_CLOEXEC) for _ in range(count)]
        self.status = os.memfd_create("status", os.MFD_CLOEXEC)
        self.err = os.memfd_create("err", os.MFD_CLOEXEC)

    def ended(self) -> list[tuple[int, int, int]]:
        """What the process said of each test, in order; it may lie, and gains nothing by it."""
        data = os.pread(self.status, STATUS.size * len(self.inputs), 0)
        whole = len(data) // STATUS.size * STATUS.size
        return list(STATUS.iter_unpack(data[:whole]))

    def close(self) -> None:
        """Closes them in the program process."""
        for fd in (*self.inputs, *self.answers, self.status, self.err):
            os.close(fd)


def run_batch(batch: Batch, code: CodeType, scene: Scene, fn_name: str, guard: Guard) -> int:
    """In the test process: runs every test of `batch`."""
    kernel.die_with_parent()
    os.dup2(batch.err, 2)
    os.closerange(RESULT_FD, KEPT_FD)
    kernel.close_from(kernel.SCRATCH_FD)
    guard.entries["python"].hold()
    for stdin, answer in zip(batch.inputs, batch.answers, strict=True):
        os.dup2(stdin, 0)
        os.dup2(answer, RESULT_FD if fn_name else 1)
        scene.renew()
        sys.stdin, sys.stdout = _fresh(0, "r"), _fresh(1, "w")
        started, cpu = time.monotonic(), _cpu()
        body: Callable[[], int] = (
            (lambda: child.run_call(code, scene, fn_name))
            if fn_name
            else (lambda: child.run_script(code, scene.main.__dict__))
        )
        status = body()
        _join_threads()
        wall = int((time.monotonic() - started) * 1e6)
        os.write(batch.status, STATUS.pack(status, wall, max(0, int((_cpu() - cpu) * 1e6))))
    return 0


def _fresh(fd: int, mode: str) -> io.TextIOWrapper:
    raw = io.FileIO(fd, mode, closefd=False)
    buffer = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
    return io.TextIOWrapper(buffer, encoding="utf-8")


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
