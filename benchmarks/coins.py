"""Problems whose share of dead groups is known beforehand, for measuring speed alone.

A *coin* is decided by the parity of the characters of a response, so that half of a group is right; a *gift* is
always right and a *wall* never. A fourth of the problems are gifts and a fourth walls, as a mixture in which half
of the prompts are solved already or out of reach. Judging takes `seconds` of waiting, as a sandbox or a server would.

Importing this module registers ``speed/Coins-v0`` (half of the groups are dead) and ``speed/Slow-v0`` (coins alone,
judged slowly).
"""

from __future__ import annotations

import random
import time
from types import MappingProxyType
from typing import ClassVar

from prorl_envs.core import Task, Verdict
from prorl_envs.errors import TaskError
from prorl_envs.extract import Section
from prorl_envs.registry import EnvironmentSpec, register_environment
from prorl_envs.verifiers.base import BaseVerifier

__all__ = ["DOMAIN", "CoinVerifier", "coin_tasks"]

DOMAIN = "coins"
KINDS = ("coin", "coin", "gift", "wall")


class CoinVerifier(BaseVerifier):
    """Right by the parity of the response, always, or never, after waiting."""

    domain: ClassVar[str] = DOMAIN

    def judge(self, section: Section, task: Task) -> Verdict:
        """Waits and decides."""
        time.sleep(task.truth["seconds"])
        even = sum(map(ord, section.text)) % 2 == 0
        return Verdict.binary({"coin": even, "gift": True, "wall": False}[task.truth["kind"]])

    def check(self, task: Task) -> None:
        """Raises `TaskError` unless the kind is known."""
        if task.truth.get("kind") not in KINDS:
            raise TaskError(f"truth.kind is one of {', '.join(sorted(set(KINDS)))}")


def coin_tasks(count: int, kinds: tuple[str, ...], *, seconds: float) -> list[Task]:
    """`count` problems of `kinds` in turn, with prompts of 24 random letters."""
    rng = random.Random(f"coins:{count}")
    return [
        Task(
            domain=DOMAIN,
            prompt="".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=24)),
            truth={"kind": kinds[index % len(kinds)], "seconds": seconds},
            source="coins",
        )
        for index in range(count)
    ]


def _register(name: str, kinds: tuple[str, ...], seconds: float) -> None:
    register_environment(
        EnvironmentSpec(
            f"speed/{name}-v0",
            domain=DOMAIN,
            kind="binary",
            verifier="benchmarks.coins:CoinVerifier",
            description="verdicts by parity, for measuring speed",
            options=MappingProxyType({"tasks": coin_tasks(2000, kinds, seconds=seconds)}),
        )
    )


_register("Coins", KINDS, 0.0)
_register("Slow", ("coin",), 0.01)
