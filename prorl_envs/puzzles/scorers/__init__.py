"""Strict scoring: one small rule per puzzle, by family; none executes, imports or trusts model text.

`RULES` holds the rule of each of Reasoning Gym's datasets but ``composite``, whose items are scored by the rule
of the dataset they came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from prorl_envs.errors import UnknownNameError
from prorl_envs.puzzles.rules import Entry, Rule
from prorl_envs.puzzles.scorers import algebra, grids, lists, moves, numeric, reasoning, texts

__all__ = ["RULES", "strict_score"]

_FAMILIES = (texts, numeric, algebra, grids, lists, moves, reasoning)

RULES: Mapping[str, Rule] = MappingProxyType(
    {name: rule for family in _FAMILIES for name, rule in family.RULES.items()}
)


def strict_score(task: str, answer: str, entry: Entry) -> float:
    """The strict value in [0, 1] of an answer without surrounding blanks.

    The stored answer is right as it stands; an empty answer is right only where the stored one is empty and the
    task's rule agrees.

    Raises:
        UnknownNameError: no such task; suggests the nearest.
        KeyError: the entry lacks a field that its task's rule needs.
    """
    if answer and answer == entry.answer and task in RULES:
        return 1.0
    rule = RULES.get(task)
    if rule is None:
        raise UnknownNameError("puzzle", task, RULES)
    return rule.score(answer, entry) if answer or not entry.answer.strip() else 0.0
