"""Which levels this machine reaches, and why not the others: for ``prorl doctor`` and bug reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.errors import SandboxError
from sandbox.facade import Sandbox
from sandbox.protocol import Level

__all__ = ["LevelReport", "survey"]


@dataclass(frozen=True)
class LevelReport:
    """One level on this machine.

    Attributes:
        level: which.
        reached: whether a worker could be started behind its layers.
        layers: each layer, and "on" or why it is off.
        why: if it is not reached, what was tried and why it failed.
    """

    level: Level
    reached: bool
    layers: Mapping[str, str] = field(default_factory=dict)
    why: str = ""


def survey(*, docker: bool = True) -> list[LevelReport]:
    """Tries each level, the strongest first, by starting a worker; takes about a second.

    Args:
        docker: try the Docker backend too.
    """
    levels = [Level.FULL, Level.NS, Level.CONFINED, *([Level.DOCKER] if docker else [])]
    return [_try(level) for level in levels]


def _try(level: Level) -> LevelReport:
    try:
        if level is Level.DOCKER:
            made = Sandbox(require=level, backend="docker", workers=1)
        else:
            made = Sandbox(level=level, workers=1)
    except SandboxError as error:
        return LevelReport(level, False, why=str(error))
    with made:
        return LevelReport(level, True, made.report)
