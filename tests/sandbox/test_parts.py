"""The parts that need no process: comparisons, plain data, filters, what is readable, which modules are loaded."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import math
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import InvalidProgramError, imports
from sandbox.agent import policy, scratch, seccomp, values
from sandbox.agent.syscalls import AUDIT_ARCH, NUMBERS
from sandbox.compare import PRESETS, compare_named
from sandbox.judge import call_accepts
from sandbox.reach import Interpreter, reach

eurus = PRESETS["eurus"].accepts
LINES = st.lists(st.sampled_from(["1", "2.5", "yes", " a b", "", "  ", "-0.0", "1e3"]), max_size=5)


@pytest.mark.parametrize(
    ("expected", "output", "accepted"),
    [
        ("42\n", "42", True),
        ("1\n2", "1\n2\n\n", True),
        ("1\n2", " 1 \n 2 ", True),
        ("1\n\n2", "1\n2", True),
        ("1\n2", "1\n\n2\n", True),
        ("a  b", "a b", False),
        ("3.0", "3", True),
        ("3", "3.0", False),
        ("0.5", ".5", True),
        ("1.5e3", "1500", True),
        ("1000000.0", "1000009", True),
        ("1000000.0", "1000011", False),
        ("0.0", "0.00000001", True),
        ("1.5\nYES", "1.50\nYES", False),
        ("1.5\n2", "1.500000001\n2", True),
        ("1.5\n2", "1.5\n2.0", False),
        ("nan", "nan", True),
        ("1.5", "nan", False),
        ("9" * 500 + ".0", "9" * 500 + ".1", False),
    ],
)
def test_eurus(expected: str, output: str, accepted: bool) -> None:
    assert eurus("", expected, output) is accepted


@given(LINES)
def test_eurus_accepts_itself_with_other_margins(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert eurus("", text, f"\n{text} \r\n")


@given(LINES, LINES)
def test_exact_implies_lines_implies_tokens(want: list[str], got: list[str]) -> None:
    pair = "", "\n".join(want), "\n".join(got)
    exact, lines, tokens = (PRESETS[name].accepts(*pair) for name in ("exact", "lines", "tokens"))
    assert exact <= lines <= tokens
    assert tokens <= PRESETS["float"].accepts(*pair)


@given(st.integers(), st.integers())
def test_integers_get_no_tolerance(want: int, got: int) -> None:
    for name in PRESETS:
        assert PRESETS[name].accepts("", str(want), str(got)) == (want == got)


@given(st.text(), st.text())
def test_comparisons_never_raise(expected: str, output: str) -> None:
    for compare in PRESETS.values():
        assert compare.accepts("", expected, output) in (True, False)


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(InvalidProgramError, match="loose"):
        compare_named("loose")


@pytest.mark.parametrize(
    ("expected", "result", "accepted"),
    [
        ([1, 2], (1, 2), True),
        ([[1, 2]], [1, 2], True),
        ([1, 2], 1, False),
        ([[[1, 2]]], [(1, 2)], True),
        ({"1": "a"}, {1: "a"}, True),
        ([{"-1": "a"}], [{-1: "a"}], True),
        (0.1, 0.1 + 1e-9, False),
        (float("nan"), float("nan"), False),
        ([], [], True),
        ([[]], [], True),
        ("1", 1, False),
    ],
)
def test_prime_compares_calls_like_this(expected: Any, result: Any, accepted: bool) -> None:
    assert call_accepts(expected, result) is accepted


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.integers()), inner, max_size=3)
    ),
    max_leaves=15,
)


@given(PLAIN)
def test_plain_data_survives_the_wire(value: Any) -> None:
    again = values.loads(values.dumps(value))
    assert again == value
    assert type(again) is type(value)


@given(st.sets(st.integers()), st.frozensets(st.text()), st.complex_numbers(allow_nan=False))
def test_rarer_plain_data_too(a: set[int], b: frozenset[str], c: complex) -> None:
    assert values.loads(values.dumps([a, b, c])) == [a, b, c]


def test_giants_nan_and_strangers() -> None:
    assert values.loads(values.dumps(-(7**90000))) == -(7**90000)
    assert math.isnan(values.loads(values.dumps(math.nan)))
    stranger = values.loads(values.dumps([object()]))[0]
    assert stranger != stranger
    with pytest.raises(values.NotPlainError):
        values.encode_plain([{"a": (object(),)}])
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(values.NotPlainError):
        values.dumps(endless)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"\xff", b'{"i": "zz"}', b'{"t": 1}', b'{"d": [[1]]}', b'{"s": [[1]]}', b'{"x": 1}', b'{"f": "1"}',
        b'{"a": 1, "b": 2}', b"{}", b"[" * 100_000, b'{"t":[' * 1000, b'{"b": "0"}', b'{"c": ["x"]}', b"9" * 10_000,
    ],
)  # fmt: skip
def test_what_no_encoder_wrote_is_refused(data: bytes) -> None:
    with pytest.raises(values.NotPlainError):
        values.loads(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_data_or_refused(data: bytes) -> None:
    with contextlib.suppress(values.NotPlainError):
        values.loads(data)


def verdict(compiled: seccomp.Filter, machine: str, number: int, *arguments: int) -> int:
    """Runs a filter as the kernel does."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=IIQ6Q", number, AUDIT_ARCH[machine], 0, *(a & (2**64 - 1) for a in padded))
    steps = list(struct.iter_unpack("=HBBI", bytes(compiled.code)))
    accumulator, at = 0, 0
    while True:
        code, yes, no, value = steps[at]
        at += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif code == 0x54:
            accumulator &= value
        elif code == 0x15:
            at += yes if accumulator == value else no
        elif code == 0x35:
            at += yes if accumulator >= value else no
        elif code == 0x05:
            at += value
        else:
            assert code == 0x06
            return value


DENIED = seccomp.refuse(errno.EPERM)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_filters_do_what_the_policy_says(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, seccomp.Filter] = {}
    original = seccomp.Filter

    def for_machine(rules: Any, default: int) -> seccomp.Filter:
        return original(rules, default, machine)

    monkeypatch.setattr(policy, "Filter", for_machine)
    made = {
        "base": policy.base_filter(),
        "test": policy.test_filter("python"),
        "tools": policy.test_filter("program"),
    }
    made["compiler"] = policy.test_filter("compiler")
    number = NUMBERS[machine]

    def asks(name: str, call: str, *arguments: int) -> int:
        return verdict(made[name], machine, number[call], *arguments)

    for call in (
        "read",
        "write",
        "mmap",
        "futex",
        "openat",
        "exit_group",
        "execve",
        "pidfd_open",
        "close_range",
    ):
        assert asks("base", call) == seccomp.ALLOW
    assert asks("base", "clone", 0x01200011) == seccomp.ALLOW
    assert asks("base", "clone", 0x10000011) == DENIED
    assert asks("base", "clone3") == seccomp.refuse(errno.ENOSYS)
    assert asks("base", "socketpair", 1, 1 | 0x80000) == seccomp.ALLOW
    assert asks("base", "socketpair", 1, 2) == DENIED
    assert asks("base", "sendto", 3, 0, 1, 0, 0, 0) == seccomp.ALLOW
    assert asks("base", "sendto", 3, 0, 1, 0, 1 << 40, 0) == DENIED
    assert asks("base", "ioctl", 0, 0x5412) == seccomp.refuse(errno.ENOTTY)
    assert asks("base", "fcntl", 0, 8) == DENIED
    assert asks("base", "fcntl", 0, 3) == seccomp.ALLOW
    assert asks("base", "prlimit64", 0, 3) == seccomp.ALLOW
    assert asks("base", "prlimit64", 1, 3) == asks("base", "truncate") == asks("base", "setsid") == DENIED
    assert asks("base", "landlock_restrict_self") == asks("base", "setpriority") == DENIED
    assert asks("test", "clone", 0x00010000) == seccomp.ALLOW
    assert asks("test", "clone", 0x01200011) == DENIED
    assert asks("test", "execve") == DENIED
    assert asks("tools", "execve") == seccomp.ALLOW
    assert asks("compiler", "clone", 0x01200011) == seccomp.ALLOW
    assert asks("compiler", "kill", policy.OWN_PID, 9) == DENIED
    assert asks("test", "kill", policy.OWN_PID, 9) == seccomp.ALLOW
    assert asks("test", "kill", 1, 9) == asks("test", "kill", -1, 9) == asks("test", "kill", 0, 9) == DENIED
    words = memoryview(made["test"].code).cast("I")
    for place in made["test"].places(policy.OWN_PID):
        words[place] = 77
    assert asks("test", "kill", 77, 9) == seccomp.ALLOW
    assert asks("test", "kill", policy.OWN_PID, 9) == DENIED
    assert asks("test", "prctl", 1) == asks("base", "prctl", 4) == DENIED
    assert asks("base", "prctl", 1) == seccomp.ALLOW
    assert asks("test", "prctl", 15) == seccomp.ALLOW
    for unknown in (41 if machine == "x86_64" else 198, 101 if machine == "x86_64" else 117):
        assert verdict(made["base"], machine, unknown) == DENIED, "socket and ptrace are in no table"
    assert verdict(made["base"], machine, 5000) == seccomp.refuse(errno.ENOSYS)
    if machine == "x86_64":
        assert verdict(made["base"], machine, 0x40000000) == seccomp.KILL


def test_another_architecture_is_killed() -> None:
    compiled = seccomp.Filter({}, seccomp.ALLOW, "x86_64")
    assert verdict(compiled, "aarch64", 0) == seccomp.KILL
    with pytest.raises(OSError, match="riscv"):
        seccomp.Filter({}, seccomp.ALLOW, "riscv64")


def test_numbers_agree_with_this_machine() -> None:
    number = NUMBERS[os.uname().machine]["getpid"]
    assert ctypes.CDLL(None).syscall(number) == os.getpid()


def test_wiping_survives_anything(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    top = tmp_path / "top"
    top.mkdir()
    (top / "link").symlink_to(outside)
    (top / "folder").mkdir()
    (top / "folder" / "link").symlink_to(outside)
    os.mkfifo(top / "pipe")
    (top / "closed" / "inner").mkdir(parents=True)
    (top / "closed" / "inner" / "file").touch()
    (top / "closed" / "inner").chmod(0)
    (top / "closed").chmod(0)
    at = os.open(top, os.O_RDONLY)
    deep = at
    for _ in range(1500):
        os.mkdir("d", dir_fd=deep)
        below = os.open("d", os.O_RDONLY, dir_fd=deep)
        if deep != at:
            os.close(deep)
        deep = below
    os.close(deep)
    top.chmod(0o500)
    scratch.wipe(at)
    os.close(at)
    assert list(top.iterdir()) == []
    assert top.stat().st_mode & 0o777 == 0o700
    assert (outside / "kept").read_text() == "x"


def test_packages_are_out_of_reach_but_numpy() -> None:
    import sys

    seen = reach(Interpreter.of(sys.executable), toolchains=False)
    site = {path for path in seen.hidden if path.endswith("-packages")}
    assert site
    assert all(Path(path).name in ("numpy", "numpy.libs") for path in seen.shown)
    assert not [tree for tree in seen.trees if tree in ("/", "/home", "/root", "/etc", "/tmp", "/usr")]


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import random, json as j\nfrom typing import List", ["json", "random", "typing"]),
        ("def f():\n    from decimal import *", ["decimal"]),
        ("import os, subprocess, antigravity, prorl_envs", []),
        ("x = 'import random'", ["random"]),
        ("", []),
    ],
)
def test_modules_that_a_program_wants(source: str, modules: list[str]) -> None:
    assert imports.wanted_modules(source) == modules


def test_prelude_hides_no_builtin() -> None:
    found = imports.prelude_for("pow gcd List deque json heappush unknown_name")
    names = {name or module for module, group in found.items() for name in group}
    assert names == {"gcd", "List", "deque", "json", "heappush"}
