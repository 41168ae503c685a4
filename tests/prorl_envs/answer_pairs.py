"""Pairs of a gold and a boxed answer, with the verdict a careful person gives: own writing, by the rule they try."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

__all__ = ["Pair", "pairs"]


class Pair(NamedTuple):
    """`equal` is whether `answer`, put into a box, answers `gold`."""

    group: str
    equal: bool
    gold: str
    answer: str


def pairs(domain: str) -> list[Pair]:
    """The pairs of "math" or "stem"."""
    text = (Path(__file__).parent / "pairs" / f"{domain}.jsonl").read_text(encoding="utf-8")
    return [Pair(**json.loads(line)) for line in text.splitlines()]
