"""The first steps of a test process, between its fork and the candidate's code.

A forked process pays for every page that it is the first to write to, and in Python to look at an object is to
write to it (its count of references). So these steps touch few objects: functions by their bare names, attributes
in slots, one foreign function for all system calls.
"""

from __future__ import annotations

import ctypes

from sandbox.agent import kernel
from sandbox.agent.kernel import CLOSE_RANGE, DUP3, GETPID, PRCTL, SECCOMP, call

__all__ = ["KEPT_FD", "RESULT_FD", "Entry"]

RESULT_FD = 3
"""Where a test process finds its fourth descriptor, if it has one."""

KEPT_FD = 4
"""First of the descriptors that stay open in test processes: folders of the interpreter."""

_PDEATHSIG, _KILL = kernel.PR_SET_PDEATHSIG, kernel.SIGKILL
_SET_FILTER, _ALLOW_SPECULATION = 1, 4
_IS_KNOWN = 2
_allow = ctypes.c_uint32(0x7FFF0000)


class Entry:
    """How a test process of one kind becomes what the layers allow it to be.

    Args:
        first_closed: the descriptors from `KEPT_FD` up to it stay open.
        code: the filter's instructions, in place, or ``None`` where nothing is held.
        places: indices, in 32-bit words of `code`, where the process's own number has to stand.
        program: the address of the kernel's ``struct sock_fprog``.
    """

    __slots__ = ("closed", "flags", "operation", "places", "program", "words")

    def __init__(
        self,
        first_closed: int = KEPT_FD,
        code: bytearray | None = None,
        places: tuple[int, ...] = (),
        program: int = 0,
    ) -> None:
        self.closed: tuple[tuple[int, int], ...] = ((first_closed, kernel.LAST_FD),)
        self.words = None if code is None else memoryview(code).cast("I")
        self.places = places
        self.program = program
        self.operation, self.flags = _SET_FILTER, _ALLOW_SPECULATION

    @classmethod
    def rehearsal(cls) -> Entry:
        """One that takes every step and changes nothing but descriptors 0 to 3: it closes no others, and only asks
        the kernel whether it knows an action."""
        made = cls(code=bytearray(8), places=(1,), program=ctypes.addressof(_allow))
        made.operation, made.flags, made.closed = _IS_KNOWN, 0, ()
        return made

    def sparing(self, first: int, last: int) -> Entry:
        """The same, but the descriptors from `first` to `last` stay open too."""
        made = Entry(places=self.places, program=self.program)
        made.words = self.words
        ((low, high),) = self.closed
        made.closed = ((low, first - 1), (last + 1, high))
        return made

    def take(self, stdin: int, out: int, err: int, fourth: int) -> None:
        """These become descriptors 0 to 2, and 3 unless `fourth` is negative; all others are closed. From here
        on the process dies with the one that forked it."""
        call(PRCTL, _PDEATHSIG, _KILL, 0)
        call(DUP3, stdin, 0, 0)
        call(DUP3, out, 1, 0)
        call(DUP3, err, 2, 0)
        if fourth >= 0:
            call(DUP3, fourth, RESULT_FD, 0)
        else:
            call(CLOSE_RANGE, RESULT_FD, RESULT_FD, 0)
        for first, last in self.closed:
            call(CLOSE_RANGE, first, last, 0)

    def hold(self) -> None:
        """The filter, last before the candidate's code."""
        words = self.words
        if words is None:
            return
        number = call(GETPID, 0, 0, 0)
        for place in self.places:
            words[place] = number
        if call(SECCOMP, self.operation, self.flags, self.program) < 0:
            kernel.check(-1, "seccomp")
