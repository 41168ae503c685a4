"""The nouns of sampling: a prompt about to be sampled, a prompt with its responses, and what a step did."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.prorl.watching.tally import Tally, differ
from prorl_envs.core import Task, Verdict

__all__ = ["Draw", "Group", "StepCounts"]


@dataclass(frozen=True)
class Group:
    """One prompt with its G responses.

    Attributes:
        task: the problem.
        prompt_ids: tokens of the prompt.
        response_ids: G lists of tokens, each up to and including the end token, or cut off.
        texts: the G responses as text.
        verdicts: G verdicts.
        rewards: G rewards; None where the verdict failed. Groups are chosen by these.
        shaped: G rewards for the update, after shaping and extensions.
        finished: for each response whether it came to its end token, rather than to the cap.
        sampled_from: tokens of the prompt that the responses were really sampled from, where that is another one
            (with a hint); the update is made for `prompt_ids`. Else None.
    """

    task: Task
    prompt_ids: list[int]
    response_ids: list[list[int]]
    texts: list[str]
    verdicts: list[Verdict]
    rewards: list[float | None]
    shaped: list[float | None] = field(default_factory=list)
    finished: list[bool] = field(default_factory=list)
    sampled_from: list[int] | None = None

    @property
    def alive(self) -> bool:
        """Whether the rewards differ, so that the group has a gradient. Failed verdicts do not count."""
        return differ([reward for reward in self.rewards if reward is not None])


@dataclass(frozen=True)
class Draw:
    """A prompt that is about to be sampled; see `Group`."""

    task: Task
    prompt_ids: list[int]
    sampled_from: list[int] | None = None


@dataclass
class StepCounts:
    """What one step's sampling did, on this process."""

    rounds: int = 0
    sampled: int = 0
    live: int = 0
    kept: list[Group] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    tokens: int = 0
    failed: int = 0
    passed_over: int = 0
    retried: int = 0
    revived: int = 0
    generation_s: float = 0.0
    scoring_s: float = 0.0
    scoring_wait_s: float = 0.0
