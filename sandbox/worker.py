"""The judge's end of one agent: starts it, sends jobs, reads records, and kills it when it must.

Everything an agent says is treated as hostile: lengths and indices are checked before they are used.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.agent.server import FLAGS, SETTINGS
from sandbox.agent.wire import MAX_ERROR, RECORD, Ending, Kind
from sandbox.errors import InfrastructureError
from sandbox.exchange import Job, Record, Run

__all__ = ["GRACE_S", "Worker"]

GRACE_S = 0.7
"""How long after a program's budget its worker is killed."""

_BOOT_S = 20.0
_LEAVE_S = 10.0

ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "LC_ALL": "C.UTF-8",
    "LD_BIND_NOW": "1",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
}
"""All that an agent's interpreter finds in its environment. Sets and dicts are ordered alike in every run.
Foreign functions are bound at the start, not once more in each forked process."""
_CHUNK = 1 << 18


class _HostileError(Exception):
    """The agent said what an agent never says."""


class Worker:
    """One running agent.

    Args:
        channel: the socket to it.
        process: the process that holds it, if it is one of this machine's.
    """

    def __init__(self, channel: socket.socket, process: subprocess.Popen[bytes] | None) -> None:
        channel.setblocking(False)
        self._socket, self._process = channel, process
        self._received = bytearray()
        self._lock = threading.Lock()
        self._in_use = threading.Lock()
        self.alive = True
        self.cpu: int | None = None
        self.report: dict[str, str] = {}

    @classmethod
    def start(cls, settings: Mapping[str, Any], python: str) -> Worker:
        """Starts an agent as a process.

        Args:
            settings: what it is to build; see `sandbox.agent.guard`.
            python: the interpreter it runs.

        Raises:
            InfrastructureError: it could not be started.
        """
        ours, theirs = socket.socketpair()
        boot = Path(__file__).with_name("agent") / "boot.py"
        sent = {**settings, "control": theirs.fileno(), "host_pid": os.getpid()}
        try:
            process = subprocess.Popen(
                [python, *FLAGS, str(boot)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={SETTINGS: json.dumps(sent), **ENVIRONMENT},
                pass_fds=[theirs.fileno()],
                cwd="/",
            )
        except OSError as error:
            ours.close()
            raise InfrastructureError(f"cannot start {python}: {error}") from error
        finally:
            theirs.close()
        return cls(ours, process)

    @property
    def pid(self) -> int:
        """The number of the process that holds it, 0 if that is not one of this machine's."""
        return self._process.pid if self._process is not None else 0

    def wait_ready(self) -> None:
        """Waits until the agent stands behind its layers.

        Raises:
            InfrastructureError: it refused, with its reasons, or did not answer in time.
        """
        deadline = time.monotonic() + _BOOT_S
        while (record := self._next_record(1 << 20)) is None:
            if not self._wait(deadline, sending=False):
                self.close()
                raise InfrastructureError(
                    "a sandbox worker did not start in time or went away while starting"
                )
        self.report = {str(k): str(v) for k, v in json.loads(record.out or b"{}").items()}
        if record.kind != Kind.READY:
            self.close()
            raise InfrastructureError(f"a sandbox worker refused: {record.err.decode('utf-8', 'replace')}")

    def run(self, job: Job, total_s: float, output_cap: int) -> Run:
        """Sends `job` and gathers what is said about it. On any trouble the worker is dead afterwards."""
        with self._in_use:
            return self._run(job, total_s, output_cap)

    def _run(self, job: Job, total_s: float, output_cap: int) -> Run:
        run = Run()
        if not self.alive:
            return run
        outgoing = [memoryview(part) for part in job.parts(self.cpu)]
        deadline = time.monotonic() + total_s + GRACE_S
        try:
            while run.ending is None and run.died is None:
                record = self._next_record(output_cap + 1)
                if record is not None:
                    self._note(run, record, len(job.inputs))
                elif not self._wait(deadline, sending=bool(outgoing)):
                    run.late = self.alive
                    break
                else:
                    self._send(outgoing)
        except _HostileError as error:
            run.detail = str(error)
        if run.ending is None or outgoing:
            self._end()
            self._socket.close()
        return run

    @staticmethod
    def _note(run: Run, record: Record, count: int) -> None:
        if record.kind == Kind.COMPILED and run.compiled_s is None:
            run.compiled_s = record.wall_us / 1e6
        elif record.kind in (Kind.TEST, Kind.TEST_TIMEOUT) and record.test == len(run.records) < count:
            run.records[record.test] = record
        elif record.kind == Kind.END:
            run.ending = _ending(record.status)
            run.ended_s = record.wall_us / 1e6
            run.detail = record.err.decode("utf-8", "replace")
        elif record.kind == Kind.DIED:
            run.died = record.status
            if record.test and run.compiled_s is None:
                run.compiled_s = 0.0
        else:
            raise _HostileError(f"unexpected record {record.kind} for test {record.test}")

    def _next_record(self, cap: int) -> Record | None:
        if len(self._received) < RECORD.size:
            return None
        *head, out_size, err_size = RECORD.unpack_from(self._received)
        if out_size > cap or err_size > MAX_ERROR:
            raise _HostileError("malformed record")
        end = RECORD.size + out_size + err_size
        if len(self._received) < end:
            return None
        out = bytes(self._received[RECORD.size : RECORD.size + out_size])
        err = bytes(self._received[RECORD.size + out_size : end])
        del self._received[:end]
        kind, test, status, wall_us, cpu_us, rss_kb = head
        return Record(kind, test, status, wall_us, cpu_us, rss_kb, out, err)

    def _wait(self, deadline: float, *, sending: bool) -> bool:
        """Waits for the socket and takes in what has come; False when it is too late or the agent is gone."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | (select.POLLOUT if sending else 0))
        left = deadline - time.monotonic()
        events = poll.poll(left * 1000) if left > 0 else []
        if not events:
            return False
        if events[0][1] & (select.POLLIN | select.POLLHUP | select.POLLERR):
            try:
                data = self._socket.recv(_CHUNK)
            except BlockingIOError:
                return True
            except OSError:
                data = b""
            if not data:
                self._end()
                return False
            self._received += data
        return True

    def _send(self, outgoing: list[memoryview]) -> None:
        while outgoing:
            try:
                sent = self._socket.sendmsg(outgoing[:64], (), socket.MSG_NOSIGNAL)
            except BlockingIOError:
                return
            except OSError:
                outgoing.clear()
                return
            while sent:
                head = outgoing[0]
                if sent < len(head):
                    outgoing[0] = head[sent:]
                    break
                sent -= len(outgoing.pop(0))
            while outgoing and not outgoing[0]:
                outgoing.pop(0)

    def close(self) -> None:
        """Ends the agent and all it holds; a thread that waits for it learns at once. Idempotent."""
        self._end()
        with self._in_use:
            self._socket.close()

    def _end(self) -> None:
        with self._lock:
            if not self.alive:
                return
            self.alive = False
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._end_process()

    def _end_process(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def forget(self) -> None:
        """Lets go of it without ending it: in a forked copy of the process that owns it."""
        self.alive = False
        self._socket.close()
        if self._process is not None:
            self._process.returncode = 0


def _ending(status: int) -> int:
    if status not in (Ending.DONE, Ending.COMPILE_ERROR, Ending.TIMEOUT, Ending.COMPILE_TIMEOUT):
        raise _HostileError(f"unknown ending {status}")
    return status
