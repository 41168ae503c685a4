"""Strict scoring: one small rule per puzzle, by family; none executes, imports or trusts model text.

`RULES` holds the rule of each of Reasoning Gym's datasets but ``composite``, whose items are scored by the rule
of the dataset they came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from prorl_envs.puzzles.rules import Entry, Rule
from prorl_envs.puzzles.scorers import numeric, texts

__all__ = ["RULES", "strict_score"]

RULES: Mapping[str, Rule] = MappingProxyType({**texts.RULES, **numeric.RULES})


def strict_score(task: str, answer: str, entry: Entry) -> float:
    """The strict value in [0, 1] of an answer without surrounding blanks.

    Raises:
        KeyError: the entry lacks a field that its task's rule needs, or the task has no rule.
    """
    if not answer and entry.answer.strip():
        return 0.0
    rule = RULES.get(task)
    return rule.score(answer, entry) if rule else texts.exact(answer, entry)
