"""Builds seccomp filters: a policy by call name becomes a BPF program, a binary tree over call numbers.

A tree, because the kernel runs every filter on all call numbers when it is installed, and because a filter
that each test process installs for itself must be short.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sandbox.agent import kernel
from sandbox.agent.syscalls import AUDIT_ARCH, NUMBERS

__all__ = ["ALLOW", "KILL", "NOTIFY", "Check", "Filter", "install", "refuse"]

ALLOW = 0x7FFF0000
KILL = 0x80000000
NOTIFY = 0x7FC00000

_LOAD, _AND, _RETURN, _JUMP = 0x20, 0x54, 0x06, 0x05
_IF_EQUAL, _IF_AT_LEAST = 0x15, 0x35
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
_X32_BIT = 0x40000000
_ALL = 0xFFFFFFFF
_UNKNOWN_FROM = 451
"""Calls from here on are newer than this file: "not implemented", so that programs fall back."""

_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER = 1
_FLAG_SPEC_ALLOW, _FLAG_NEW_LISTENER = 4, 8


# A function object of its own, with types: a test process pays for every object it touches.
_call = kernel.libc["syscall"]
_call.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_long, ctypes.c_char_p]
_call.restype = ctypes.c_long


def refuse(code: int = errno.EPERM) -> int:
    """The action that makes a call fail with `code`."""
    return 0x00050000 | code


class Check(NamedTuple):
    """An action that depends on one argument: `yes` if ``argument & mask`` is one of `values`, else `no`.

    With `wide`, the upper half of the argument must be zero too.
    """

    argument: int
    values: tuple[int, ...]
    yes: int = ALLOW
    no: int = refuse()
    mask: int = _ALL
    wide: bool = False


class _Step(NamedTuple):
    """One BPF instruction."""

    code: int
    jump_true: int
    jump_false: int
    value: int

    def pack(self) -> bytes:
        return struct.pack("=HBBI", *self)


class Filter:
    """A compiled filter.

    Args:
        policy: call name -> action or `Check`. Names this machine lacks are skipped.
        default: the action for every other call.
        machine: "x86_64" or "aarch64".
        more: numbers of calls that the table leaves out because programs may never make them.

    Raises:
        OSError: ENOSYS on a machine that has no table.
    """

    def __init__(
        self,
        policy: Mapping[str, int | Check],
        default: int,
        machine: str = kernel.MACHINE,
        more: Mapping[str, int] | None = None,
    ) -> None:
        if machine not in NUMBERS:
            raise OSError(errno.ENOSYS, f"no table of system calls for {machine}")
        numbers = {**NUMBERS[machine], **(more or {})}
        rules = {numbers[name]: rule for name, rule in policy.items() if name in numbers}
        ranges = _ranges(rules, default, machine)
        steps = [
            _Step(_LOAD, 0, 0, _ARCH),
            _Step(_IF_EQUAL, 1, 0, AUDIT_ARCH[machine]),
            _Step(_RETURN, 0, 0, KILL),
            _Step(_LOAD, 0, 0, _NUMBER),
            *_tree(ranges),
        ]
        self.code = bytearray(b"".join(step.pack() for step in steps))
        self._memory = (ctypes.c_char * len(self.code)).from_buffer(self.code)
        self._program = struct.pack("@HxxxxxxQ", len(steps), ctypes.addressof(self._memory))

    def places(self, value: int) -> list[int]:
        """Offsets of an operand `value` in the code, to be replaced by `patch`."""
        return [
            at
            for at in range(0, len(self.code), 8)
            if struct.unpack_from("=I", self.code, at + 4)[0] == value
        ]

    def patch(self, places: Sequence[int], value: int) -> None:
        """Puts `value` in place of the operands at `places`."""
        for at in places:
            struct.pack_into("=I", self.code, at + 4, value)

    @property
    def address(self) -> bytes:
        """The kernel's ``struct sock_fprog``."""
        return self._program


def install(compiled: Filter, *, listen: bool = False) -> int:
    """Holds this process, and all it forks, to a filter. With `listen`, returns the notification descriptor.

    Raises:
        OSError: the kernel refuses.
    """
    flags = _FLAG_NEW_LISTENER if listen else 0
    for more in (_FLAG_SPEC_ALLOW, 0):
        result: int = _call(_SECCOMP[kernel.MACHINE], _SET_MODE_FILTER, flags | more, compiled.address)
        if result >= 0:
            return result
    return kernel.check(result, "seccomp")


def _ranges(rules: Mapping[int, int | Check], default: int, machine: str) -> list[tuple[int, int | Check]]:
    """(first number, action) of each run of equal actions, from number 0 on."""
    newer = refuse(errno.ENOSYS) if default != ALLOW else ALLOW
    points: list[tuple[int, int | Check]] = []
    top = max([*rules, _UNKNOWN_FROM - 1]) + 1
    for number in range(top):
        action = rules.get(number, default)
        if not points or points[-1][1] != action:
            points.append((number, action))
    if points[-1][1] != newer:
        points.append((top, newer))
    if machine == "x86_64":
        points.append((_X32_BIT, KILL))
    return points


def _tree(ranges: list[tuple[int, int | Check]]) -> list[_Step]:
    if len(ranges) == 1:
        return _leaf(ranges[0][1])
    half = len(ranges) // 2
    below, above = _tree(ranges[:half]), _tree(ranges[half:])
    pivot = ranges[half][0]
    if len(below) <= 255:
        return [_Step(_IF_AT_LEAST, len(below), 0, pivot), *below, *above]
    return [_Step(_IF_AT_LEAST, 0, 1, pivot), _Step(_JUMP, 0, 0, len(below)), *below, *above]


def _leaf(action: int | Check) -> list[_Step]:
    if isinstance(action, int):
        return [_Step(_RETURN, 0, 0, action)]
    low = _ARGUMENTS + 8 * action.argument
    steps = [_Step(_LOAD, 0, 0, low)]
    if action.mask != _ALL:
        steps.append(_Step(_AND, 0, 0, action.mask))
    count = len(action.values)
    for index, value in enumerate(action.values):
        steps.append(_Step(_IF_EQUAL, count - index, 0, value))
    steps += [_Step(_RETURN, 0, 0, action.no), _Step(_RETURN, 0, 0, action.yes)]
    if action.wide:
        steps = [
            _Step(_LOAD, 0, 0, low + 4),
            _Step(_IF_EQUAL, 1, 0, 0),
            _Step(_RETURN, 0, 0, action.no),
            *steps,
        ]
    return steps
