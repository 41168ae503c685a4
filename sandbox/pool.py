"""The workers of one sandbox: a slot per allowed CPU, each with one agent per flavour, and one warm spare."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable, Iterator

from sandbox.errors import ClosedError, SandboxError
from sandbox.worker import Worker

__all__ = ["LIGHT", "NUMPY", "OWN_BYTES", "TOOLS", "Pool", "Slot"]

LIGHT, NUMPY, TOOLS = "light", "numpy", "tools"
"""Flavours of agents: the standard library loaded, numpy too, or with compilers and other runtimes in reach."""

OWN_BYTES = {LIGHT: 192 << 20, NUMPY: 512 << 20, TOOLS: 192 << 20}
"""Address space an agent of each flavour takes for itself, most of it libraries."""

Start = Callable[[str, int | None], Worker]
"""Starts the agent of a flavour, pinned to a CPU if one is given, and waits until it is ready."""


class Slot:
    """One program at a time: a CPU and the agents that run on it."""

    def __init__(self, cpu: int | None) -> None:
        self.cpu = cpu
        self.workers: dict[str, Worker] = {}


class Pool:
    """Hands out slots. Safe to use from many threads.

    Args:
        cpus: the CPUs to pin to, one slot each; ``None`` leaves a slot unpinned.
        start: see `Start`.
    """

    def __init__(self, cpus: list[int | None], start: Start) -> None:
        self._start = start
        self._slots = [Slot(cpu) for cpu in cpus]
        self._free: queue.SimpleQueue[Slot | None] = queue.SimpleQueue()
        self._alone = threading.Lock()
        self._lock = threading.Lock()
        self._spare: Worker | None = None
        self._spare_starts: threading.Thread | None = None
        self.closed = False
        for slot in self._slots:
            self._free.put(slot)

    def __len__(self) -> int:
        return len(self._slots)

    @contextlib.contextmanager
    def slot(self) -> Iterator[Slot]:
        """A free slot; waits for one.

        Raises:
            ClosedError: the pool is, or becomes, closed.
        """
        slot = self._free.get()
        if slot is None or self.closed:
            self._free.put(None)
            raise ClosedError("this Sandbox is closed")
        try:
            yield slot
        finally:
            self._free.put(slot)

    @contextlib.contextmanager
    def alone(self) -> Iterator[Slot]:
        """A slot while all the others stand still."""
        with self._alone, contextlib.ExitStack() as held:
            slots = [held.enter_context(self.slot()) for _ in self._slots]
            yield slots[0]

    def worker(self, slot: Slot, flavour: str) -> Worker:
        """The living agent of `flavour` on `slot`; starts it, or takes the spare.

        Raises:
            SandboxError: it cannot be started.
        """
        if self.closed:
            raise ClosedError("this Sandbox is closed")
        current = slot.workers.get(flavour)
        if current is not None and current.alive:
            return current
        made = self._take_spare(slot) if flavour == LIGHT else None
        made = made or self._start(flavour, slot.cpu)
        slot.workers[flavour] = made
        if self.closed:
            made.close()
            raise ClosedError("this Sandbox is closed")
        return made

    def adopt(self, worker: Worker) -> None:
        """Takes a light worker that runs already as the spare."""
        with self._lock:
            self._spare = worker

    def _take_spare(self, slot: Slot) -> Worker | None:
        with self._lock:
            spare, self._spare = self._spare, None
            busy = self._spare_starts is not None and self._spare_starts.is_alive()
            if not busy and not self.closed:
                self._spare_starts = threading.Thread(
                    target=self._start_spare, name="sandbox-spare", daemon=True
                )
                self._spare_starts.start()
        if spare is None or not spare.alive:
            return None
        spare.cpu = slot.cpu
        return spare

    def _start_spare(self) -> None:
        worker: Worker | None = None
        with contextlib.suppress(SandboxError):
            worker = self._start(LIGHT, None)
        with self._lock:
            if worker is not None and not self.closed and self._spare is None:
                self._spare, worker = worker, None
        if worker is not None:
            worker.close()

    def close(self) -> None:
        """Kills all agents, those that are judging too. Idempotent."""
        with self._lock:
            self.closed = True
            starting, spare, self._spare = self._spare_starts, self._spare, None
        self._free.put(None)
        if spare is not None:
            spare.close()
        for slot in self._slots:
            for worker in list(slot.workers.values()):
                worker.close()
        if starting is not None and starting is not threading.current_thread():
            starting.join()

    def forget(self) -> None:
        """Lets go of everything without killing it: in a forked copy of the process that owns it."""
        self.closed = True
        for slot in self._slots:
            for worker in slot.workers.values():
                worker.forget()
        if self._spare is not None:
            self._spare.forget()


def allowed_cpus() -> list[int]:
    """The CPUs this process may run on."""
    return sorted(os.sched_getaffinity(0))
