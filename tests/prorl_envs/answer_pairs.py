"""Pairs of a gold and a boxed answer, with the verdict a careful person gives: own writing, by the rule they try."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Labelled", "Pair", "pairs", "responses"]


class Pair(NamedTuple):
    """`equal` is whether `answer`, put into a box, answers `gold`."""

    group: str
    equal: bool
    gold: str
    answer: str


class Labelled(NamedTuple):
    """`equal` is whether the whole `response`, prose and boxes, answers `gold`."""

    gold: str
    equal: bool
    response: str


def responses(domain: str) -> list[Labelled]:
    """Whole responses with a verdict, for where the answer stands: several boxes, corrections, cut-off text."""
    return [Labelled(**row) for row in _rows(f"{domain}_responses")]


def pairs(domain: str) -> list[Pair]:
    """The pairs of "math" or "stem"."""
    return [Pair(**row) for row in _rows(domain)]


def _rows(name: str) -> list[dict[str, Any]]:
    text = (Path(__file__).parent / "pairs" / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
