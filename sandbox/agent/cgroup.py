"""A control group of one's own, where this machine lets us make one: a bound on memory and tasks together."""

from __future__ import annotations

import contextlib
import os
import time

__all__ = ["Cgroup", "remove_left"]

_ROOT = "/sys/fs/cgroup"


class Cgroup:
    """One group for one worker, version 1 (memory and pids) or 2.

    Args:
        name: of the folder(s) to make.
        memory: bytes, all processes together.
        tasks: processes and threads, all together.

    Raises:
        OSError: none can be made here, or its limits cannot be set.
    """

    def __init__(self, name: str, memory: int, tasks: int) -> None:
        self.folders: list[str] = []
        try:
            if not self._make_v1(name, memory, tasks):
                self._make_v2(name, memory, tasks)
        except OSError:
            self.remove()
            raise

    def join(self) -> None:
        """Moves this process, and all it will fork, into the group. Raises `OSError`."""
        for folder in self.folders:
            _write(f"{folder}/cgroup.procs", 0)

    def remove(self) -> None:
        """Removes the group; its processes must be gone, or going."""
        for folder in self.folders:
            for _ in range(50):
                try:
                    os.rmdir(folder)
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.02)
        self.folders = []

    def _make_v1(self, name: str, memory: int, tasks: int) -> bool:
        limits = {"memory": ("memory.limit_in_bytes", memory), "pids": ("pids.max", tasks)}
        paths = _own_groups()
        if not limits.keys() <= paths.keys():
            return False
        for controller, (file, value) in limits.items():
            folder = f"{_ROOT}/{controller}{paths[controller].rstrip('/')}/{name}"
            os.mkdir(folder)
            self.folders.append(folder)
            _write(f"{folder}/{file}", value)
        with contextlib.suppress(OSError):
            _write(f"{self.folders[0]}/memory.memsw.limit_in_bytes", memory)
        return True

    def _make_v2(self, name: str, memory: int, tasks: int) -> None:
        own = _ROOT + _own_groups().get("", "/").rstrip("/")
        error: OSError = FileNotFoundError("no cgroup file system")
        for parent in (own, os.path.dirname(own)):
            folder = f"{parent}/{name}"
            try:
                os.mkdir(folder)
                self.folders = [folder]
                _write(f"{folder}/memory.max", memory)
                _write(f"{folder}/pids.max", tasks)
            except OSError as refused:
                error = refused
                self.remove()
            else:
                with contextlib.suppress(OSError):
                    _write(f"{folder}/memory.swap.max", 0)
                return
        raise error


def remove_left(name: str) -> None:
    """Removes the group(s) called `name` beside or below this process's own, if they are there and empty."""
    for controller, path in _own_groups().items():
        own = f"{_ROOT}/{controller}".rstrip("/") + path.rstrip("/")
        for parent in (own, os.path.dirname(own)):
            with contextlib.suppress(OSError):
                os.rmdir(f"{parent}/{name}")


def _own_groups() -> dict[str, str]:
    """controller -> path of this process's group; the key of version 2 is the empty text."""
    groups = {}
    with open("/proc/self/cgroup", encoding="utf-8") as lines:
        for line in lines:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            for controller in controllers.split(","):
                groups[controller] = path
    return groups


def _write(path: str, value: int) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, str(value).encode())
    finally:
        os.close(fd)
