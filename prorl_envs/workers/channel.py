"""One worker as the dispatcher sees it: what it has in hand, and the bytes on their way to and from it."""

from __future__ import annotations

import json
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from prorl_envs.core import Verdict
from prorl_envs.workers import wire

__all__ = ["Channel", "Item"]

_RECV_BYTES = 1 << 17


@dataclass(eq=False)
class Item:
    """One response to judge.

    Attributes:
        done: called with the verdict, once, on the dispatcher thread.
        wanted: whether anybody still waits for it.
        attempts: how many workers were lost on it.
        settled: it has its verdict.
    """

    domain: str
    task_json: bytes
    response: str
    done: Callable[[Verdict], None]
    wanted: Callable[[], bool]
    attempts: int = 0
    settled: bool = False

    def settle(self, verdict: Verdict) -> None:
        """Answers the item; a second verdict on it (it was given to two workers) is the same and is dropped."""
        if not self.settled:
            self.settled = True
            self.done(verdict)


@dataclass(eq=False)
class Channel:
    """A worker process and its socket.

    Attributes:
        inflight: the items sent, the one in hand first.
        since: when the one in hand was begun (monotonic seconds).
    """

    pid: int
    sock: socket.socket
    generation: int
    inflight: deque[Item] = field(default_factory=deque)
    since: float = 0.0
    _outgoing: bytearray = field(default_factory=bytearray)
    _incoming: bytearray = field(default_factory=bytearray)

    def push(self, item: Item) -> None:
        """Puts an item on its way; `flush` sends it."""
        if not self.inflight:
            self.since = time.monotonic()
        self.inflight.append(item)
        self._outgoing += wire.item_frame(item.task_json, item.response)

    def flush(self) -> bool:
        """Sends what the socket takes. Returns whether more is left."""
        try:
            sent = self.sock.send(self._outgoing) if self._outgoing else 0
        except BlockingIOError:
            return True
        except OSError:
            return False  # `pull` reports the loss
        del self._outgoing[:sent]
        return bool(self._outgoing)

    def pull(self) -> bool:
        """Settles the items whose verdicts have come. Returns False when the worker is gone."""
        try:
            data = self.sock.recv(_RECV_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._incoming += data
        for verdict in self._complete():
            self.inflight.popleft().settle(Verdict.from_dict(verdict))
            self.since = time.monotonic()
        return bool(data)

    def _complete(self) -> list[dict[str, Any]]:
        verdicts: list[dict[str, Any]] = []
        start, header = 0, wire.REPLY.size
        while len(self._incoming) >= start + header:
            (size,) = wire.REPLY.unpack_from(self._incoming, start)
            end = start + header + size
            if len(self._incoming) < end:
                break
            verdicts.append(json.loads(self._incoming[start + header : end]))
            start = end
        del self._incoming[:start]
        return verdicts
