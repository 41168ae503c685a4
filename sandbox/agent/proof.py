"""Tries what the layers must prevent, from inside a test process. A layer that lets it happen is not on."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

from sandbox.agent import drop, kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox.agent.guard import Guard

__all__ = ["prove"]


def prove(guard: Guard, folder: str) -> None:
    """Runs every attempt in a process held as a test is.

    Raises:
        RuntimeError: names the attempts that succeeded.
    """
    reader, writer = os.pipe()
    parent = os.getpid()
    expected = os.getuid()
    pid: int = kernel.fork()
    if pid == 0:
        failed = ["could not even try"]
        try:
            entry = guard.entries["python"]
            entry.take(0, 1, 2, writer)
            entry.hold()
            failed = _attempts(folder, parent, expected, guard.may_read)
        finally:
            os.write(3, ", ".join(failed).encode())
            os._exit(0)
    os.close(writer)
    failed_text = os.read(reader, 4096).decode()
    os.close(reader)
    os.waitpid(pid, 0)
    if failed_text:
        raise RuntimeError(f"layers that do not hold: {failed_text}")


def _attempts(folder: str, parent: int, uid: int, spared: tuple[str, ...]) -> list[str]:
    import _socket

    tries: dict[str, Callable[[], object]] = {
        "network: a TCP socket": lambda: _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM),
        "network: a UNIX socket": lambda: _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM),
        "files: reading /etc/passwd": lambda: os.open("/etc/passwd", os.O_RDONLY),
        "files: reading /proc": lambda: os.open("/proc/self/maps", os.O_RDONLY),
        "files: writing to /": lambda: os.open("/prorl-sandbox-probe", os.O_WRONLY | os.O_CREAT),
        "files: writing to /dev/shm": lambda: os.open("/dev/shm/prorl-probe", os.O_WRONLY | os.O_CREAT),
        "processes: fork": os.fork,
        "processes: signalling the parent": lambda: os.kill(parent, 0),
        "processes: signalling all": lambda: os.kill(-1, 0),
        "processes: executing": lambda: os.execv("/bin/sh", ["sh", "-c", "exit 0"]),
        "capabilities: becoming root": lambda: os.setuid(0 if uid else 1),
        "namespaces: a new one": lambda: kernel.check(kernel.libc.unshare(0x10000000), "unshare"),
        "limits: raising": lambda: os.nice(-5),
    }
    failed = [name for name, attempt in tries.items() if _succeeds(attempt) and not name.startswith(spared)]
    if drop.capabilities():
        failed.append("capabilities: some are left")
    if kernel.libc.prctl(3, 0, 0, 0, 0) != 0:
        failed.append("dumpable")
    with contextlib.suppress(OSError):
        os.close(os.open(f"{folder}/probe", os.O_WRONLY | os.O_CREAT, 0o600))
        os.unlink(f"{folder}/probe")
        return failed
    return [*failed, "scratch: cannot write there"]


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (OSError, ValueError):
        return False
    return True
