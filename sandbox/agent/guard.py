"""What holds a program: builds the layers once, and adds what each program and each test process needs."""

from __future__ import annotations

import os
import resource
from typing import Any

from sandbox.agent import kernel

__all__ = ["Guard"]


class Guard:
    """The layers around programs, as the settings ask for them.

    Attributes:
        report: layer -> "on", or why it is off. Sent to the judge, which decides.
        watched: descriptors that become readable when the agent has to leave.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.report: dict[str, str] = {}
        self.watched: list[int] = []

    def build(self) -> None:
        """Builds every layer the settings ask for."""
        host = self.settings.get("host_pid")
        if host:
            self.watched.append(os.pidfd_open(host))
        os.makedirs(self.settings["scratch"], exist_ok=True)  # noqa: PTH103
        os.chdir(self.settings["scratch"])

    def limit(self, limits: dict[str, Any]) -> None:
        """In a program process: its resource limits, inherited by its tests."""
        for which, value in (
            (resource.RLIMIT_AS, limits["memory_bytes"] + (512 << 20)),
            (resource.RLIMIT_FSIZE, limits["output_bytes"] + 1),
            (resource.RLIMIT_CPU, int(limits["total_s"]) + 2),
        ):
            hard = resource.getrlimit(which)[1]
            wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(which, (wanted, wanted))

    def enter_test(self) -> None:
        """In a test process, last before the candidate's code."""
        kernel.die_with_parent()

    def after_test(self) -> None:
        """In a program process: removes what a test left."""

    def after_program(self) -> None:
        """In the zygote: removes what a program left."""
