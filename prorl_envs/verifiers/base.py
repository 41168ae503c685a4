"""What all verifiers share: the frame around judging, so that each module holds only its domain's rules."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from prorl_envs.core import Kind, Status, Task, Verdict
from prorl_envs.errors import TaskError
from prorl_envs.extract import Section, answer_section

__all__ = ["BaseVerifier"]


class BaseVerifier(ABC):
    """Implements `prorl_envs.core.Verifier`; a domain adds `judge` and `check`.

    Constructor options of a subclass must be JSON-safe keyword arguments: they travel to worker processes.

    Attributes:
        server_s: how long it may wait for a server it asks, in seconds, below the Scorer's deadline; 0 if it asks
            none, and its workers then have no network.
        environment: names of environment variables that its workers keep, such as that of a key for the server.
    """

    domain: ClassVar[str]
    kind: ClassVar[Kind] = "binary"
    part_names: ClassVar[tuple[str, ...]] = ("correct",)
    isolated: ClassVar[bool] = False
    server_s: float = 0.0
    environment: tuple[str, ...] = ()

    def verify(self, response: str, task: Task) -> Verdict:
        """The verdict on `response`: truncated reasoning is answered here, the rest by `judge`.

        Raises:
            TaskError: when the task is of another domain or its truth is malformed.
        """
        if task.domain != self.domain:
            raise TaskError(f"task {task.id} is of domain {task.domain!r}, not {self.domain!r}")
        self.check(task)
        section = answer_section(response)
        if section.truncated:
            return self.complete(Verdict.bad(Status.TRUNCATED, detail="<think> is never closed"))
        return self.complete(self.judge(section, task))

    @abstractmethod
    def judge(self, section: Section, task: Task) -> Verdict:
        """The domain's rules, on what follows the reasoning. Never raises on any text."""

    @abstractmethod
    def check(self, task: Task) -> None:
        """Raises `TaskError`, naming the field, when `task` cannot be judged. Cheap."""

    def prepare(self) -> None:
        """Imports and warms up what `judge` needs. Nothing, unless a domain says otherwise."""
        return

    def complete(self, verdict: Verdict) -> Verdict:
        """`verdict` with every name of `part_names` present; "correct" is the strict binary view."""
        known: Mapping[str, float] = {"correct": float(bool(verdict.correct)), **verdict.parts}
        parts = {name: known.get(name, 0.0) for name in self.part_names}
        return Verdict(verdict.reward, verdict.status, verdict.correct, parts, verdict.detail)
