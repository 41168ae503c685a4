"""What a strict scoring rule is: a pure function from an answer to [0, 1], and why it differs from upstream.

A rule pays 1 for a right answer. It pays less than 1, and more than 0, only for an answer that is right but
longer or in another form than asked for (a detour to the goal, a Python list where a grid was wanted).
*Nearly right is wrong*: closeness can be had without solving the puzzle, by a constant guess, an echo of the
question, or a hedge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

__all__ = ["Entry", "Rule", "Score"]


class Entry(NamedTuple):
    """One stored puzzle.

    Attributes:
        question: what was asked.
        answer: upstream's answer, "" where upstream has none.
        metadata: upstream's metadata as JSON keeps it (lists for tuples, texts for keys).
        config: the settings that differ from the task's defaults.
    """

    question: str
    answer: str
    metadata: Mapping[str, Any]
    config: Mapping[str, Any]


Score: TypeAlias = Callable[[str, Entry], float]
"""From an answer without surrounding blanks to a value in [0, 1]. Never raises on any text."""


@dataclass(frozen=True)
class Rule:
    """A strict rule and its row in the table of differences.

    Attributes:
        score: the rule as code.
        strict: the rule in words.
        upstream: what upstream does otherwise, in words.
        why: why that is not kept.
    """

    score: Score
    strict: str
    upstream: str
    why: str
