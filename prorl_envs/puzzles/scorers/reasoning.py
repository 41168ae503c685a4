"""Puzzles whose answer is a conclusion, a ladder of words, a length of time or a measure of a triangle."""

from __future__ import annotations

import csv
import functools
import importlib.util
import re
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from prorl_envs.puzzles.games import propositions
from prorl_envs.puzzles.reading import bare, decimal_number
from prorl_envs.puzzles.rules import Entry, Rule

__all__ = ["RULES"]

_DAYS = re.compile(r"([0-9]{1,9})(?:\s++days?)?", re.ASCII | re.IGNORECASE)
_CLOCK = re.compile(
    r"(?:([0-9]{1,9})\s++days?,\s*+)?([0-9]{1,6}):([0-9]{1,2})(?::([0-9]{1,2}(?:\.[0-9]{1,9})?))?", re.ASCII
)
_POINT = re.compile(r"\(?\s*+([^\s,()]++)\s*+,\s*+([^\s,()]++)\s*+\)?")


def conclusion(answer: str, entry: Entry) -> float:
    """Any conclusion worth the name (`propositions.follows`), or the stored example."""
    candidate = propositions.read(answer)
    if candidate is None:
        return 0.0
    if candidate == propositions.read(str(entry.metadata.get("example_answer") or "")):
        return 1.0
    premises = [propositions.read(str(premise)) for premise in entry.metadata["premises"]]
    known = [premise for premise in premises if premise is not None]
    if len(known) != len(premises):
        raise ValueError("a premise is no formula")
    return float(propositions.follows(known, candidate, entry.metadata["variables"]))


def ladder(answer: str, entry: Entry) -> float:
    """Words of the list, each one letter from the last, from the first word to the last."""
    words = [word.strip() for word in answer.upper().split(",")]
    start, end = entry.metadata["start_word"], entry.metadata["end_word"]
    if len(words) < 2 or (words[0], words[-1]) != (start, end) or {len(word) for word in words} != {len(end)}:
        return 0.0
    steps = all(sum(a != b for a, b in zip(one, two, strict=True)) == 1 for one, two in pairwise(words))
    return float(steps and vocabulary(len(end)).issuperset(words))


@functools.cache
def vocabulary(length: int) -> frozenset[str]:
    """Reasoning Gym's words of a length, in upper case, read from its installed data."""
    spec = importlib.util.find_spec("reasoning_gym")
    assert spec is not None and spec.submodule_search_locations
    path = Path(next(iter(spec.submodule_search_locations))) / "data" / "words.csv"
    with path.open(encoding="utf-8", newline="") as file:
        column = f"{length}_letter"
        return frozenset(word.upper() for row in csv.DictReader(file) if (word := row.get(column)))


def duration(answer: str, entry: Entry) -> float:
    """The same length of time: days, a clock time, or days and a clock time."""
    found, right = _seconds(bare(answer), entry), _seconds(entry.answer.strip(), entry)
    return float(found is not None and found == right)


def _seconds(text: str, entry: Entry) -> Decimal | None:
    task = str(entry.metadata["task_type"])
    if task == "date":
        match = _DAYS.fullmatch(text)
        return Decimal(match.group(1)) if match else None
    clock = _CLOCK.fullmatch(text)
    if not clock or bool(clock.group(1)) != task.startswith("datetime"):
        return None
    days, hours, minutes, seconds = clock.groups()
    return Decimal(int(days or 0) * 86_400 + int(hours) * 3600 + int(minutes) * 60) + Decimal(seconds or 0)


def triangle(answer: str, entry: Entry) -> float:
    """The right angle to two decimals, radius to three, or orthocenter to three."""
    kind, data = entry.metadata["task_type"], entry.metadata
    if kind == "orthocenter":
        match = _POINT.fullmatch(answer)
        wanted = [float(Fraction(part)) for part in data["ortho"]]
        found = [_measure(part) for part in match.groups()] if match else []
        return float(len(found) == 2 and all(_equal(a, b, 3) for a, b in zip(found, wanted, strict=True)))
    if kind == "angle_measure":
        return float(
            _equal(_measure(answer.rstrip("°").rstrip()), float(entry.answer.strip().rstrip("°")), 2)
        )
    radius = _measure(answer)
    wanted_radius = float(data["incircle_radius_approx"])
    return float(
        answer == entry.answer.strip() or (radius is not None and abs(radius - wanted_radius) <= 0.001)
    )


def _measure(text: str) -> float | None:
    number: Decimal | None = decimal_number(text)
    return float(number) if number is not None else None


def _equal(found: float | None, right: float, places: int) -> bool:
    return found is not None and abs(found) < 1e12 and round(found, places) == round(right, places)


RULES: dict[str, Rule] = {
    "propositional_logic": Rule(
        conclusion,
        "a conclusion that needs the premises: not one of them, nor weakened from one; or the stored example",
        "1.0 for a premise handed back, 0.25 for a tautology or a variable, 0.05 for any formula",
        "echoing a premise earns 0.70 on average",
    ),
    "word_ladder": Rule(
        ladder,
        "a ladder of words from the list",
        "halved for each word that is not in the list",
        "changing one letter after the other, in any words, earns 0.27 on average",
    ),
    "time_intervals": Rule(
        duration,
        "the right length of time",
        "1 - distance / largest distance",
        "any short time earns up to 0.98",
    ),
    "advanced_geometry": Rule(
        triangle,
        "angle to 2 decimals, radius within 0.001, orthocenter to 3 decimals",
        "radius: only the exact text; 0.05 for any number, 0.01 for any text",
        "a free floor; 0.98 is 0.980",
    ),
}
