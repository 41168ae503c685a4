"""System calls that Python lacks or wraps too dearly, by ctypes. Linux on x86-64 and aarch64.

`fork` is the C library's, called with the GIL held: `os.fork` runs Python's own after-fork work in the child,
which costs half a millisecond of page faults and which a process that only executes one program can do without.
"""

from __future__ import annotations

import ctypes
import os

from sandbox.agent.syscalls import NUMBERS

__all__ = ["MACHINE", "call", "check", "close_from", "fork", "libc", "prctl", "syscall", "wait4"]

libc = ctypes.PyDLL(None, use_errno=True)
MACHINE = os.uname().machine

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

SIGKILL = 9

SCRATCH_FD, LISTENER_FD, HOST_FD, RULES_FD, COMPILED_FD = 50, 51, 52, 53, 54
"""Descriptors the agent keeps for itself: high, out of the way of those that tests keep."""

LAST_FD = 64
"""No descriptor in the agent is higher."""

libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
libc.syscall.restype = ctypes.c_long

wait4 = libc.wait4
wait4.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]

fork = libc.fork

_calls = NUMBERS.get(MACHINE, {})
CLOSE_RANGE, DUP3, EXIT_GROUP, FSTAT, GETPID, PIDFD_OPEN, PRCTL, SECCOMP = (
    _calls.get(name, -1)
    for name in ("close_range", "dup3", "exit_group", "fstat", "getpid", "pidfd_open", "prctl", "seccomp")
)

# Function objects of their own, with types: a process that was just forked pays for every object it touches, so
# what happens between forks goes through few of them.
call = libc["syscall"]
"""A system call by number with three integers, unchecked. Pointers are integers too."""
call.argtypes = [ctypes.c_long] * 4
call.restype = ctypes.c_long

wait4 = libc.wait4
wait4.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]

poll = libc.poll
poll.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int]


def check(result: int, what: str) -> int:
    """`result`, unless it is -1.

    Raises:
        OSError: with the errno of the call, and `what` was tried.
    """
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def prctl(option: int, value: int = 0, third: int = 0) -> None:
    """prctl(2), which must succeed."""
    check(libc.prctl(option, value, third, 0, 0), f"prctl({option})")


def syscall(number: int, *arguments: int | bytes | None, what: str = "") -> int:
    """A system call by number; integers are passed as longs, bytes as pointers."""
    passed = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return check(int(libc.syscall(ctypes.c_long(number), *passed)), what or f"syscall {number}")


def close_from(first: int) -> None:
    """Closes every descriptor from `first` on."""
    if call(CLOSE_RANGE, first, 0x7FFFFFFF, 0) == -1:
        os.closerange(first, os.sysconf("SC_OPEN_MAX"))


def move_fd(fd: int, to: int) -> int:
    """Renumbers a descriptor; not inherited by programs that are executed."""
    os.dup2(fd, to, inheritable=False)
    os.close(fd)
    return to


def die_with_parent() -> None:
    """Asks the kernel to kill this process when the thread that forked it ends."""
    prctl(PR_SET_PDEATHSIG, SIGKILL)
