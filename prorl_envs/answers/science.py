"""Gold against answer in the sciences: the gold is typed first, then compared by its type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prorl_envs.answers.choices import compare_choices, gold_choices
from prorl_envs.answers.compare import compare
from prorl_envs.answers.outcome import Outcome, differ
from prorl_envs.answers.quantities import MissingUnit, compare_quantities, parse_quantity

__all__ = ["Terms", "compare_science"]


@dataclass(frozen=True)
class Terms:
    """How an answer is to be compared: the task's `unit`, `choices` and `rel_tol`, the verifier's `missing_unit`."""

    unit: str | None = None
    choices: Sequence[str] = ()
    rel_tol: float | None = None
    missing_unit: MissingUnit = "accept"


def compare_science(gold: str, answer: str, terms: Terms) -> Outcome:
    """Whether `answer` is `gold`."""
    if gold_choices(gold) is not None:
        outcome = compare_choices(gold, answer, terms.choices)
        return outcome if outcome.decided else differ("choice")
    wanted = parse_quantity(gold, terms.unit)
    if wanted is not None:
        given = parse_quantity(answer)
        if given is not None:
            return compare_quantities(wanted, given, rel_tol=terms.rel_tol, missing_unit=terms.missing_unit)
    return compare(gold, answer)
