"""Starts agents: finds the strongest level this machine reaches, once, and holds every worker to it."""

from __future__ import annotations

import logging
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.agent.cgroup import remove_left
from sandbox.agent.supervisor import remove_scratch
from sandbox.errors import InfrastructureError, RequirementError
from sandbox.imports import PRELOADED
from sandbox.pool import LIGHT, NUMPY, OWN_BYTES, TOOLS
from sandbox.protocol import MIB, Level
from sandbox.reach import Interpreter, reach
from sandbox.worker import Worker

__all__ = ["Launcher"]

log = logging.getLogger("sandbox")

_SCRATCH_BYTES = 64 * MIB
_FILES_PER_TEST = 64
_STACK_BYTES = 256 * MIB
_CGROUP_MEMORY = 4096 * MIB
_CGROUP_TASKS = 512
_UIDS = (20_000, 60_000)
"""Throw-away users: numbers that nothing owns, and that containers with mapped users have too."""

_AGENT_LEVEL: Mapping[Level, str] = {
    Level.FULL: "ns",
    Level.NS: "ns",
    Level.CONFINED: "confined",
    Level.UNSAFE: "unsafe",
}


class Launcher:
    """Starts agents of one level.

    Args:
        wanted: the weakest level that will do.
        exact: take just that level.
        python: the interpreter.

    Raises:
        RequirementError: the level is not reached; lists what was tried and why it failed.
    """

    def __init__(self, wanted: Level, *, exact: bool, python: str) -> None:
        self._python = python
        self._interpreter = Interpreter.of(python)
        self._first: Worker | None = None
        self._started: list[tuple[int, dict[str, Any]]] = []
        self.level = wanted
        self.report: dict[str, str] = {}
        self._settle(wanted, exact)

    def _settle(self, wanted: Level, exact: bool) -> None:
        """Tries levels from the strongest down, by starting an agent at each."""
        refusals = []
        for level in (Level.FULL, Level.CONFINED, Level.UNSAFE):
            if exact and _AGENT_LEVEL[level] != _AGENT_LEVEL[wanted]:
                continue
            if level < wanted and level is not Level.FULL:
                break
            self.level = Level.NS if exact and wanted is Level.NS else level
            try:
                worker = self.start(LIGHT, None)
            except InfrastructureError as error:
                refusals.append(f"{_AGENT_LEVEL[level]}: {_last_line(error)}")
                continue
            if self.level is Level.FULL and worker.report.get("cgroup") != "on":
                self.level = Level.NS
            self.report, self._first = worker.report, worker
            if self.level < wanted:
                worker.close()
                refusals.append(f"full: cgroup {worker.report.get('cgroup')}")
                break
            log.info("sandbox level %s: %s", self.level.label, self.report)
            if self.level is Level.UNSAFE:
                log.warning("programs run at level 'unsafe': nothing holds them")
            return
        raise RequirementError(
            f"this machine does not reach the sandbox level {wanted.label!r}: {'; '.join(refusals)}"
        )

    def first(self) -> Worker:
        """The agent that proved the level, or another."""
        worker, self._first = self._first, None
        return worker if worker is not None and worker.alive else self.start(LIGHT, None)

    def start(self, flavour: str, cpu: int | None) -> Worker:
        """A ready agent of `flavour`, pinned to `cpu`.

        Raises:
            InfrastructureError: it cannot re-establish the level's layers.
        """
        settings = {**self._settings(flavour), "cpu": cpu}
        worker = Worker.start(settings, self._python)
        self._started.append((worker.pid, settings))
        worker.wait_ready()
        worker.cpu = cpu
        if self.level is Level.FULL and self.report and worker.report.get("cgroup") != "on":
            worker.close()
            raise InfrastructureError(f"the control group is gone: {worker.report.get('cgroup')}")
        return worker

    def _settings(self, flavour: str) -> dict[str, Any]:
        interpreter = self._interpreter
        paths = [*interpreter.paths, *([interpreter.numpy] if interpreter.numpy else [])]
        cgroup = {
            "name": f"prorl-sandbox-{os.getpid()}-{secrets.token_hex(4)}",
            "memory": _CGROUP_MEMORY,
            "tasks": _CGROUP_TASKS,
        }
        return {
            "level": _AGENT_LEVEL[self.level],
            "uid": _UIDS[0] + secrets.randbelow(_UIDS[1] - _UIDS[0]),
            "reach": reach(interpreter, toolchains=flavour == TOOLS).settings(),
            "scratch": "",
            "tmp": tempfile.gettempdir(),
            "scratch_bytes": _SCRATCH_BYTES,
            "count_files": _FILES_PER_TEST if self.level is Level.CONFINED else 0,
            "cgroup": cgroup if self.level is Level.FULL else None,
            "own_bytes": OWN_BYTES[flavour],
            "stack_bytes": _STACK_BYTES,
            "paths": paths,
            "packages": ["numpy"] if interpreter.numpy else [],
            "preload": [*PRELOADED, *(["numpy"] if flavour == NUMPY and interpreter.numpy else [])],
        }

    def close(self) -> None:
        """Ends the agent that was never used, and removes what agents left whose supervisor was killed, all
        agents having ended. Idempotent."""
        if self._first is not None:
            self._first.close()
            self._first = None
        for pid, settings in self._started:
            if settings["cgroup"]:
                remove_left(settings["cgroup"]["name"])
            for folder in Path(settings["tmp"]).glob(f"prorl-sandbox-{pid}-*"):
                remove_scratch(str(folder))
        self._started = []

    def forget(self) -> None:
        """In a forked child: the agent of the parent is not ours."""
        if self._first is not None:
            self._first.forget()
            self._first = None
        self._started = []


def _last_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
