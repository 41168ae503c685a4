r"""Congruences: ``n \\equiv 0, 2 \\pmod 6`` as a set of residues."""

from __future__ import annotations

import re

from prorl_envs.answers.outcome import UNDECIDED, Outcome

__all__ = ["compare_residues", "residues"]

_CONGRUENCE = re.compile(
    r"^(?:[^=<>]{0,20}\\equiv)?\s*+(?P<residues>[-+\d\s,]{1,200}|[-+\d\s,]{1,200}\\text\{\s*(?:or|and)\s*\}[-+\d\s]{1,9})"
    r"\s*+\(?\s*+\\?(?:pmod|bmod|mod)\s*+\{?\s*+(?P<modulus>\d{1,9})\s*+\}?\s*+\)?$"
)


def compare_residues(gold: str, answer: str) -> Outcome:
    """Two cleaned congruences with numbers; undecided unless both are."""
    first, second = residues(gold), residues(answer)
    if first is None or second is None:
        return UNDECIDED
    return Outcome(first == second, "residues")


def residues(text: str) -> tuple[int, frozenset[int]] | None:
    """The modulus and the residues of a cleaned congruence with numbers, None for other texts."""
    match = _CONGRUENCE.match(text)
    if match is None or int(match["modulus"]) == 0:
        return None
    numbers = re.findall(r"[-+]?\d{1,15}", match["residues"])
    modulus = int(match["modulus"])
    return (modulus, frozenset(int(number) % modulus for number in numbers)) if numbers else None
