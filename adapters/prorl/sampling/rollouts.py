"""Where a step's responses come from: prompts of the mixture, responses of the policy, verdicts of the Scorer.

This is the `rollout_func` of TRL's GRPOTrainer. TRL offers prompts of a dataset; they are ignored, because dynamic
sampling (DAPO; ProRL 2.3.1) decides itself how many prompts a step needs, and a resumed run must go on with the
next problem rather than the next row. TRL gets whole groups back, with rewards that `passed_on` hands over.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.prorl.config import RunConfig
from adapters.prorl.extension import Extension
from adapters.prorl.problems import Problems
from adapters.prorl.sampling.generation import encode_prompt, is_collective
from adapters.prorl.sampling.groups import Draw, Group, StepCounts
from adapters.prorl.sampling.judging import sample_and_judge
from adapters.prorl.scale.processes import ALONE, Processes
from prorl_envs.core import Task, Verdict
from prorl_envs.errors import ConfigError, InfrastructureError
from prorl_envs.mixture import Mixture
from prorl_envs.scoring import Scorer

__all__ = [
    "Rollouts",
    "passed_on",
    "share_of",
]

log = logging.getLogger(__name__)

_MAX_PASSED_OVER = 10_000


class Rollouts:
    """Samples, scores and selects the groups of each step. Called by TRL, once per step and process.

    Args:
        config: of the run.
        problems: what to sample from.
        scorer: who judges.
        tokenizer: of the policy.
        extensions: what changes the rewards of the groups that were chosen, in this order.
        processes: that sample together, each its own share of the stream.
    """

    def __init__(
        self,
        config: RunConfig,
        problems: Problems,
        scorer: Scorer,
        tokenizer: Any,
        *,
        extensions: Sequence[Extension] = (),
        processes: Processes = ALONE,
    ) -> None:
        self._settings, self._binary = config.rollout, config.objective.reward == "binary"
        self._mixture = problems.mixture(config.stream_seed, rank=processes.rank, world_size=processes.size)
        self._component = {task.id: name for name, tasks in problems.components.items() for task in tasks}
        self._scorer, self._tokenizer, self._extensions = scorer, tokenizer, extensions
        self._problems = problems
        self._again: deque[Draw] = deque()
        self._updates_per_step = config.updates_per_step
        self._processes = processes
        self._keep_rate = 1.0
        self.counts = StepCounts()

    @property
    def mixture(self) -> Mixture:
        """The stream of problems."""
        return self._mixture

    def __call__(self, prompts: Sequence[Any], trainer: Any) -> dict[str, Any]:
        """TRL's rollout function.

        Args:
            prompts: N x G placeholders; only their number counts.
            trainer: the GRPOTrainer.

        Returns:
            ``prompt_ids``, ``completion_ids`` and ``env_reward`` of N x G responses, groups together, and the
            sampler's ``logprobs`` (None from the transformers backend).

        Raises:
            InfrastructureError: not one response of the step could be judged.
            PeerFailedError: on another process.
        """
        wanted = len(prompts) // self._settings.group
        self.counts = StepCounts()
        groups, logprobs = self._processes.together(lambda: self._judged(wanted, trainer))
        step = trainer.state.global_step // self._updates_per_step
        self.counts.kept = groups = [self._shaped(group, step) for group in groups]
        return {
            "prompt_ids": [group.prompt_ids for group in groups for _ in group.texts],
            "completion_ids": [ids for group in groups for ids in group.response_ids],
            "env_reward": [reward for group in groups for reward in group.shaped],
            "logprobs": logprobs,
        }

    def state_dict(self) -> dict[str, Any]:
        """Where sampling stands, JSON-safe."""
        return {
            "mixture": self._mixture.state_dict(),
            "keep_rate": self._keep_rate,
            "again": [[draw.task.id, draw.sampled_from] for draw in self._again],
            "extensions": [extension.state_dict() for extension in self._extensions],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from `state`. Raises `ConfigError` when it belongs to other problems."""
        self._mixture.load_state_dict(state["mixture"])
        self._keep_rate = float(state["keep_rate"])
        if len(state["extensions"]) != len(self._extensions):
            raise ConfigError("the run had other extensions: resume it with those that it was made with")
        for extension, kept in zip(self._extensions, state["extensions"], strict=True):
            extension.load_state_dict(kept)
        waiting = {id_ for id_, _ in state["again"]}
        tasks = {task.id: task for task in self._problems.training() if task.id in waiting}
        self._again = deque(
            Draw(tasks[id_], encode_prompt(self._tokenizer, tasks[id_]), ids) for id_, ids in state["again"]
        )

    @property
    def replaces_dead(self) -> bool:
        """Whether dead groups are replaced; those that fill a step up then have no part in the update."""
        return self._settings.dynamic_sampling

    def component(self, task: Task) -> str:
        """The component of the mixture that a training task came from."""
        return self._component[task.id]

    def _judged(self, wanted: int, trainer: Any) -> tuple[list[Group], list[list[float]] | None]:
        groups, logprobs = self._select(wanted, trainer)
        if all(reward is None for group in groups for reward in group.rewards):
            raise InfrastructureError(f"no response could be judged: {groups[0].verdicts[0].detail}")
        return groups, logprobs

    def _select(self, wanted: int, trainer: Any) -> tuple[list[Group], list[list[float]] | None]:
        """`wanted` groups: live ones, and dead ones only when the rounds are used up, or are not replaced."""
        live: list[tuple[Group, Any]] = []
        dead: list[tuple[Group, Any]] = []
        while self.counts.rounds < self._settings.max_rounds:
            size = self._round_size(wanted - len(live), wanted, trainer)
            if not size:
                break
            for sampled in self._sample(size, trainer):
                (live if sampled[0].alive else dead).append(sampled)
                self._note_retry(sampled[0])
            self.counts.rounds += 1
            self.counts.live = len(live)
            if not self._settings.dynamic_sampling:
                break
            self._keep_rate = 0.9 * self._keep_rate + 0.1 * len(live) / self.counts.sampled
        chosen = (live + dead)[:wanted]
        pieces = [row for _, rows in chosen for row in rows or []]
        return [group for group, _ in chosen], pieces or None

    def _round_size(self, missing: int, wanted: int, trainer: Any) -> int:
        """Enough prompts that, at the rate seen so far, the live ones among them fill the gap; 0 where there is none.

        Where processes can only generate together, all take the size of the one that needs most.
        """
        size = max(missing, 0)
        if size and self._settings.dynamic_sampling:
            size = min(math.ceil(missing / max(self._keep_rate, 0.1)), max(2 * wanted, missing))
        together = self._processes.size > 1 and is_collective(trainer)
        return max(self._processes.gather(size)) if together else size

    def _sample(self, count: int, trainer: Any) -> list[tuple[Group, Any]]:
        """`count` groups, each with the sampler's log-probs of its responses (or None)."""
        size = self._settings.group
        drawn = [self._draw() for _ in range(count)]
        prompts = [draw.sampled_from or draw.prompt_ids for draw in drawn]
        tasks = [draw.task for draw in drawn]
        done = sample_and_judge(
            trainer, self._scorer, self._tokenizer, tasks, prompts, size, chunk=self._settings.chunk
        )
        ends = set(trainer.eos_token_ids)
        groups: list[tuple[Group, Any]] = []
        for index, draw in enumerate(drawn):
            part = slice(index * size, (index + 1) * size)
            responses, verdicts = done.responses[part], done.verdicts[part]
            rewards = [self._reward(verdict) for verdict in verdicts]
            finished = [ids[-1] in ends for ids in responses]
            group = Group(
                draw.task, draw.prompt_ids, responses, done.texts[part], verdicts, rewards, rewards,
                finished, draw.sampled_from,
            )  # fmt: skip
            groups.append((group, done.logprobs[part] if done.logprobs else None))
            self.counts.tally.add(
                group.response_ids, group.verdicts, rewards, finished,
                domain=draw.task.domain, component=self.component(draw.task),
            )  # fmt: skip
        counts = self.counts
        counts.sampled += count
        counts.tokens += sum(map(len, done.responses))
        counts.failed += sum(verdict.reward is None for verdict in done.verdicts)
        counts.generation_s += done.generation_s
        counts.scoring_s += done.scoring_s
        counts.scoring_wait_s += done.wait_s
        return groups

    def _draw(self) -> Draw:
        """What waits for its second try, else the next problem whose prompt is short enough."""
        if self._again:
            self.counts.retried += 1
            return self._again.popleft()
        for _ in range(_MAX_PASSED_OVER):
            task = next(self._mixture)
            ids = encode_prompt(self._tokenizer, task)
            if len(ids) <= self._settings.max_prompt_tokens:
                return Draw(task, ids)
            self.counts.passed_over += 1
        raise ConfigError(
            f"{_MAX_PASSED_OVER} prompts in a row have more than {self._settings.max_prompt_tokens} tokens: raise "
            f"rollout.max_prompt_tokens"
        )

    def _note_retry(self, group: Group) -> None:
        """Puts a dead group's problem in line for a second try, if an extension has another prompt for it.

        It waits for the next round, which may be the next step's, so that no round has to be made for it.
        """
        if group.sampled_from is not None:
            self.counts.revived += group.alive
            return
        for extension in self._extensions if not group.alive else ():
            task = extension.retry(group)
            if task is not None:
                ids = encode_prompt(self._tokenizer, task)
                if len(ids) <= self._settings.max_prompt_tokens:
                    self._again.append(Draw(group.task, group.prompt_ids, ids))
                return

    def _shaped(self, group: Group, step: int) -> Group:
        """`group` with the rewards that reach the update; what could not be judged stays None.

        Dynamic sampling leaves dead groups out. Those that fill a step up when its rounds are used up stay dead:
        length or format must not become their whole gradient.
        """
        shaped = list(group.rewards)
        if self.replaces_dead and not group.alive:
            return replace(group, shaped=shaped)
        for extension in self._extensions:
            shaped = extension.rewards(group, shaped, step)
        return replace(group, shaped=shaped)

    def _reward(self, verdict: Verdict) -> float | None:
        if self._binary:
            return None if verdict.correct is None else float(verdict.correct)
        return verdict.reward


def passed_on(env_reward: Sequence[float | None], **_: Any) -> list[float | None]:
    """TRL's reward function: the rewards that came with the rollouts. None makes TRL leave a response out."""
    return list(env_reward)


passed_on.__name__ = "environment"


def share_of(states: Sequence[Mapping[str, Any]], processes: Processes) -> Mapping[str, Any]:
    """This process's part of the states that all processes of a run left, in the order of their ranks.

    With another number of processes than before, all go on from the furthest position in the stream of problems: no
    problem comes twice, and those that slower processes had not reached yet are passed over.
    """
    if len(states) == processes.size:
        return states[processes.rank]
    log.warning("%d processes go on with a run of %d: not the same run exactly", processes.size, len(states))
    furthest = max(states, key=lambda state: int(state["mixture"]["position"]))
    return {
        **furthest,
        "again": [],
        "keep_rate": sum(float(state["keep_rate"]) for state in states) / len(states),
    }
