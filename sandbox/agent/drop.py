"""Gives up what a process has beyond its user: capabilities, the user itself, high limits."""

from __future__ import annotations

import ctypes
import os
import resource
import struct

from sandbox.agent import kernel

__all__ = ["capabilities", "change_user", "drop_capabilities", "fix_limits"]

_VERSION_3 = 0x20080522
_HIGHEST_CAPABILITY = 63


def change_user(uid: int, gid: int) -> None:
    """Becomes a user for good. Raises `OSError`."""
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def empty_bounding_set() -> None:
    """No program executed from here on can gain a capability."""
    for capability in range(_HIGHEST_CAPABILITY + 1):
        kernel.libc.prctl(kernel.PR_CAPBSET_DROP, capability, 0, 0, 0)
    kernel.libc.prctl(kernel.PR_CAP_AMBIENT, kernel.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)


def drop_capabilities() -> None:
    """Gives up all capabilities, for this process and all it will execute. Raises `OSError`."""
    header = struct.pack("=Ii", _VERSION_3, 0)
    kernel.check(kernel.libc.capset(header, bytes(24)), "capset")
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)


def capabilities() -> int:
    """The effective, permitted and inheritable capabilities of this process, as one number."""
    header = struct.pack("=Ii", _VERSION_3, 0)
    data = ctypes.create_string_buffer(24)
    kernel.check(kernel.libc.capget(header, data), "capget")
    return int.from_bytes(data.raw, "little")


def fix_limits() -> None:
    """Limits that are the same for every program, hard ones."""
    for which, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NICE, 0),
        (resource.RLIMIT_RTPRIO, 0),
    ):
        hard = resource.getrlimit(which)[1]
        wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (wanted, wanted))
