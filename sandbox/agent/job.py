"""One job as it arrives in a program process, and the descriptors of each of its tests.

Inputs go from the socket into a memory file through one buffer that is wiped, and outputs from a memory file to
the socket within the kernel, so that the heap which a test process inherits holds nothing of the other tests.
"""

from __future__ import annotations

import json
import os
import time

from sandbox.agent import kernel
from sandbox.agent.trial import told
from sandbox.agent.wire import (
    JOB,
    LENGTH,
    MAX_ERROR,
    RECORD,
    Kind,
    read_exactly,
    write_all,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sandbox.agent.trial import Outcome, TestFiles

__all__ = ["Job"]

_buffer = bytearray(1 << 16)
_view = memoryview(_buffer)
_ZEROS = bytes(1 << 16)
_OUTBOX = 1 << 20


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

    def next_input(self, fd: int) -> None:
        """Writes the next test's input to the memory file `fd`, and leaves it at its start."""
        (size,) = LENGTH.unpack(self.read(LENGTH.size))
        self._pass_on(size, fd)
        os.lseek(fd, 0, os.SEEK_SET)

    def all_inputs(self, fd: int) -> None:
        """Writes all inputs, each after its length, to the memory file `fd`."""
        self._pass_on(self.unread, fd)

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

    def report(
        self, head: tuple[int, int, int], times: tuple[int, int, int], answer: int, errors: int
    ) -> None:
        """Notes how a test ended: (kind, index, wait status), (wall µs, cpu µs, peak kB), and two files."""
        # One byte more than the cap tells the judge that there was more.
        size = min(os.fstat(answer).st_size, self.output_cap + 1)
        error_size = min(os.fstat(errors).st_size, MAX_ERROR)
        large = size > _OUTBOX
        if large or self.waiting > _OUTBOX:
            self.flush()
        target = self.sock if large else self.outbox
        write_all(target, RECORD.pack(*head, *times, size, error_size))
        _copy(answer, target, size)
        _copy(errors, target, error_size)
        self.waiting += 0 if large else RECORD.size + size + error_size

    def report_outcome(self, index: int, outcome: Outcome, files: TestFiles) -> None:
        """Notes how a test that had a process of its own ended."""
        in_time, wall, ended = outcome
        status, cpu_us, rss_kb = told(ended)
        head = (Kind.TEST if in_time else Kind.TEST_TIMEOUT, index, status)
        self.report(head, (int(wall * 1e6), cpu_us, rss_kb), files.answer, files.err)

    def compiled(self) -> None:
        """Notes that the program compiles; for the zygote too, should this process be lost."""
        os.eventfd_write(kernel.COMPILED_FD, 1)
        self.note(Kind.COMPILED)

    def note(self, kind: int, status: int = 0, err: bytes = b"") -> None:
        """Notes a record that is about no test."""
        self.add(RECORD.pack(kind, 0, status, self.elapsed_us(), 0, 0, 0, len(err)) + err)

    def add(self, records: bytes) -> None:
        """Puts whole records with those that wait."""
        if self.waiting > _OUTBOX:
            self.flush()
        write_all(self.outbox, records)
        self.waiting += len(records)

    def flush(self) -> None:
        """Sends the records that wait; sent together, they wake the judge once."""
        _copy(self.outbox, self.sock, self.waiting)
        os.ftruncate(self.outbox, 0)
        os.lseek(self.outbox, 0, os.SEEK_SET)
        self.waiting = 0

    def end(self, ending: int, err: bytes = b"") -> None:
        """Reads the job to its end and says that it is done."""
        self.drain()
        self.note(Kind.END, ending, err[:MAX_ERROR])
        self.flush()
        os.close(self.outbox)


def _copy(source: int, target: int, size: int) -> None:
    """Copies a file's first `size` bytes within the kernel: they never enter this heap."""
    sent = 0
    while sent < size:
        sent += os.sendfile(target, source, sent, size - sent)
