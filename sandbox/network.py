"""Gives up the network: for processes that hold our own code but read hostile text."""

from __future__ import annotations

import errno

from sandbox.agent import kernel
from sandbox.agent.seccomp import ALLOW, Filter, install, refuse

__all__ = ["drop_network"]

_CALLS = {
    "x86_64": {"socket": 41, "io_uring_setup": 425},
    "aarch64": {"socket": 198, "io_uring_setup": 425},
}


def drop_network() -> None:
    """No new socket for this process, nor for any it starts, for good. Open ones and socket pairs stay.

    Raises:
        OSError: the kernel has no seccomp, or this machine's calls are not known.
    """
    calls = _CALLS.get(kernel.MACHINE)
    if calls is None:
        raise OSError(errno.ENOSYS, f"no table of system calls for {kernel.MACHINE}")
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    install(Filter(dict.fromkeys(calls, refuse()), ALLOW, more=calls))
