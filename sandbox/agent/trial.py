"""Runs one test in a process of its own.

After each fork the program process pays again for every page it writes to, so little happens here between one
fork and the next: inputs are written before, and outputs reported after, for many tests together.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable
from os import _exit
from time import monotonic

from sandbox.agent.entry import Entry
from sandbox.agent.kernel import fork, wait4

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox.agent.guard import Guard

__all__ = ["Body", "Outcome", "TestFiles", "run_trial", "start_trial", "told"]

_ENDED = struct.Struct("@i4x5l")
_memory = (ctypes.c_char * 160)()
_STATUS_AT = ctypes.addressof(_memory)
_USAGE_AT = _STATUS_AT + 8
"""A wait status, then the kernel's ``struct rusage``. `os.wait4` looks up modules and makes twenty objects."""

Body = Callable[[], int]
"""What a test process does once it is held; its exit status."""


class TestFiles:
    """The descriptors of one test: memory files for standard input, output and errors, and a fourth.

    Args:
        stdin: its input.
        fourth: what becomes descriptor 3: a file for a call's result, or a socket to another process.
        answer: the file whose content is the test's answer; standard output if not given.
    """

    __slots__ = ("answer", "err", "fourth", "out", "stdin")

    def __init__(self, stdin: int, fourth: int = -1, answer: int = -1) -> None:
        self.stdin, self.fourth = stdin, fourth
        self.out = os.memfd_create("out", os.MFD_CLOEXEC)
        self.err = os.memfd_create("err", os.MFD_CLOEXEC)
        self.answer = self.out if answer < 0 else answer

    @classmethod
    def empty(cls, *, with_result: bool = False) -> TestFiles:
        """With an input that is still to be written, and maybe a file for a call's result."""
        stdin = os.memfd_create("in", os.MFD_CLOEXEC)
        result = os.memfd_create("result", os.MFD_CLOEXEC) if with_result else -1
        return cls(stdin, result, result)

    def close(self) -> None:
        """Closes them in the program process."""
        for fd in (self.stdin, self.out, self.err, self.fourth):
            if fd >= 0:
                os.close(fd)


Outcome = tuple[bool, float, bytes]
"""How a test process ended: it was not killed for the time it took; seconds; what the kernel said. See `told`."""


def told(ended: bytes) -> tuple[int, int, int]:
    """What the kernel said of a process: its wait status, CPU time in µs, and its memory at its peak in kB."""
    status, user_s, user_us, system_s, system_us, rss_kb = _ENDED.unpack_from(ended)
    return status, (user_s + system_s) * 1_000_000 + user_us + system_us, rss_kb


def start_trial(files: TestFiles, entry: Entry, body: Body, prepare: Callable[[], None] | None = None) -> int:
    """Forks a test process.

    Args:
        files: its descriptors.
        entry: how it comes to be held.
        body: what it does then.
        prepare: what it does before, while other descriptors are still open.
    """
    pid: int = fork()
    if pid == 0:
        try:
            if prepare is not None:
                prepare()
            entry.take(files.stdin, files.out, files.err, files.fourth)
            entry.hold()
            _exit(body())
        finally:
            _exit(70)
    return pid


def run_trial(
    files: TestFiles,
    entry: Entry,
    body: Body,
    guard: Guard,
    budget: float,
    prepare: Callable[[], None] | None = None,
) -> Outcome:
    """Forks a test process, waits until it has ended or `budget` seconds are over, and clears up after it."""
    started = monotonic()
    pid = start_trial(files, entry, body, prepare)
    in_time = guard.wait_for(pid, budget)
    wait4(pid, _STATUS_AT, 0, _USAGE_AT)
    wall = monotonic() - started
    guard.after_test()
    return in_time, wall, bytes(_memory)
