"""Parts of puzzle sets: a run of items of one puzzle, in a file of its own, made by a pool of child processes."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
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
    failures: list[str] = []
    for part, problem in _made(sorted(missing, key=_urgency), folder, workers):
        if problem:
            failures.append(f"{part.task} {part.start}-{part.stop}: {problem}")
            continue
        made += part.stop - part.start
        if progress:
            progress(made, planned)
    if failures:
        raise InfrastructureError(f"{len(failures)} parts could not be made: {'; '.join(failures[:5])}")


def _urgency(part: Part) -> int:
    return SLOW.index(part.task) if part.task in SLOW else len(SLOW)


def _made(parts: Sequence[Part], folder: Path, workers: int) -> Iterator[tuple[Part, str]]:
    """Each part as it ends, with its problem ("" when it is made)."""
    makers = _Makers(folder)
    pool = ThreadPoolExecutor(max(1, min(workers, len(parts))), thread_name_prefix="prorl-puzzles")
    try:
        futures = {pool.submit(makers.make, part): part for part in parts}
        for future in as_completed(futures):
            error = future.exception()
            if error is not None and not isinstance(error, ProrlError | OSError):
                raise error
            yield futures[future], str(error or "")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        makers.close()
        pool.shutdown()


class _Makers:
    """One child process for each thread that asks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: dict[int, GeneratorChild] = {}
        self._closed = False

    def make(self, part: Part) -> None:
        """Writes the file of a part, whole or not at all."""
        thread = threading.get_ident()
        path = part.path(self._folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}.{thread}.partial")
        if self._closed:
            raise InfrastructureError("the build was stopped")
        child = self._children.get(thread) or self._children.setdefault(thread, GeneratorChild())
        items = child.entries(part.task, size=part.size, seed=part.seed, start=part.start, stop=part.stop)
        try:
            with partial.open("w", encoding="utf-8") as file:
                for entry in items:
                    file.write(json.dumps(entry, sort_keys=True) + "\n")
            partial.replace(path)
        except BaseException:
            self._children.pop(thread, child).close()  # it may be in the midst of an answer
            raise
        finally:
            partial.unlink(missing_ok=True)

    def close(self) -> None:
        """Ends all children."""
        self._closed = True
        for child in list(self._children.values()):
            child.close()
