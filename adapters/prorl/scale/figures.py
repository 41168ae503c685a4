"""What a step's responses say in numbers, over all processes: rewards, lengths, keep rate, shares of correct answers.

Every process sends the figures of its groups, without texts and tokens, so that means and shares are taken over all
responses of the step exactly as a single process would take them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from adapters.prorl.sampling.groups import Group, StepCounts
from adapters.prorl.scale.processes import Processes
from adapters.prorl.watching.tally import Tally
from prorl_envs.core import Task

__all__ = ["GroupFigures", "StepFigures", "figures_of", "shares_by_component", "step_metrics"]

_OF_THE_SLOWEST = frozenset({"rounds", "generation_s", "scoring_s", "scoring_wait_s"})


@dataclass(frozen=True)
class GroupFigures:
    """One group without its texts; lists have one item per response.

    Attributes:
        component: of the mixture.
        rewards: None where the verdict failed.
        shaped: the same as they reached the update, after shaping and extensions.
        correct: the strict view; None where the verdict failed.
        lengths: in tokens.
        finished: whether it came to its end token, rather than to the cap.
    """

    component: str
    rewards: list[float | None]
    shaped: list[float | None]
    correct: list[bool | None]
    lengths: list[int]
    finished: list[bool]


@dataclass(frozen=True)
class StepFigures:
    """One step over all processes.

    Attributes:
        counts: sums over the processes; rounds and times are those of the slowest. ``kept`` is empty.
        groups: all that reached the update.
    """

    counts: StepCounts
    groups: list[GroupFigures]


def figures_of(counts: StepCounts, component: Callable[[Task], str], processes: Processes) -> StepFigures:
    """The figures of a step, the same on every process. All of them must call it.

    Args:
        counts: of this process.
        component: names the component of a task.
        processes: that made the step together.
    """
    mine = [_figures(group, component(group.task)) for group in counts.kept]
    everywhere = processes.gather((replace(counts, kept=[]), mine))
    return StepFigures(
        _summed([one for one, _ in everywhere]), [g for _, groups in everywhere for g in groups]
    )


def step_metrics(figures: StepFigures, seconds: float) -> dict[str, Any]:
    """The numbers of one step's sampling.

    Args:
        figures: of the step.
        seconds: of the whole step; what neither generation nor scoring took is the update.
    """
    counts, groups = figures.counts, figures.groups
    known = [reward for group in groups for reward in group.rewards if reward is not None]
    lengths = [length for group in groups for length in group.lengths]
    finished = [flag for group in groups for flag in group.finished]
    shaped = [reward for group in groups for reward in group.shaped if reward is not None]
    return {
        "reward": sum(known) / len(known) if known else None,
        "reward_shaped": sum(shaped) / len(shaped) if shaped else None,
        "reward_std": _mean_std(groups),
        "length": sum(lengths) / len(lengths),
        "truncated": 1 - sum(finished) / len(finished),
        "failed": counts.failed,
        "keep_rate": counts.live / max(counts.sampled, 1),
        "groups_sampled": counts.sampled,
        "rounds": counts.rounds,
        "passed_over": counts.passed_over,
        "retried": counts.retried,
        "revived": counts.revived,
        "tokens": counts.tokens,
        "tokens_per_s": counts.tokens / seconds,
        "generation_s": counts.generation_s,
        "scoring_s": counts.scoring_s,
        "scoring_wait_s": counts.scoring_wait_s,
        "update_s": max(seconds - counts.generation_s - counts.scoring_wait_s, 0.0),
    }


def shares_by_component(groups: Sequence[GroupFigures]) -> dict[str, float]:
    """The share of correct responses by component, failed ones left out."""
    right, known = Counter[str](), Counter[str]()
    for group in groups:
        judged = [flag for flag in group.correct if flag is not None]
        right[group.component] += sum(judged)
        known[group.component] += len(judged)
    return {name: right[name] / known[name] for name in sorted(known) if known[name]}


def _figures(group: Group, component: str) -> GroupFigures:
    return GroupFigures(
        component=component,
        rewards=group.rewards,
        shaped=group.shaped,
        correct=[verdict.correct for verdict in group.verdicts],
        lengths=[len(ids) for ids in group.response_ids],
        finished=group.finished,
    )


def _summed(parts: Sequence[StepCounts]) -> StepCounts:
    """Sums; of rounds and times the largest, since processes work at the same time."""
    tally = Tally()
    for part in parts:
        tally.merge(part.tally)
    numbers = {
        item.name: (max if item.name in _OF_THE_SLOWEST else sum)(getattr(part, item.name) for part in parts)
        for item in fields(StepCounts)
        if item.name not in ("kept", "tally")
    }
    return StepCounts(tally=tally, **numbers)


def _mean_std(groups: Sequence[GroupFigures]) -> float | None:
    """The mean over groups of the standard deviation of their rewards."""
    spreads = []
    for group in groups:
        known = [reward for reward in group.rewards if reward is not None]
        if known:
            mean = sum(known) / len(known)
            spreads.append(math.sqrt(sum((reward - mean) ** 2 for reward in known) / len(known)))
    return sum(spreads) / len(spreads) if spreads else None
