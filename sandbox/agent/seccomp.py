"""Builds seccomp filters: a policy by call name becomes a BPF program, a binary tree over call numbers.

A tree, because the kernel runs every filter on all call numbers when it is installed, and because a filter
that each test process installs for itself must be short.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Mapping

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

_SET_MODE_FILTER = 1
_FLAG_SPEC_ALLOW, _FLAG_NEW_LISTENER = 4, 8


def refuse(code: int = errno.EPERM) -> int:
    """The action that makes a call fail with `code`."""
    return 0x00050000 | code


class Check:
    """An action that depends on one argument: `yes` if ``argument & mask`` is one of `values`, else `no`.

    With `wide`, the upper half of the argument must be zero too.
    """

    def __init__(
        self,
        argument: int,
        values: tuple[int, ...],
        *,
        yes: int = ALLOW,
        no: int = 0x00050000 | errno.EPERM,
        mask: int = _ALL,
        wide: bool = False,
    ) -> None:
        self.argument, self.values = argument, values
        self.yes, self.no = yes, no
        self.mask, self.wide = mask, wide


_step = struct.Struct("=HBBI").pack
"""One BPF instruction: code, jumps if true and if false, operand."""


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
            _step(_LOAD, 0, 0, _ARCH),
            _step(_IF_EQUAL, 1, 0, AUDIT_ARCH[machine]),
            _step(_RETURN, 0, 0, KILL),
            _step(_LOAD, 0, 0, _NUMBER),
            *_tree(ranges),
        ]
        self.code = bytearray(b"".join(steps))
        self._memory = (ctypes.c_char * len(self.code)).from_buffer(self.code)
        described = struct.pack("@HxxxxxxQ", len(steps), ctypes.addressof(self._memory))
        self._program = ctypes.create_string_buffer(described, len(described))

    def places(self, value: int) -> tuple[int, ...]:
        """Where an operand `value` stands in the code: indices of 32-bit words."""
        words = memoryview(self.code).cast("I")
        return tuple(at for at in range(1, len(words), 2) if words[at] == value)

    @property
    def address(self) -> int:
        """Of the kernel's ``struct sock_fprog``."""
        return ctypes.addressof(self._program)


def install(compiled: Filter, *, listen: bool = False) -> int:
    """Holds this process, and all it forks, to a filter. With `listen`, returns the notification descriptor.

    Raises:
        OSError: the kernel refuses.
    """
    flags = _FLAG_SPEC_ALLOW | (_FLAG_NEW_LISTENER if listen else 0)
    result: int = kernel.call(kernel.SECCOMP, _SET_MODE_FILTER, flags, compiled.address)
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


def _tree(ranges: list[tuple[int, int | Check]]) -> list[bytes]:
    if len(ranges) == 1:
        return _leaf(ranges[0][1])
    half = len(ranges) // 2
    below, above = _tree(ranges[:half]), _tree(ranges[half:])
    pivot = ranges[half][0]
    if len(below) <= 255:
        return [_step(_IF_AT_LEAST, len(below), 0, pivot), *below, *above]
    return [_step(_IF_AT_LEAST, 0, 1, pivot), _step(_JUMP, 0, 0, len(below)), *below, *above]


def _leaf(action: int | Check) -> list[bytes]:
    if isinstance(action, int):
        return [_step(_RETURN, 0, 0, action)]
    low = _ARGUMENTS + 8 * action.argument
    steps = [_step(_LOAD, 0, 0, low)]
    if action.mask != _ALL:
        steps.append(_step(_AND, 0, 0, action.mask))
    count = len(action.values)
    for index, value in enumerate(action.values):
        steps.append(_step(_IF_EQUAL, count - index, 0, value))
    steps += [_step(_RETURN, 0, 0, action.no), _step(_RETURN, 0, 0, action.yes)]
    if action.wide:
        steps = [
            _step(_LOAD, 0, 0, low + 4),
            _step(_IF_EQUAL, 1, 0, 0),
            _step(_RETURN, 0, 0, action.no),
            *steps,
        ]
    return steps
