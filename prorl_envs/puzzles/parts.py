"""Parts of puzzle sets: a run of items of one puzzle, in a file of its own, made by a pool of child processes."""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from prorl_envs.errors import InfrastructureError, ProrlError
from prorl_envs.puzzles.isolation import GeneratorChild

__all__ = ["Part", "make_parts", "read_part"]

SLOW: tuple[str, ...] = (
    "knight_swap",
    "puzzle24",
    "zebra_puzzles",
    "futoshiki",
    "intermediate_integration",
    "rubiks_cube",
    "game_of_life",
    "sokoban",
)
"""The puzzles with the slowest generators, slowest first: begun first, so that the end is not left to one core."""


class Part(NamedTuple):
    """Items `start` to `stop` of the set of `size` of a puzzle under a seed."""

    task: str
    size: int
    seed: int
    start: int
    stop: int

    def path(self, folder: Path) -> Path:
        """Its file in a folder of parts; the version of Reasoning Gym is part of the path."""
        where = folder / f"reasoning-gym-{version('reasoning-gym')}" / f"{self.seed}-{self.size}" / self.task
        return where / f"{self.start:06d}-{self.stop:06d}.jsonl"


def read_part(part: Part, folder: Path) -> Iterator[dict[str, Any]]:
    """The items of a part that is made."""
    with part.path(folder).open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def make_parts(
    parts: Sequence[Part], folder: Path, *, workers: int, progress: Callable[[int, int], None] | None = None
) -> None:
    """Makes the parts that are missing.

    Raises:
        InfrastructureError: some could not be made; names them, after all others are made.
    """
    missing = [part for part in parts if not part.path(folder).exists()]
    planned = sum(part.stop - part.start for part in parts)
    made = planned - sum(part.stop - part.start for part in missing)
    if progress:
        progress(made, planned)
    pool = _Pool(sorted(missing, key=_urgency), folder, min(workers, len(missing)))
    failures: list[str] = []
    for part, problem in pool.results():
        if problem:
            failures.append(problem)
            continue
        made += part.stop - part.start
        if progress:
            progress(made, planned)
    if failures:
        raise InfrastructureError(f"{len(failures)} parts could not be made: {'; '.join(failures[:5])}")


def _urgency(part: Part) -> int:
    return SLOW.index(part.task) if part.task in SLOW else len(SLOW)


class _Pool:
    """Threads that each drive one child process through the parts."""

    def __init__(self, parts: Sequence[Part], folder: Path, workers: int) -> None:
        self._folder, self._count, self._workers = folder, len(parts), workers
        self._todo: queue.SimpleQueue[Part] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[Part, str]] = queue.SimpleQueue()
        self._stopped = threading.Event()
        for part in parts:
            self._todo.put(part)

    def results(self) -> Iterator[tuple[Part, str]]:
        """Each part as it ends, with its problem ("" when it is made)."""
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self._workers)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(self._count):
                yield self._done.get()
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()

    def _work(self) -> None:
        child: GeneratorChild | None = None
        while not self._stopped.is_set():
            try:
                part = self._todo.get_nowait()
            except queue.Empty:
                break
            child = child or GeneratorChild()
            try:
                self._make(part, child)
                self._done.put((part, ""))
            except (ProrlError, OSError) as error:
                self._done.put((part, f"{part.task} {part.start}-{part.stop}: {error}"))
                child.close()
                child = None
        if child:
            child.close()

    def _make(self, part: Part, child: GeneratorChild) -> None:
        path = part.path(self._folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.partial")
        items = child.entries(part.task, size=part.size, seed=part.seed, start=part.start, stop=part.stop)
        try:
            with partial.open("w", encoding="utf-8") as file:
                for entry in items:
                    if self._stopped.is_set():
                        raise InfrastructureError("the build was stopped")
                    file.write(json.dumps(entry, sort_keys=True) + "\n")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
