"""Which system calls programs may make: one filter for the whole jail, one more for each test process."""

from __future__ import annotations

import errno

from sandbox.agent import creation
from sandbox.agent.seccomp import ALLOW, NOTIFY, Check, Filter, refuse
from sandbox.agent.syscalls import NUMBERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Holds: TypeAlias = Literal["python", "program", "compiler"]

__all__ = ["KINDS", "OWN_PID", "base_filter", "scratch_filter", "test_filter"]

OWN_PID = 0x7EADBEEF
"""Stands for the test process's own number until the filter is installed."""

KINDS: tuple[Holds, ...] = ("python", "program", "compiler")
"""What a test process does."""

_THREAD = 0x00010000
_NEW_NAMESPACES = 0x7E020000
_STREAM = 1
_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451, creation.RECEIVE, creation.SEND)
"""TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX, and the answers to reported calls."""

_SIGNALLING_FCNTLS = (8, 10, 15, 1024, 1026)
"""F_SETOWN, F_SETSIG, F_SETOWN_EX can signal other processes; F_SETLEASE and F_NOTIFY are of no use."""

_DIE_WITH_PARENT = 1
_HARMLESS_PRCTLS = (3, 15, 16, 21, 27, 38, 39, 0x53564D41)
"""GET_DUMPABLE, SET_NAME, GET_NAME, GET_SECCOMP, GET_SECUREBITS, SET/GET_NO_NEW_PRIVS, SET_VMA."""

_ATTRIBUTES = ("chmod", "fchmod", "fchmodat", "utime", "utimes", "utimensat")
_CREATE = 0o100
_TMPFILE = 0o20000000


def base_filter() -> Filter:
    """What the zygote itself, and so everything in the jail, may do: no network but a stream pair, no kernel
    interfaces, no other processes' memory or limits, no new namespaces, no change of user."""
    known = {name for table in NUMBERS.values() for name in table}
    policy: dict[str, int | Check] = dict.fromkeys(known, ALLOW)
    # Landlock before its version 3 does not cover truncate; with an open file, ftruncate does the same.
    gone = (
        "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "setpriority", "setsid",
        "truncate",
    )  # fmt: skip
    policy |= dict.fromkeys(gone, refuse())
    policy |= {
        "clone": Check(0, (0,), mask=_NEW_NAMESPACES),
        "clone3": refuse(errno.ENOSYS),
        "epoll_pwait2": refuse(errno.ENOSYS),
        "fcntl": Check(1, _SIGNALLING_FCNTLS, yes=refuse(), no=ALLOW),
        "openat2": refuse(errno.ENOSYS),
        "prctl": Check(0, (_DIE_WITH_PARENT, *_HARMLESS_PRCTLS)),
        "prlimit64": Check(0, (0,)),
        "ioctl": Check(1, _IOCTLS, no=refuse(errno.ENOTTY)),
        "sendmsg": refuse(),
        "sendto": Check(4, (0,), wide=True),
        "socketpair": Check(1, (_STREAM,), mask=0xF),
        "rt_sigqueueinfo": refuse(),
        "rt_tgsigqueueinfo": refuse(),
        "tkill": refuse(),
    }
    return Filter(policy, refuse())


def test_filter(kind: Holds, *, shared_user: bool = False) -> Filter:
    """What a test process gives up on top: other processes, their signals and scheduling, more filters.

    Each test process installs it for itself, so it is short.

    Args:
        kind: "python" executes nothing; "program" will execute a program (a compiled one, or another
            language's runtime); a "compiler" starts others, in its own process group.
        shared_user: programs run as the host's own user, outside a root of their own. Landlock does not cover
            modes and times of files, so that changing them is refused, even in the scratch folder.
    """
    own = Check(0, (OWN_PID,))
    gone = (
        "fork", "vfork", "setpgid", "sched_setaffinity", "seccomp", "pidfd_open", "memfd_create",
    )  # fmt: skip
    policy: dict[str, int | Check] = dict.fromkeys(gone, refuse())
    policy |= {
        "clone": Check(0, (_THREAD,), mask=_THREAD),
        "kill": own,
        "prctl": Check(0, (_DIE_WITH_PARENT,), yes=refuse(), no=ALLOW),
        "tgkill": own,
    }
    if shared_user:
        policy |= dict.fromkeys(_ATTRIBUTES, refuse())
    if kind == "python":
        policy |= {"execve": refuse(), "execveat": refuse()}
    if kind == "compiler":
        for name in ("fork", "vfork", "clone"):
            del policy[name]
        policy["kill"] = policy["tgkill"] = refuse()
    return Filter(policy, ALLOW)


def scratch_filter() -> Filter:
    """Where no quota limits the scratch folder: the making of files is reported, so that it can be counted."""
    creating = _CREATE | _TMPFILE
    policy: dict[str, int | Check] = {
        "open": Check(1, (0,), mask=creating, no=NOTIFY),
        "openat": Check(2, (0,), mask=creating, no=NOTIFY),
    }
    for name in ("creat", "mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat"):
        policy[name] = NOTIFY
    return Filter(policy, ALLOW)
