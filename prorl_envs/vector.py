"""The vector environment: a whole batch of responses is scored at once.

envs = gymnasium.make_vec("prorl/Math-v0", num_envs=64, autoreset_mode="SameStep")
prompts, info = envs.reset(seed=0)
prompts, rewards, ended, _, info = envs.step(generate(prompts))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from prorl_envs.core import Task, Verdict
from prorl_envs.env import VerifiableEnv

__all__ = ["VerifiableVectorEnv"]


class VerifiableVectorEnv(VectorEnv[tuple[str, ...], tuple[str, ...], Any]):
    """`num_envs` environments over the same tasks, scored in one batch a step. Equal to `SyncVectorEnv` of them.

    Args:
        num_envs: B, the number of environments.
        autoreset_mode: Gymnasium's modes; by default the step after an episode's end resets it. With
            ``SAME_STEP`` every step judges B responses and returns the next B prompts.
        kwargs: as of `VerifiableEnv`.
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        tasks: Sequence[Task | Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**VerifiableEnv.metadata, "autoreset_mode": self.autoreset_mode}
        self.num_envs = num_envs
        first = VerifiableEnv(tasks=tasks, **kwargs)
        rest = {**_without_recipe(kwargs), "tasks": first.tasks}
        self.envs = [first, *(VerifiableEnv(**rest) for _ in range(num_envs - 1))]
        self.render_mode = first.render_mode
        self.single_observation_space = first.observation_space
        self.single_action_space = first.action_space
        self.observation_space = batch_space(first.observation_space, num_envs)
        self.action_space = batch_space(first.action_space, num_envs)
        self._ended = np.zeros(num_envs, dtype=np.bool_)
        self._observations = [""] * num_envs

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        """B prompts. An integer seed s seeds the environments with s, s + 1, ...; ``reset_mask`` picks some."""
        options = dict(options or {})
        mask = options.pop("reset_mask", np.ones(self.num_envs, dtype=np.bool_))
        seeds = _spread(seed, self.num_envs)
        infos: dict[str, Any] = {}
        for index in np.flatnonzero(mask):
            self._observations[index], info = self.envs[index].reset(seed=seeds[index], options=options)
            infos = self._add_info(infos, info, int(index))
            self._ended[index] = False
        return tuple(self._observations), infos

    def step(
        self, actions: Sequence[str]
    ) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Judges one response for each environment, all in one batch.

        Args:
            actions: B responses; those of environments that only reset in this step are not looked at.

        Returns:
            B observations, rewards (float64, B), terminations and truncations (bool, B), and the vector info.
        """
        if len(actions) != self.num_envs:
            raise ValueError(f"{self.num_envs} environments need as many actions, not {len(actions)}")
        live = [index for index in range(self.num_envs) if not self._ended[index]]
        verdicts = self._score(live, [actions[index] for index in live])
        rewards = np.zeros(self.num_envs, dtype=np.float64)
        ended = np.zeros(self.num_envs, dtype=np.bool_)
        infos: dict[str, Any] = {}
        for index, env in enumerate(self.envs):
            if index not in verdicts:
                self._observations[index], info = env.reset()
            else:
                outcome = env.conclude(actions[index], verdicts[index])
                self._observations[index], rewards[index], ended[index], _, info = outcome
                if self.autoreset_mode is AutoresetMode.SAME_STEP:
                    final = {"final_obs": self._observations[index], "final_info": info}
                    infos = self._add_info(infos, final, index)
                    self._observations[index], info = env.reset()
            infos = self._add_info(infos, info, index)
        if self.autoreset_mode is AutoresetMode.NEXT_STEP:
            self._ended = ended.copy()
        return tuple(self._observations), rewards, ended, np.zeros_like(ended), infos

    def render(self) -> tuple[Any, ...]:
        """The render of every environment."""
        return tuple(env.render() for env in self.envs)

    def _score(self, live: list[int], responses: list[str]) -> dict[int, Verdict]:
        tasks = [self.envs[index].task for index in live]
        return dict(zip(live, self.envs[0].scorer.score(tasks, responses), strict=True))


def _without_recipe(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    own = ("domain", "verifier", "scorer", "render_mode")
    return {name: kwargs[name] for name in own if name in kwargs}


def _spread(seed: int | Sequence[int | None] | None, count: int) -> list[int | None]:
    if seed is None:
        return [None] * count
    if isinstance(seed, int):
        return [seed + index for index in range(count)]
    if len(seed) != count:
        raise ValueError(f"{count} environments need as many seeds, not {len(seed)}")
    return list(seed)
