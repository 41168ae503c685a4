"""The process between the host and a jail: outside the jail, so that it can clear up after it.

It waits until the zygote ends, or until the host or its order to leave comes; then it kills what is left,
removes the scratch folder and the control group, and ends. It survives the host's SIGKILL.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time

from sandbox.agent import kernel, scratch
from sandbox.agent.cgroup import Cgroup

__all__ = ["supervise"]


def supervise(
    zygote: int, watched: list[int], folder: str | None, group: Cgroup | None, uid: int | None
) -> None:
    """Waits for the process `zygote` and clears up. Never returns.

    Args:
        zygote: its process number.
        watched: descriptors that become readable when the host is gone.
        folder: the scratch folder to remove, if it is not in the jail's own root.
        group: the control group to remove.
        uid: the throw-away user whose processes are all to be killed, if there is one.
    """
    ended = os.pidfd_open(zygote)
    poll = select.poll()
    for fd in (ended, *watched):
        poll.register(fd, select.POLLIN)
    ordered: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: ordered.append(1))
    while not ordered:
        # The order may come just before poll: look again every now and then.
        if poll.poll(500):
            break
    with contextlib.suppress(ProcessLookupError):
        os.kill(zygote, signal.SIGKILL)
    _kill_rest(uid)
    if folder is not None:
        remove_scratch(folder)
    if group is not None:
        group.remove()
    os._exit(0)


def remove_scratch(folder: str) -> None:
    """Removes a scratch folder. What is in it may be hostile; symbolic links are never followed."""
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            scratch.wipe(fd)
        finally:
            os.close(fd)
        os.rmdir(folder)


def _kill_rest(uid: int | None) -> None:
    """Kills what the zygote left: orphans become children of this process, a reaper."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if uid is not None:
            _kill_user(uid)
        for pid in _children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.005)


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def _kill_user(uid: int) -> None:
    """Kills every process of a throw-away user, as that user."""
    pid = kernel.fork()
    if pid == 0:
        with contextlib.suppress(OSError):
            os.setresuid(uid, uid, uid)
            if os.getuid() == uid != 0:
                os.kill(-1, signal.SIGKILL)
        os._exit(0)
    os.waitpid(pid, 0)
