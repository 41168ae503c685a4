"""Makes puzzles in a child process: with a fixed hash order, and so that a stuck generator can be killed.

Five upstream generators iterate over sets of strings, so their items change with PYTHONHASHSEED; a few others
search for many seconds. A child is started with PYTHONHASHSEED=0, keeps its imports between requests, and is
killed when a single item outlasts its deadline. One generator (codeio) runs programs that write files: a child's
current folder is a scratch one.

The protocol is one JSON text per line. In: a request (the arguments of `entries`). Out: one ``{"entry": ...}``
per item, then ``{"end": true}`` or ``{"error": ..., "kind": ...}``.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from prorl_envs.errors import ConfigError, InfrastructureError
from prorl_envs.puzzles.entries import entries

__all__ = ["ITEM_DEADLINE_S", "GeneratorChild", "entries_in_child", "hash_order_is_fixed"]

ITEM_DEADLINE_S = 600.0
"""The longest one item may take. Upstream's slowest measured: 14 s (knight_swap)."""


def hash_order_is_fixed() -> bool:
    """Whether this process runs with PYTHONHASHSEED=0."""
    return sys.flags.hash_randomization == 0


def entries_in_child(
    task: str,
    *,
    size: int,
    seed: int,
    config: Mapping[str, Any] | None = None,
    start: int = 0,
    stop: int | None = None,
) -> Iterator[dict[str, Any]]:
    """`entries`, in a child of its own.

    Raises:
        ConfigError: the settings are refused.
        InfrastructureError: the child died or an item outlasted its deadline.
    """
    with GeneratorChild() as child:
        yield from child.entries(task, size=size, seed=seed, config=config, start=start, stop=stop)


class GeneratorChild:
    """A child process that makes items on request. Use as a context manager."""

    def __init__(self, deadline_s: float = ITEM_DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
        self._scratch = tempfile.TemporaryDirectory(prefix="prorl-puzzles-")
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from prorl_envs.puzzles import isolation; isolation.main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": path},
            cwd=self._scratch.name,
        )

    def entries(
        self,
        task: str,
        *,
        size: int,
        seed: int,
        config: Mapping[str, Any] | None = None,
        start: int = 0,
        stop: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """See `entries_in_child`. A request must be read to its end before the next."""
        request = {
            "task": task,
            "size": size,
            "seed": seed,
            "config": dict(config or {}),
            "start": start,
            "stop": stop,
        }
        self._send(json.dumps(request))
        while "end" not in (reply := self._receive(f"puzzle {task!r}, seed {seed}, from item {start}")):
            if "error" in reply:
                raise (ConfigError if reply["kind"] == "config" else InfrastructureError)(reply["error"])
            yield reply["entry"]

    def close(self) -> None:
        """Ends the child, whatever it is doing."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # an unsent request is of no use to a killed child
                    pipe.close()
        self._process.wait()
        self._scratch.cleanup()

    def __enter__(self) -> GeneratorChild:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):  # ValueError: the pipe was closed
            raise InfrastructureError("the puzzle generator's process is gone") from None

    def _receive(self, what: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        timer = threading.Timer(self._deadline_s, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            line = self._process.stdout.readline()
        except ValueError:  # the pipe was closed
            line = ""
        finally:
            timer.cancel()
        if not line.endswith("\n"):
            raise InfrastructureError(
                f"{what}: the generator died or outlasted {self._deadline_s:g} s for one item"
            )
        reply: dict[str, Any] = json.loads(line)
        return reply


def serve(requests: TextIO, replies: TextIO) -> None:
    """Answers requests until the input ends."""

    def reply(message: Mapping[str, Any]) -> None:
        replies.write(json.dumps(message) + "\n")
        replies.flush()

    for line in requests:
        try:
            for entry in entries(**json.loads(line)):
                reply({"entry": entry})
        except ConfigError as error:
            reply({"error": str(error), "kind": "config"})
        except Exception as error:  # noqa: BLE001  # the boundary: upstream generators may raise anything
            reply({"error": f"{line.strip()}: {type(error).__name__}: {error}", "kind": "generator"})
        else:
            reply({"end": True})


def main() -> None:
    """The child's whole life."""
    out, sys.stdout = sys.stdout, sys.stderr  # an upstream print must not break the protocol
    serve(sys.stdin, out)
