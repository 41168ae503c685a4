"""Length-adaptive reward (LASER and LASER-D, arXiv 2505.15612): a bonus for correct responses within a target length.

The bonus is a step, so that there is nothing to gain from being shorter still.

    extensions: {laser: {target: 4096}}                      LASER: one fixed target
    extensions: {laser: {shortest: 1024, interval: 1024}}    LASER-D: targets that follow the policy

LASER-D has a target for easy, medium and hard prompts (at least 2/3, at least 1/3, and fewer of a group correct).
Each is the shortest of the grid within which one of the correct responses that such a group has at least (2 G / 3,
G / 3, 1) is still to be expected: easy prompts are soon held to short answers, hard ones never.

Where this differs from the paper: it measures lengths on 500 fixed problems every 20 updates; here the last `window`
groups of training of each kind are the measure. Each process of a run adapts to its own groups.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.prorl.config import RunConfig
from adapters.prorl.extension import Extension
from adapters.prorl.sampling.groups import Group
from prorl_envs.errors import ConfigError

__all__ = ["Laser", "shortest_target"]

_LEVELS = {"easy": 2 / 3, "medium": 1 / 3, "hard": 0.0}
"""The least share of correct responses of a prompt of each kind, easiest first."""


class Laser(Extension):
    """Adds `bonus` to correct responses that are no longer than the target.

    Args:
        target: tokens; None adapts it.
        bonus: the paper's is 0.5.
        shortest: the shortest target that may be chosen.
        interval: tokens between the targets that may be chosen.
        window: groups of each kind that are remembered.
    """

    def __init__(
        self,
        target: int | None = None,
        bonus: float = 0.5,
        shortest: int = 1024,
        interval: int = 1024,
        window: int = 500,
    ) -> None:
        if min(target or 1, shortest, interval, window) < 1 or bonus <= 0:
            raise ValueError("target, shortest, interval and window must be at least 1, and bonus above 0")
        self._target, self._bonus, self._shortest, self._interval = target, bonus, shortest, interval
        self._lengths: dict[str, deque[list[int]]] = {level: deque(maxlen=window) for level in _LEVELS}
        self._cap, self._step = shortest, -1
        self.targets: dict[str, int] = {}

    def check(self, config: RunConfig) -> None:
        """Learns the cap; see `Extension.check`."""
        self._cap = config.rollout.max_response_tokens
        if (self._target or self._shortest) > self._cap:
            raise ConfigError(
                f"extensions.laser: target and shortest must not exceed rollout.max_response_tokens ({self._cap})"
            )
        self.targets = dict.fromkeys(_LEVELS, self._target or self._cap)

    def rewards(self, group: Group, rewards: list[float | None], step: int) -> list[float | None]:
        """See `Extension.rewards`."""
        views = [verdict.correct for verdict in group.verdicts if verdict.correct is not None]
        if not views:
            return rewards
        if self._target is None and step != self._step:
            self._adapt(len(group.verdicts))
            self._step = step
        share = sum(views) / len(views)
        level = next(level for level, least in _LEVELS.items() if share >= least)
        lengths = [len(ids) for ids in group.response_ids]
        self._lengths[level].append(lengths)
        within = [length <= self.targets[level] for length in lengths]
        return [
            reward + self._bonus if reward is not None and verdict.correct and short else reward
            for reward, verdict, short in zip(rewards, group.verdicts, within, strict=True)
        ]

    def _adapt(self, size: int) -> None:
        """Chooses the targets of a step from the groups of the steps before."""
        for level, least in _LEVELS.items():
            lengths = [length for row in self._lengths[level] for length in row]
            grid = range(self._shortest, self._cap, self._interval)
            self.targets[level] = shortest_target(lengths, max(int(size * least), 1), grid, self._cap)

    def state_dict(self) -> dict[str, Any]:
        """See `Extension.state_dict`."""
        return {
            "step": self._step,
            "targets": dict(self.targets),
            "lengths": {k: list(v) for k, v in self._lengths.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Extension.load_state_dict`."""
        self._step, self.targets = int(state["step"]), dict(state["targets"])
        for level, rows in state["lengths"].items():
            self._lengths[level].clear()
            self._lengths[level].extend(rows)


def shortest_target(lengths: Sequence[int], correct: int, grid: Sequence[int], cap: int) -> int:
    """The shortest length of `grid` within which one correct response is to be expected; `cap` if there is none.

    Args:
        lengths: of the responses seen, tokens.
        correct: correct responses that a group has at least.
        grid: lengths to choose from, ascending.
        cap: tokens of the longest response.
    """
    for target in grid if lengths else ():
        if sum(length <= target for length in lengths) * correct >= len(lengths):
            return target
    return cap
