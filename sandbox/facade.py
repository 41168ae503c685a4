"""`Sandbox`: judges programs. The one object most callers need."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from sandbox import load, planning
from sandbox.docker_backend import DockerLauncher
from sandbox.errors import ClosedError, InvalidProgramError, RequirementError, SandboxError
from sandbox.exchange import Run
from sandbox.judge import Judged
from sandbox.languages import Languages
from sandbox.launch import Launcher
from sandbox.pool import Pool, Slot, allowed_cpus
from sandbox.protocol import Level, Program, ProgramResult, ProgramStatus, TestResult, TestStatus

__all__ = ["Sandbox", "Stats"]

log = logging.getLogger("sandbox")

_live: weakref.WeakSet[Sandbox] = weakref.WeakSet()


@dataclass
class Stats:
    """Counts since a Sandbox was made: programs judged, workers lost, timeouts retried on a starved host."""

    programs: int = 0
    workers_lost: int = 0
    starved_retries: int = 0


class Sandbox:
    """Judges programs, one worker per CPU. Safe to use from threads, asyncio and forked processes.

    Args:
        require: the weakest level that will do. The strongest one that this machine reaches is used.
        level: exactly this level, instead of the strongest.
        allow_unsafe: must be True for the level "unsafe".
        workers: how many programs at a time; at most one per allowed CPU, which is the default.
        backend: "embedded" (processes of this machine) or "docker" (containers, through a daemon).
        python: the interpreter that runs Python programs.
        languages: YAML files of further languages; see `sandbox.languages`.

    Raises:
        RequirementError: the level is not reached; the message says what is missing.
    """

    def __init__(
        self,
        require: str | Level = Level.CONFINED,
        *,
        level: str | Level | None = None,
        allow_unsafe: bool = False,
        workers: int | None = None,
        backend: Literal["embedded", "docker"] = "embedded",
        python: str = sys.executable,
        languages: Iterable[str | Path] = (),
    ) -> None:
        wanted = Level.of(require) if level is None else Level.of(level)
        if wanted is Level.UNSAFE and not allow_unsafe:
            raise RequirementError("the level 'unsafe' holds nothing: it needs allow_unsafe=True")
        if level is not None and wanted is Level.DOCKER:
            backend = "docker"
        if backend == "docker" and wanted > Level.DOCKER:
            raise RequirementError(
                f"the docker backend reaches the level 'docker', not {wanted.label!r}: say require='docker'"
            )
        if workers is not None and workers < 1:
            raise InvalidProgramError(f"workers must be at least 1, not {workers!r}")
        self._languages = Languages(languages)
        self._cpus: list[int | None] = list(allowed_cpus()[:workers])
        self._tools_here = backend == "embedded"
        self._launcher = (
            DockerLauncher(len(self._cpus))
            if backend == "docker"
            else Launcher(wanted, exact=level is not None, python=python)
        )
        self._lock = threading.Lock()
        self._closed = False
        self.stats = Stats()
        self._pool: Pool | None = None
        self._start_pool()
        _live.add(self)

    @property
    def level(self) -> Level:
        """How strongly programs are held."""
        return self._launcher.level

    @property
    def report(self) -> dict[str, str]:
        """Each layer, and "on" or why it is off."""
        return dict(self._launcher.report)

    @property
    def workers(self) -> int:
        """How many programs run at a time."""
        return len(self._cpus)

    def run(self, program: Program) -> ProgramResult:
        """Judges one program; waits for a free worker.

        Raises:
            InvalidProgramError, UnknownLanguageError, ToolchainError: it cannot be judged as it stands.
            ClosedError: after `close()`.
        """
        queued = time.monotonic()
        plan = planning.plan(program, self._languages, tools_here=self._tools_here)
        pool = self._start_pool()
        self._count("programs")
        with pool.slot() as slot:
            waited = time.monotonic() - queued
            result, starved = self._judge(pool, slot, program, plan)
        if starved:
            self._count("starved_retries")
            with pool.alone() as slot:
                result, _ = self._judge(pool, slot, program, plan)
        timings = {**result.timings, "queue": waited, "starved_retries": float(starved)}
        return replace(result, timings=timings)

    def run_many(self, programs: Iterable[Program]) -> list[ProgramResult]:
        """Judges programs, as many at a time as there are workers; results in order. Raises as `run` does."""
        listed: Sequence[Program] = list(programs)
        if not listed:
            return []
        with ThreadPoolExecutor(min(len(listed), self.workers), "sandbox") as threads:
            return list(threads.map(self.run, listed))

    async def arun_many(self, programs: Iterable[Program]) -> list[ProgramResult]:
        """`run_many` for asyncio: the loop goes on meanwhile."""
        return await asyncio.to_thread(self.run_many, list(programs))

    def close(self) -> None:
        """Kills all workers and all they hold. Programs being judged end as infrastructure errors. Idempotent."""
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()
        self._launcher.close()
        _live.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start_pool(self) -> Pool:
        with self._lock:
            if self._closed:
                raise ClosedError("this Sandbox is closed")
            if self._pool is None:
                self._pool = Pool(self._cpus, self._launcher.start)
                self._pool.adopt(self._launcher.first())
                self._finalizer = weakref.finalize(self, _end, self._pool, self._launcher)
            return self._pool

    def _judge(
        self, pool: Pool, slot: Slot, program: Program, plan: planning.Plan
    ) -> tuple[ProgramResult, bool]:
        """One judging, and whether its timeout must be blamed on a starved host."""
        meter = load.Meter()
        started = time.monotonic()
        try:
            result = self._attempt(pool, slot, program, plan)
        except SandboxError as error:
            log.warning("a program could not be judged: %s", error)
            result = self._failure(str(error))
        wall = time.monotonic() - started
        timed_out = result.status is ProgramStatus.TIMEOUT
        starved = timed_out and meter.starved(wall, sum(test.cpu_s for test in result.tests))
        timings = {**result.timings, "wall": wall, "cpu": sum(test.cpu_s for test in result.tests)}
        return replace(result, timings=timings), starved

    def _attempt(self, pool: Pool, slot: Slot, program: Program, plan: planning.Plan) -> ProgramResult:
        judged = plan.judged
        total = program.limits.total_s
        run = self._run(pool, slot, plan, judged, total)
        if _blames_us(run):
            # Once may be our own misfortune; a program that does it twice to fresh workers did it.
            run = self._run(pool, slot, plan, judged, total)
        weaker = plan.weaker(run, program)
        if weaker is not None:
            plan = weaker
            run = self._run(pool, slot, plan, plan.judged, total)
        result = plan.conclude(run, self.level)
        if result.status is ProgramStatus.OK and program.isolation == "program" and not result.passed:
            return self._rerun_failed(pool, slot, program, plan, result)
        return result

    def _rerun_failed(
        self, pool: Pool, slot: Slot, program: Program, plan: planning.Plan, first: ProgramResult
    ) -> ProgramResult:
        """Runs the failed tests of a shared process again, each in a fresh one, in the time that is left."""
        left = program.limits.total_s - first.timings.get("agent", 0.0)
        failed = [i for i, test in enumerate(first.tests) if not test.passed]
        if left <= 0:
            return replace(first, status=ProgramStatus.TIMEOUT, fraction=0.0)
        again = replace(plan, judged=plan.judged.only(failed, left))
        second = again.conclude(self._run(pool, slot, again, again.judged, left), self.level)
        if second.status is not ProgramStatus.OK:
            return replace(second, tests=first.tests)
        merged: list[TestResult] = list(first.tests)
        for index, test in zip(failed, second.tests, strict=True):
            merged[index] = test
        passed = sum(test.status is TestStatus.PASS for test in merged)
        return replace(second, tests=tuple(merged), fraction=passed / len(merged))

    def _run(self, pool: Pool, slot: Slot, plan: planning.Plan, judged: Judged, total: float) -> Run:
        worker = pool.worker(slot, plan.flavour)
        run = worker.run(judged.job, total, judged.output_cap)
        if not worker.alive:
            self._count("workers_lost")
        return run

    def _count(self, what: str) -> None:
        with self._lock:
            setattr(self.stats, what, getattr(self.stats, what) + 1)

    def _failure(self, reason: str) -> ProgramResult:
        return ProgramResult(ProgramStatus.INFRA_ERROR, None, (), self.level, detail=reason)

    def _forget(self) -> None:
        """In a forked child: the parent's workers are not ours; the first use starts our own."""
        pool, self._pool = self._pool, None
        self._lock = threading.Lock()
        if pool is not None:
            pool.forget()
            self._finalizer.detach()
        self._launcher.forget()


def _end(pool: Pool, launcher: Launcher | DockerLauncher) -> None:
    pool.close()
    launcher.close()


def _blames_us(run: Run) -> bool:
    """The agent was lost: not for the time it took, nor did the program's process die of compiling."""
    return run.ending is None and not run.late and (run.died is None or run.compiled_s is not None)


def _forget_all() -> None:
    for sandbox in list(_live):
        sandbox._forget()


os.register_at_fork(after_in_child=_forget_all)
