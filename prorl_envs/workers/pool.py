"""The dispatcher: one thread that feeds items to workers, enforces deadlines and replaces the dead.

Every item has an outcome: its verdict; ``timeout`` when it passed its deadline (its worker is killed, the items
queued behind it move to others); ``failed`` when its worker was lost twice or no worker can be had.

Bound: with n items, w workers and deadline d, the last verdict comes within ceil(n / w) * d plus the cost of
replacing workers. One item is sent ahead to a busy worker only while at least w more are waiting, so that the
end of a batch is spread over all workers.
"""

from __future__ import annotations

import contextlib
import json
import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prorl_envs.core import Status, Verdict
from prorl_envs.errors import ScorerClosedError
from prorl_envs.verifiers import VerifierSpec
from prorl_envs.workers import wire
from prorl_envs.workers.nursery import Nursery, NurseryLostError

__all__ = ["Item", "Pool"]

_log = logging.getLogger(__name__)
_PIPELINE = 2
_MAX_ATTEMPTS = 2
_RECV_BYTES = 1 << 16


@dataclass(eq=False)
class Item:
    """One response to judge; `done` is called with its verdict, once, on the dispatcher thread."""

    domain: str
    task_json: bytes
    response: str
    done: Callable[[Verdict], None]
    wanted: Callable[[], bool]
    attempts: int = 0


@dataclass(eq=False)
class _Worker:
    pid: int
    sock: socket.socket
    generation: int
    inflight: deque[tuple[int, Item]] = field(default_factory=deque)
    outgoing: bytearray = field(default_factory=bytearray)
    incoming: bytearray = field(default_factory=bytearray)
    deadline: float = 0.0


class Pool:
    """Workers, their queue and the thread that serves both. Started by the first `submit`."""

    def __init__(
        self,
        specs: Mapping[str, VerifierSpec],
        *,
        workers: int,
        deadline_s: float,
        memory_bytes: int,
        boot_timeout_s: float,
    ) -> None:
        self._specs, self._size, self._deadline_s = specs, workers, deadline_s
        self._memory_bytes, self._boot_timeout_s = memory_bytes, boot_timeout_s
        self._lock = threading.Lock()
        self._queue: deque[Item] = deque()
        self._asked: set[str] = set()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._wake_r, self._wake_w = socket.socketpair()
        self._wake_r.setblocking(False)
        self._wake_w.setblocking(False)
        # Below: the dispatcher thread's own.
        self._nursery: Nursery | None = None
        self._ready: set[str] = set()
        self._broken: dict[str, str] = {}
        self._generation = 0
        self._sequence = 0
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake_r, selectors.EVENT_READ)

    # --- any thread ---

    def submit(self, items: list[Item]) -> None:
        """Queues items.

        Raises:
            ScorerClosedError: after `close`.
        """
        with self._lock:
            if self._closing:
                raise ScorerClosedError("this Scorer is closed")
            self._queue.extend(items)
            self._asked.update(item.domain for item in items)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="prorl-scorer", daemon=True)
                self._thread.start()
        self._wake()

    def close(self) -> None:
        """Kills all workers; what is still queued is answered ``failed``. Idempotent."""
        with self._lock:
            self._closing = True
            thread, self._thread = self._thread, None
        if thread is not None:
            self._wake()
            thread.join()
        self._release()

    def abandon(self) -> None:
        """In a forked child: closes the copies of the parent's sockets, touches none of its processes."""
        for worker in self._workers:
            worker.sock.close()
        if self._nursery is not None:
            self._nursery.abandon()
        self._release()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._wake_w.send(b"\0")

    def _release(self) -> None:
        self._selector.close()
        self._wake_r.close()
        self._wake_w.close()

    # --- the dispatcher thread ---

    def _run(self) -> None:
        try:
            while not self._closing:
                try:
                    self._feed()
                    self._poll()
                    self._expire()
                except NurseryLostError as error:
                    self._lose_everything(str(error))
        finally:
            self._stop()

    def _stop(self) -> None:
        """Answers everything, whatever ended the loop: nobody may wait for a verdict that cannot come."""
        for worker in list(self._workers):
            self._drop(worker)
            self._fail(worker, "the Scorer was closed")
        with self._lock:
            self._closing = True
            waiting, self._queue = list(self._queue), deque()
        for item in waiting:
            item.done(Verdict.failed("the Scorer was closed"))
        if self._nursery is not None:
            self._nursery.close()

    def _feed(self) -> None:
        """Hands queued items to workers: idle ones first, then one ahead while the queue is long."""
        self._prepare_new_domains()
        while self._queue:
            self._staff()
            target = min(self._fit_workers(), key=lambda worker: len(worker.inflight), default=None)
            if target is None or len(target.inflight) >= _PIPELINE:
                return
            if target.inflight and len(self._queue) <= self._size:
                return
            with self._lock:
                item = self._queue.popleft()
            if item.domain in self._broken:
                item.done(Verdict.failed(self._broken[item.domain]))
            elif item.wanted():
                self._send(target, item)

    def _prepare_new_domains(self) -> None:
        with self._lock:
            missing = self._asked - self._ready - self._broken.keys()
        if not missing:
            return
        errors = self._home().prepare({domain: self._specs[domain] for domain in missing})
        self._broken |= {domain: f"verifier not available: {reason}" for domain, reason in errors.items()}
        self._ready |= missing - errors.keys()
        self._generation += 1

    def _home(self) -> Nursery:
        if self._nursery is None:
            self._nursery = Nursery(self._memory_bytes, self._boot_timeout_s)
        return self._nursery

    def _fit_workers(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.generation == self._generation]

    def _staff(self) -> None:
        """Retires idle workers that lack a domain, and forks up to as many as there is work for."""
        for worker in [w for w in self._workers if w.generation != self._generation and not w.inflight]:
            self._drop(worker)
        busy = sum(1 for worker in self._workers if worker.inflight)
        while len(self._workers) < min(self._size, busy + len(self._queue)):
            pid, sock = self._home().fork()
            worker = _Worker(pid, sock, self._generation)
            self._workers.append(worker)
            self._selector.register(sock, selectors.EVENT_READ, worker)

    def _send(self, worker: _Worker, item: Item) -> None:
        self._sequence += 1
        if not worker.inflight:
            worker.deadline = time.monotonic() + self._deadline_s
        worker.inflight.append((self._sequence, item))
        worker.outgoing += wire.item_frame(self._sequence, item.task_json, item.response)
        self._flush(worker)

    def _flush(self, worker: _Worker) -> None:
        try:
            sent = worker.sock.send(worker.outgoing)
            del worker.outgoing[:sent]
        except BlockingIOError:
            pass
        except OSError:
            return  # the reading side reports the loss
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if worker.outgoing else 0)
        self._selector.modify(worker.sock, events, worker)

    def _poll(self) -> None:
        deadlines = [worker.deadline for worker in self._workers if worker.inflight]
        timeout = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        for key, events in self._selector.select(timeout):
            worker: _Worker | None = key.data
            if worker is None:
                with contextlib.suppress(BlockingIOError):
                    self._wake_r.recv(_RECV_BYTES)
                continue
            if events & selectors.EVENT_WRITE:
                self._flush(worker)
            if events & selectors.EVENT_READ:
                self._receive(worker)

    def _receive(self, worker: _Worker) -> None:
        try:
            data = worker.sock.recv(_RECV_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost(worker)
            return
        worker.incoming += data
        while len(worker.incoming) >= wire.REPLY.size:
            sequence, size = wire.REPLY.unpack_from(worker.incoming)
            if len(worker.incoming) < wire.REPLY.size + size:
                break
            body = bytes(worker.incoming[wire.REPLY.size : wire.REPLY.size + size])
            del worker.incoming[: wire.REPLY.size + size]
            self._settle(worker, sequence, json.loads(body))

    def _settle(self, worker: _Worker, sequence: int, verdict: dict[str, Any]) -> None:
        expected, item = worker.inflight.popleft()
        if expected != sequence:
            raise AssertionError(f"worker answered item {sequence}, not {expected}")
        worker.deadline = time.monotonic() + self._deadline_s
        item.done(Verdict.from_dict(verdict))

    def _expire(self) -> None:
        now = time.monotonic()
        for worker in [w for w in self._workers if w.inflight and w.deadline <= now]:
            head = worker.inflight[0]
            self._receive(worker)  # the answer may lie here already: this thread may have been starved
            if worker not in self._workers or not worker.inflight or worker.inflight[0] is not head:
                continue
            _, item = worker.inflight.popleft()
            self._drop(worker)
            self._requeue(worker)
            detail = f"no verdict within {self._deadline_s:g} s"
            item.done(Verdict.bad(Status.TIMEOUT, detail=detail))

    def _lost(self, worker: _Worker) -> None:
        """A worker died by itself: the item it had in hand is retried once, those behind it move on."""
        self._drop(worker)
        if worker.inflight:
            sequence, item = worker.inflight.popleft()
            item.attempts += 1
            if item.attempts >= _MAX_ATTEMPTS:
                item.done(Verdict.failed(f"the worker was lost {item.attempts} times on this item"))
            else:
                worker.inflight.appendleft((sequence, item))
        _log.warning("a scoring worker was lost")
        self._requeue(worker)

    def _requeue(self, worker: _Worker) -> None:
        with self._lock:
            self._queue.extendleft(item for _, item in reversed(worker.inflight))
        worker.inflight.clear()

    def _fail(self, worker: _Worker, reason: str) -> None:
        for _, item in worker.inflight:
            item.done(Verdict.failed(reason))
        worker.inflight.clear()

    def _drop(self, worker: _Worker) -> None:
        """Forgets a worker and has it killed."""
        self._workers.remove(worker)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(worker.sock)
        worker.sock.close()
        if self._nursery is not None:
            with contextlib.suppress(NurseryLostError):
                self._nursery.kill(worker.pid)

    def _lose_everything(self, reason: str) -> None:
        """The zygote is gone and its workers with it: start over, counting a loss for each item in hand."""
        _log.warning("%s; starting another", reason)
        nursery, self._nursery = self._nursery, None
        if nursery is not None:
            nursery.close()
        self._ready.clear()
        for worker in list(self._workers):
            self._lost(worker)
        with self._lock:
            waiting = list(self._queue)
        for item in waiting:
            item.attempts += 1
        given_up = [item for item in waiting if item.attempts > _MAX_ATTEMPTS]
        with self._lock:
            for item in given_up:
                self._queue.remove(item)
        for item in given_up:
            item.done(Verdict.failed(reason))
