"""What is asked of a worker, a `Job`, and what it said, a `Run`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sandbox.agent.wire import JOB, LENGTH

__all__ = ["Job", "Record", "Run"]


class Record(NamedTuple):
    """One message of an agent: see `sandbox.agent.wire.RECORD`."""

    kind: int
    test: int
    status: int
    wall_us: int
    cpu_us: int
    rss_kb: int
    out: bytes
    err: bytes


@dataclass(frozen=True)
class Job:
    """One job for an agent: the header's fields, the source, one input per test."""

    header: Mapping[str, Any]
    source: bytes
    inputs: Sequence[bytes]

    def parts(self, cpu: int | None) -> list[bytes]:
        """The job as it goes over the wire, to run on `cpu`."""
        body = [self.source]
        for data in self.inputs:
            body += [LENGTH.pack(len(data)), data]
        header = {
            **self.header,
            "count": len(self.inputs),
            "source": len(self.source),
            "payload": sum(map(len, body)),
            "cpu": cpu,
        }
        limits = self.header["limits"]
        # All inputs are in one file where the tests share a process.
        together = self.header.get("isolation") == "program"
        largest = sum(map(len, body)) if together else max(map(len, self.inputs), default=0)
        header["limits"] = {**limits, "file_bytes": max(limits["file_bytes"], largest)}
        text = json.dumps(header).encode()
        return [JOB.pack(len(text)) + text, *body]


@dataclass
class Run:
    """What an agent said about one job.

    Attributes:
        ending: why it ended, one of `sandbox.agent.wire.Ending`; ``None`` when the agent was lost or killed first.
        records: of the tests that ended, by index.
        compiled_s: how long compiling took; ``None`` when the program never compiled.
        died: the wait status of a lost program process, if it was lost.
        late: the worker was killed for the time it took.
        ended_s: how long the whole job took, by the agent's clock.
        detail: the compiler's message, or what was wrong.
    """

    ending: int | None = None
    records: dict[int, Record] = field(default_factory=dict)
    compiled_s: float | None = None
    died: int | None = None
    late: bool = False
    ended_s: float = 0.0
    detail: str = ""
