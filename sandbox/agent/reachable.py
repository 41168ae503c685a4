"""Keeps an interpreter in use that lies where the programs' user cannot look, such as in ``/root``."""

from __future__ import annotations

import os
import sys

from sandbox.agent import drop, kernel
from sandbox.agent.entry import KEPT_FD

__all__ = ["keep_open", "readable_as"]


def keep_open(paths: list[str]) -> list[str]:
    """Opens folders at the descriptors that stay open in test processes; the names that lead through those, under
    which modules are found from now on."""
    for number, path in enumerate(paths):
        fd = os.open(path, os.O_PATH | os.O_DIRECTORY)
        os.dup2(fd, KEPT_FD + 10 + number, inheritable=True)
        os.close(fd)
    for number in range(len(paths)):
        os.dup2(KEPT_FD + 10 + number, KEPT_FD + number)
        os.close(KEPT_FD + 10 + number)
    moved = [f"/proc/self/fd/{KEPT_FD + number}" for number in range(len(paths))]
    _move_paths(paths, moved)
    return moved


def _move_paths(before: list[str], after: list[str]) -> None:
    """Modules are found in `after` from now on, those of packages that are already loaded too."""
    for module in list(sys.modules.values()):
        places = getattr(module, "__path__", None)
        if isinstance(places, list):
            for old, new in zip(before, after, strict=True):
                places[:] = [new + p.removeprefix(old) if p.startswith(f"{old}/") else p for p in places]
    sys.path[:] = after
    sys.path_importer_cache.clear()


def readable_as(uid: int, gid: int, paths: list[str]) -> bool:
    """Whether a user can look into all `paths`."""
    pid: int = kernel.fork()
    if pid == 0:
        status = 1
        try:
            drop.change_user(uid, gid)
            status = 0 if all(os.access(path, os.R_OK | os.X_OK) for path in paths if path) else 1
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1] == 0
