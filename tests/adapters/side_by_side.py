"""Several `Processes` as threads of one test: the same contract, without starting anything."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from adapters.prorl.scale.processes import Processes

T = TypeVar("T")


class _Beside(Processes):
    def __init__(self, rank: int, board: list[Any], barrier: threading.Barrier) -> None:
        self.rank, self.size, self.local_size = rank, len(board), len(board)
        self._board, self._barrier = board, barrier

    def gather(self, value: T) -> list[T]:
        self._board[self.rank] = value
        self._barrier.wait(timeout=20)
        found = list(self._board)
        self._barrier.wait(timeout=20)
        return found


def side_by_side(size: int, work: Callable[[Processes], T]) -> list[T]:
    """What `work` returns on each of `size` processes, by rank. The first error is raised once all have ended."""
    board: list[Any] = [None] * size
    barrier = threading.Barrier(size)
    with ThreadPoolExecutor(size) as pool:
        futures = [pool.submit(work, _Beside(rank, board, barrier)) for rank in range(size)]
    return [future.result() for future in futures]
