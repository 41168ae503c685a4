"""Compositions of string functions: the problems of the boundary experiment, as an environment of their own.

A problem names functions and a string, ``RD abc``: apply R (reverse), then D (double the first letter). The answer is
the last line of a response; the lines before it are free, and a model may use them to apply one function at a time::

    RD abc            the prompt
    D cba             R is applied, D is left
    ccba              the answer

*Pairs* of neighbouring functions decide what is new: a quarter of the ordered pairs never occurs in training, so
that a composition made of held-out pairs alone shares no step-to-step transition with anything that was rewarded.

Importing this module registers ``strings/Depth2-v0`` and ``strings/Depth3-v0``, as a plug-in's module would.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, product
from types import MappingProxyType
from typing import ClassVar, Literal

from prorl_envs.core import Status, Task, Verdict
from prorl_envs.errors import TaskError
from prorl_envs.extract import Section
from prorl_envs.registry import EnvironmentSpec, register_environment
from prorl_envs.verifiers.base import BaseVerifier

__all__ = [
    "DOMAIN",
    "FUNCTIONS",
    "HELD_OUT",
    "StringVerifier",
    "apply",
    "chain",
    "random_string",
    "sample_tasks",
]

DOMAIN = "strings"
LETTERS = "abcdefgh"
LENGTHS = (4, 5)
"""Letters of a problem's string."""


def _shifted(step: int) -> Callable[[str], str]:
    return lambda text: "".join(LETTERS[(LETTERS.index(char) + step) % len(LETTERS)] for char in text)


FUNCTIONS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "R": lambda text: text[::-1],
        "L": lambda text: text[1:] + text[:1],
        "T": lambda text: text[-1:] + text[:-1],
        "S": lambda text: text[-1] + text[1:-1] + text[0] if len(text) > 1 else text,
        "X": lambda text: text[1::-1] + text[2:],
        "F": lambda text: text[1:] if len(text) > 1 else text,
        "B": lambda text: text[:-1] if len(text) > 1 else text,
        "D": lambda text: text[0] + text,
        "E": lambda text: text + text[-1],
        "N": _shifted(1),
        "P": _shifted(-1),
        "H": lambda text: text[:1] + text[:0:-1],
    }
)
"""Reverse; rotate left, right; swap the ends, the first two; drop the first, the last; double the first, the last;
every letter's successor, predecessor; reverse all but the first. A string never gets shorter than one letter."""

Pairs = Literal["trained", "held out", "any"]


def _held_out() -> frozenset[str]:
    pairs = ["".join(pair) for pair in product(FUNCTIONS, repeat=2)]
    return frozenset(random.Random("held-out pairs").sample(pairs, len(pairs) // 4))


HELD_OUT = _held_out()
"""A quarter of the ordered pairs of functions; no training problem applies one of them in a row."""


def apply(program: str, text: str) -> str:
    """The result of the functions named by `program`, from left to right."""
    for name in program:
        text = FUNCTIONS[name](text)
    return text


def chain(program: str, text: str) -> str:
    """The response that applies one function per line: each line holds what is left to do, and the string so far."""
    lines = [f"{program[done:]} {apply(program[:done], text)}" for done in range(1, len(program))]
    return "\n".join([*lines, apply(program, text)])


def random_string(rng: random.Random, lengths: Sequence[int] = LENGTHS) -> str:
    """Letters drawn uniformly; the length too."""
    return "".join(rng.choices(LETTERS, k=rng.choice(lengths)))


def random_program(rng: random.Random, depth: int, pairs: Pairs) -> str:
    """A composition of `depth` functions whose neighbours are all trained pairs, all held out, or any."""
    while True:
        program = "".join(rng.choices(tuple(FUNCTIONS), k=depth))
        inside = [a + b in HELD_OUT for a, b in pairwise(program)]
        if pairs == "any" or all(held == (pairs == "held out") for held in inside):
            return program


def sample_tasks(depth: int, pairs: Pairs, size: int, *, seed: str) -> list[Task]:
    """`size` different problems of one depth.

    Args:
        depth: functions in a row.
        pairs: which neighbours occur.
        size: how many.
        seed: decides them.
    """
    rng = random.Random(f"{seed}:{depth}:{pairs}")
    tasks: dict[str, Task] = {}
    while len(tasks) < size:
        program, text = random_program(rng, depth, pairs), random_string(rng)
        tasks.setdefault(
            f"{program} {text}",
            Task(
                domain=DOMAIN,
                prompt=f"{program} {text}",
                truth={"answer": apply(program, text)},
                source=f"depth {depth}",
                meta={"program": program},
            ),
        )
    return list(tasks.values())


class StringVerifier(BaseVerifier):
    """Right when the last line of the response is the answer, exactly."""

    domain: ClassVar[str] = DOMAIN

    def judge(self, section: Section, task: Task) -> Verdict:
        """Compares the last line."""
        lines = section.text.strip().splitlines()
        if not lines:
            return Verdict.bad(Status.NO_ANSWER, detail="an empty response")
        return Verdict.binary(lines[-1].strip() == task.truth["answer"], detail="the last line")

    def check(self, task: Task) -> None:
        """Raises `TaskError` unless the answer is a text."""
        if not isinstance(task.truth.get("answer"), str):
            raise TaskError("truth.answer must be a text")


for _depth in (2, 3):
    register_environment(
        EnvironmentSpec(
            f"strings/Depth{_depth}-v0",
            domain=DOMAIN,
            kind="binary",
            verifier="benchmarks.boundary.strings:StringVerifier",
            description=f"{_depth} string functions in a row",
            options=MappingProxyType({"tasks": sample_tasks(_depth, "trained", 6000, seed="train")}),
        )
    )
