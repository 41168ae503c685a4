"""Programs that try to cheat, to break out, or to break the judge, and honest ones beside them.

A *probe* prints BREACH if what it tries succeeds; BREACH is what its test expects, so a probe that passes is a
breach. A *cheat* is judged on an ordinary task and must not get what it did not earn. An *honest* program must
pass. ``@NAME@`` in a source stands for a canary of this machine (see ``conftest.py``).
"""

from __future__ import annotations

import importlib
import textwrap
from dataclasses import dataclass, field, replace

from sandbox import CallTest, Limits, StdinTest

CATEGORIES = (
    "integrity", "comparison", "timing", "processes", "memory", "files", "network", "kernel", "source", "honest",
    "idioms",
)  # fmt: skip

DOUBLING = tuple(StdinTest(str(n), str(2 * n)) for n in (3, 141, 59265))


@dataclass(frozen=True)
class Case:
    """One program, and the share of its tests that it deserves."""

    name: str
    source: str
    tests: tuple[StdinTest | CallTest, ...]
    deserves: float = 0.0
    fn_name: str | None = None
    compare: str = "eurus"
    limits: Limits = field(default_factory=lambda: Limits(total_s=20, memory_bytes=512 << 20))
    needs: str = ""
    says: str | None = None


def probe(name: str, body: str, **more: object) -> Case:
    """`body` is that of a function that returns whether the breach succeeded; any error means it did not."""
    source = (
        f"def attempt():\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n"
        "try:\n    won = attempt()\nexcept BaseException:\n    won = False\n"
        "print('BREACH' if won else 'HELD')\n"
    )
    return Case(name, source, (StdinTest("", "BREACH"),), says="HELD", **more)  # type: ignore[arg-type]


def cheat(name: str, source: str, **more: object) -> Case:
    """A program that has to double a number, and does not."""
    return Case(name, textwrap.dedent(source).lstrip("\n"), more.pop("tests", DOUBLING), **more)  # type: ignore[arg-type]


def honest(name: str, source: str, stdin: str, expected: str, **more: object) -> Case:
    """A program that deserves to pass."""
    return Case(
        name, textwrap.dedent(source).lstrip("\n"), (StdinTest(stdin, expected),), deserves=1.0, **more
    )  # type: ignore[arg-type]


def all_cases() -> list[Case]:
    """Every case, of every category."""
    found: list[Case] = []
    for category in CATEGORIES:
        cases = importlib.import_module(f"{__name__}.{category}").CASES
        found += [replace(case, name=f"{category}-{case.name}") for case in cases]
    return found
