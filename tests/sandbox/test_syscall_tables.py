"""The numbers of system calls, beside the kernel's own headers. Debian's linux-libc-dev has both machines'."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox import network
from sandbox.agent import jail, landlock
from sandbox.agent.syscalls import NUMBERS

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
_DEFINED = re.compile(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)", re.MULTILINE)
_OTHER_NAMES = {"fstatat": "newfstatat"}


@pytest.fixture(params=HEADERS)
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def numbers(machine: str) -> dict[str, int]:
    """What the header says. Names that stand for one call of two widths have the 64-bit meaning."""
    header = HEADERS[machine]
    if not header.exists():
        pytest.skip(f"no {header}")
    found = {name: int(number) for name, number in _DEFINED.findall(header.read_text())}
    assert len(found) > 250
    return {_OTHER_NAMES.get(name, name): number for name, number in found.items()}


def test_every_number_is_the_kernels(machine: str, numbers: dict[str, int]) -> None:
    ours = NUMBERS[machine]
    assert {name: number for name, number in ours.items() if numbers.get(name) != number} == {}


def test_a_call_is_left_out_only_where_the_machine_lacks_it(machine: str, numbers: dict[str, int]) -> None:
    (other,) = NUMBERS.keys() - {machine}
    left_out = NUMBERS[other].keys() - NUMBERS[machine].keys()
    assert not left_out & numbers.keys()


def test_calls_beside_the_table(machine: str, numbers: dict[str, int]) -> None:
    assert network._CALLS[machine].items() <= numbers.items()
    assert jail._PIVOT_ROOT[machine] == numbers["pivot_root"]
    assert numbers["mount_setattr"] == jail._MOUNT_SETATTR
    made = landlock._CREATE_RULESET, landlock._ADD_RULE, landlock._RESTRICT_SELF
    assert made == tuple(
        numbers[f"landlock_{name}"] for name in ("create_ruleset", "add_rule", "restrict_self")
    )


def test_what_programs_may_never_make_is_in_no_table(machine: str) -> None:
    never = {"ptrace", "process_vm_readv", "process_vm_writev", "bpf", "io_uring_setup", "mount", "keyctl", "socket",
             "connect", "bind", "setns", "unshare",
             "perf_event_open", "userfaultfd", "kexec_load", "setuid"}  # fmt: skip
    assert not never & NUMBERS[machine].keys()
