"""Gives up the network: for processes that hold our own code but read hostile text."""

from __future__ import annotations

from sandbox.agent import kernel
from sandbox.agent.seccomp import ALLOW, Filter, install, refuse

__all__ = ["drop_network"]


def drop_network() -> None:
    """No new socket for this process, nor for any it starts, for good. Open ones and socket pairs stay.

    Raises:
        OSError: the kernel has no seccomp, or this machine's calls are not known.
    """
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    install(Filter({"socket": refuse(), "io_uring_setup": refuse()}, ALLOW))
