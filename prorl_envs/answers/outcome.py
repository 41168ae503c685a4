"""What a comparison of two answers says, and by which rule."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["UNDECIDED", "Outcome", "differ", "same"]


class Outcome(NamedTuple):
    """`equal` is None when no rule could tell; `rule` names the one that decided."""

    equal: bool | None
    rule: str

    @property
    def decided(self) -> bool:
        """Whether a rule could tell."""
        return self.equal is not None


UNDECIDED = Outcome(None, "undecided")


def same(rule: str) -> Outcome:
    """The answers are equal, says `rule`."""
    return Outcome(True, rule)


def differ(rule: str) -> Outcome:
    """The answers differ, says `rule`."""
    return Outcome(False, rule)
