"""What became of every response of a step, also of those whose groups were not trained on.

Dynamic sampling keeps the groups that carry a gradient. Rates taken over those alone flatter a policy that answers
nothing: its groups are dead, and gone before anyone counts. So this counts everything that was sampled.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prorl_envs.core import Status, Verdict

__all__ = ["Mean", "Tally", "differ", "percentile"]

_LEAST_DIFFERENCE = 1e-6
"""Rewards nearer to each other than this are equal: sums of partial credit are no exact numbers."""


@dataclass
class Mean:
    """A mean under way. `total` is the sum of `count` values."""

    total: float = 0.0
    count: int = 0

    def add(self, value: float, count: int = 1) -> None:
        """One more value, or the sum of `count` of them."""
        self.total += value
        self.count += count

    @property
    def value(self) -> float | None:
        """The mean; None of nothing."""
        return self.total / self.count if self.count else None


@dataclass
class Tally:
    """Counts of one step's responses. Tallies of several processes add up (`merge`).

    Attributes:
        groups: groups sampled.
        alive: those whose rewards differ.
        all_right: dead groups in which every judged reward is 1.
        all_wrong: dead groups in which every judged reward is 0.
        statuses: responses by `prorl_envs.core.Status`.
        cut: responses that came to the cap rather than to an end token.
        lengths: tokens of each response.
        by_component: mean reward by component of the mixture.
        by_domain: mean reward by domain.
    """

    groups: int = 0
    alive: int = 0
    all_right: int = 0
    all_wrong: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    cut: int = 0
    lengths: list[int] = field(default_factory=list)
    by_component: dict[str, Mean] = field(default_factory=dict)
    by_domain: dict[str, Mean] = field(default_factory=dict)

    def add(
        self,
        responses: Sequence[Sequence[int]],
        verdicts: Sequence[Verdict],
        rewards: Sequence[float | None],
        finished: Sequence[bool],
        *,
        domain: str,
        component: str,
    ) -> None:
        """Counts one group.

        Args:
            responses: G responses as tokens.
            verdicts: G verdicts.
            rewards: G rewards as they are trained on; None where the verdict failed.
            finished: for each response whether it came to an end token, rather than to the cap.
            domain: of the problem.
            component: of the mixture.
        """
        known = [reward for reward in rewards if reward is not None]
        self.groups += 1
        self.alive += differ(known)
        self.all_right += bool(known) and min(known) >= 1.0
        self.all_wrong += bool(known) and max(known) <= 0.0
        self.statuses.update(verdict.status.value for verdict in verdicts)
        self.cut += finished.count(False)
        self.lengths += map(len, responses)
        self.by_component.setdefault(component, Mean()).add(sum(known), len(known))
        self.by_domain.setdefault(domain, Mean()).add(sum(known), len(known))

    def merge(self, other: Tally) -> None:
        """Adds what another process counted in the same step."""
        self.groups += other.groups
        self.alive += other.alive
        self.all_right += other.all_right
        self.all_wrong += other.all_wrong
        self.statuses += other.statuses
        self.cut += other.cut
        self.lengths += other.lengths
        for mine, theirs in ((self.by_component, other.by_component), (self.by_domain, other.by_domain)):
            for name, mean in theirs.items():
                mine.setdefault(name, Mean()).add(mean.total, mean.count)

    def metrics(self) -> dict[str, Any]:
        """The rates of a step, by their names in a line of metrics (``docs/watch.md``)."""
        responses = max(len(self.lengths), 1)
        groups = max(self.groups, 1)
        rewards = Mean()
        for mean in self.by_domain.values():
            rewards.add(mean.total, mean.count)
        return {
            "reward_sampled": rewards.value,
            "length_sampled": sum(self.lengths) / responses,
            "length_p95": percentile(self.lengths, 0.95),
            "truncated_sampled": self.cut / responses,
            "no_answer": self.statuses[Status.NO_ANSWER.value] / responses,
            "unclosed": self.statuses[Status.TRUNCATED.value] / responses,
            "timeout": self.statuses[Status.TIMEOUT.value] / responses,
            "unjudged": self.statuses[Status.FAILED.value] / responses,
            "dead": 1.0 - self.alive / groups,
            "dead_right": self.all_right / groups,
            "dead_wrong": self.all_wrong / groups,
            "reward_by_component": _values(self.by_component),
            "reward_by_domain": _values(self.by_domain),
        }


def differ(rewards: Sequence[float]) -> bool:
    """Whether rewards of one group are not all the same, so that the group has a gradient."""
    return bool(rewards) and max(rewards) - min(rewards) > _LEAST_DIFFERENCE


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least `share` of the values do not exceed (nearest rank); None of nothing."""
    if not values:
        return None
    return float(sorted(values)[max(math.ceil(share * len(values)) - 1, 0)])


def _values(means: Mapping[str, Mean]) -> dict[str, float]:
    return {name: mean.value for name, mean in sorted(means.items()) if mean.value is not None}
