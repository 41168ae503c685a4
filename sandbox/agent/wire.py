"""What the judge and the agent say to each other over one stream socket.

Judge to agent, one *job* per program: a length and a JSON header, the source, then for each test a length and
its input. Agent to judge: *records*, each a fixed header and two byte strings. Neither side ever unpickles.
"""

from __future__ import annotations

import os
import struct

__all__ = [
    "JOB",
    "LENGTH",
    "MAX_ERROR",
    "RECORD",
    "Ending",
    "Kind",
    "read_exactly",
    "send_record",
    "write_all",
]

JOB = struct.Struct("!I")
LENGTH = struct.Struct("!Q")
RECORD = struct.Struct("!BIiQQQII")
"""kind, test index, wait status, wall µs, cpu µs, peak kB, length of output, length of error text."""

MAX_ERROR = 4096
"""Bytes of a test's error text that are kept."""


class Kind:
    """What a record says."""

    READY = 1
    """The zygote stands; the output is its report as JSON."""
    COMPILED = 2
    """The program compiles; wall time is what that took."""
    TEST = 3
    """One test ended."""
    TEST_TIMEOUT = 7
    """One test was killed for the time it took."""
    END = 4
    """The job is done and its input read to the end; the status is one of `Ending`."""
    DIED = 5
    """The program process was lost; the zygote leaves after this. The status is its wait status, the test's index
    1 if the program had been compiled by then."""
    REFUSED = 6
    """The jail could not be built; the error text says why."""


class Ending:
    """Why a job ended."""

    DONE = 0
    COMPILE_ERROR = 1
    TIMEOUT = 2
    COMPILE_TIMEOUT = 3


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Writes all of `data` to a blocking descriptor."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def read_exactly(fd: int, size: int) -> bytes:
    """The next `size` bytes of a blocking descriptor.

    Raises:
        EOFError: the other side closed it first.
    """
    buffer = bytearray(size)
    view, got = memoryview(buffer), 0
    while got < size:
        count = os.readv(fd, [view[got:]])
        if not count:
            raise EOFError("the judge went away")
        got += count
    return bytes(buffer)


def send_record(
    fd: int,
    kind: int,
    *,
    index: int = 0,
    status: int = 0,
    usage: tuple[int, int, int] = (0, 0, 0),
    out: bytes = b"",
    err: bytes = b"",
) -> None:
    """Sends one record; `usage` is wall µs, cpu µs, peak kB."""
    write_all(fd, RECORD.pack(kind, index, status, *usage, len(out), len(err)) + out + err)
