"""SciBench's golds: each is accepted in the ways people write a quantity, and refused when it is another number."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from prorl_envs.core import Task
from prorl_envs.verifiers.stem_answer import StemVerifier

VERIFIER = StemVerifier()
_POWER = re.compile(r"^\$?\s*10\^\{?\s*(-?\d+)\s*\}?")
_UPRIGHT = re.compile(r"\\(?:mathrm|text)\s*\{\s*~?\s*([^{}]*)\}")


@pytest.fixture(scope="module")
def problems(shared_data: Path) -> list[dict[str, str]]:
    files = sorted((shared_data / "stem" / "scibench").glob("*.json"))
    return [row for path in files for row in json.loads(path.read_text(encoding="utf-8"))]


def written(number: str, unit: str) -> Iterator[str]:
    """Seven spellings of one quantity: with LaTeX units, plain units, scientific notation, a name, a hedge."""
    number, unit = number.strip().lstrip("+"), unit.strip()
    power = _POWER.match(unit)
    exponent = int(power.group(1)) if power else 0
    rest = unit[power.end() :] if power else unit
    marked = ("$" + rest if power and unit.startswith("$") else rest).strip()
    marked = "" if not marked.strip("$ ") else marked
    bare = marked.strip("$ ")
    full = f"{number} \\times 10^{{{exponent}}}" if exponent else number
    mantissa, _, size = f"{float(number) * 10.0**exponent:.12e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    yield f"{full} {marked}"
    yield f"{full}\\ {bare}"
    yield f"{mantissa}e{int(size)} {bare}"
    yield f"{mantissa} \\times 10^{{{int(size)}}}\\ {bare}"
    yield f"x = {full} \\, {bare}"
    yield f"\\approx {full}~{bare}"
    yield full + " " + _UPRIGHT.sub(r"\1 ", bare).replace("~", " ").replace("\\mu ", "μ")


def accepted(problem: dict[str, str], answer: str) -> bool | None:
    task = Task(
        "stem", problem["problem_text"], {"answer": problem["answer_number"], "unit": problem["unit"]}
    )
    return VERIFIER.verify(f"\\boxed{{{answer}}}", task).correct


def test_every_gold_is_accepted_in_every_spelling(problems: list[dict[str, str]]) -> None:
    assert len(problems) == 416
    refused = [
        (form, row["answer_number"], row["unit"])
        for row in problems
        for form in written(row["answer_number"], row["unit"])
        if not accepted(row, form)
    ]
    assert not refused


@pytest.mark.parametrize("factor", [1.2, 10.0, -1.0, 0.5])
def test_another_number_is_refused(problems: list[dict[str, str]], factor: float) -> None:
    for row in problems:
        value = float(row["answer_number"])
        if value:
            assert not accepted(row, next(written(repr(value * factor), row["unit"]))), row


def test_another_dimension_is_refused(problems: list[dict[str, str]]) -> None:
    """A number in farads per tesla answers nothing in SciBench that has a unit."""
    for row in problems:
        if (
            row["unit"].strip(" $\r\n")
            and "circ" not in row["unit"]
            and not _POWER.fullmatch(row["unit"].strip("$ "))
        ):
            assert not accepted(row, f"{row['answer_number']} \\text{{ F/T}}") or _counts(row["unit"]), row


def _counts(unit: str) -> bool:
    """Units that are no physical dimension: percent, decibels, photons."""
    return bool(re.search(r"%|dB|photons|electrons|10\^", unit))
