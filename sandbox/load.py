"""Was a program slow, or did it not get the CPU? Told by the kernel's pressure counter."""

from __future__ import annotations

import functools
import os
import re
import time
from pathlib import Path

__all__ = ["Meter", "tasks_of_this_user"]

_THREADS = re.compile(r"^Threads:\s*(\d+)", re.MULTILINE)
_PRESSURE = Path("/proc/pressure/cpu")
_FRESH_S = 0.05
_lately: tuple[float, float | None] = (float("-inf"), None)


class Meter:
    """Watches how long tasks of this machine wait for a CPU, from its making on."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._waited = _waited_lately_s()

    def starved(self, wall_s: float, cpu_s: float) -> bool:
        """Whether a program that took `wall_s` but only `cpu_s` of CPU time probably waited for the CPU.

        It did when it computed less than half of the time while, for more than half of it, some task of the
        machine was waiting for a CPU. Without pressure counters, the load average has to do.
        """
        if cpu_s > wall_s / 2:
            return False
        now = _waited_s()
        if now is None or self._waited is None:
            return os.getloadavg()[0] > 2 * len(os.sched_getaffinity(0))
        return now - self._waited > (time.monotonic() - self._since) / 2


def tasks_of_this_user() -> int:
    """Processes and threads of this process's user, or 0 for root, whose programs run as users of their own.

    The kernel counts a user's tasks together: a limit for programs must be on top of those that exist.
    Counted at most every five seconds.
    """
    if os.getuid() == 0:
        return 0
    return _count_tasks(os.getuid(), int(time.monotonic() / 5))


@functools.lru_cache(maxsize=1)
def _count_tasks(uid: int, _period: int) -> int:
    total = 0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if folder.stat().st_uid == uid:
                    total += int(_THREADS.findall((folder / "status").read_text(errors="replace"))[0])
            except (OSError, IndexError):
                continue
    return total


def _waited_lately_s() -> float | None:
    """`_waited_s`, at most a twentieth of a second ago."""
    global _lately
    now = time.monotonic()
    if now - _lately[0] > _FRESH_S:
        _lately = (now, _waited_s())
    return _lately[1]


def _waited_s() -> float | None:
    """Seconds, since boot, in which some task waited for a CPU."""
    try:
        some = _PRESSURE.read_text(encoding="ascii").splitlines()[0]
        return int(some.rpartition("total=")[2]) / 1e6
    except (OSError, ValueError, IndexError):
        return None
