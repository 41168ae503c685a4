"""What a verdict's reward becomes before the update: penalties for length, for not ending, for repetition.

    shaping: {unfinished: 0.0}                                  ProRL v2's published scripts
    shaping: {overlong_buffer: 4096}                            DAPO's soft overlong punishment
    shaping: {cosine: 0.5, cosine_every: 200, cosine_for: 50}   a cosine penalty in 50 of every 200 steps

All are off by default. Groups are chosen by their verdicts before any of this: a penalty must not make a group look
as if its responses differed in what they solve. DAPO's overlong *filtering* leaves cut-off responses out of the loss
instead; it is ``objective.mask_truncated``, and excludes penalties for them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from adapters.prorl.extension import Extension

if TYPE_CHECKING:
    from adapters.prorl.sampling.groups import Group

__all__ = [
    "Shaping",
    "ShapingSettings",
    "between",
    "cosine_penalty",
    "repeated_share",
    "shaping_contradictions",
    "soft_overlong",
    "unfinished_reward",
]


class ShapingSettings(BaseModel):
    """Penalties between a verdict's reward and the update; see `adapters.prorl.shaping`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unfinished: float = Field(default=1.0, ge=-1, le=1)
    """What the reward of a response that came to the cap is multiplied by; 1 is off. ProRL penalises such responses
    in runs 4 and 5 without saying how (appendix E); ProRL v2's scripts use 0. Below 0 it replaces the reward."""
    overlong_buffer: int = Field(default=0, ge=0)
    """Tokens before the cap in which a penalty grows to `overlong_weight` (DAPO eq. 13; there 4096); 0 is off."""
    overlong_weight: float = Field(default=1.0, gt=0)
    """DAPO's is 1."""
    cosine: float = Field(default=0.0, ge=0)
    """What a correct response as long as the cap loses; shorter ones lose less, along a cosine. 0 is off."""
    cosine_wrong: float = Field(default=0.0, ge=0)
    """What a wrong response of no length loses; longer ones lose less, so that thinking longer is worth a try."""
    cosine_every: int = Field(default=1, ge=1)
    """Steps from one period with the cosine penalty to the next. ProRL v2 applies it at intervals that it does not
    publish, nor its weights."""
    cosine_for: int = Field(default=1, ge=1)
    """Steps of such a period."""
    repetition: float = Field(default=0.0, ge=0)
    """What a response would lose that is all repetition: the weight of the share of repeated n-grams. 0 is off."""
    repetition_ngram: int = Field(default=40, ge=1)
    """Tokens of an n-gram. 40 is that of arXiv 2502.03373."""

    @property
    def active(self) -> bool:
        """Whether any reward can change."""
        return bool(
            self.unfinished != 1
            or self.overlong_buffer
            or self.cosine
            or self.cosine_wrong
            or self.repetition
        )


def shaping_contradictions(settings: ShapingSettings, *, masked: bool, cap: int) -> Iterator[str]:
    """What is wrong with `settings`, with what to change.

    Args:
        settings: of the run.
        masked: whether responses that came to the cap are left out of the loss.
        cap: tokens of the longest response.
    """
    if masked and settings.unfinished != 1:
        yield (
            "objective.mask_truncated leaves cut-off responses out of the loss and shaping.unfinished penalises "
            "them: set mask_truncated to false, or unfinished to 1"
        )
    if masked and settings.overlong_buffer:
        yield (
            "objective.mask_truncated leaves cut-off responses out of the loss and shaping.overlong_buffer penalises "
            "them: set mask_truncated to false, or overlong_buffer to 0"
        )
    if settings.overlong_buffer and settings.unfinished != 1:
        yield (
            "shaping.overlong_buffer and shaping.unfinished both penalise cut-off responses: set overlong_buffer to "
            "0, or unfinished to 1"
        )
    if settings.overlong_buffer > cap:
        yield (
            f"shaping.overlong_buffer ({settings.overlong_buffer}) is longer than the longest response: lower it, or "
            f"raise rollout.max_response_tokens ({cap})"
        )
    if settings.cosine_for > settings.cosine_every:
        yield (
            f"shaping.cosine_for ({settings.cosine_for}) is longer than shaping.cosine_every "
            f"({settings.cosine_every}): raise cosine_every"
        )


class Shaping(Extension):
    """The run's penalties, as the first of its extensions.

    Args:
        settings: which, and how strong.
        cap: tokens of the longest response.
    """

    def __init__(self, settings: ShapingSettings, cap: int) -> None:
        self._settings, self._cap = settings, cap

    def rewards(self, group: Group, rewards: list[float | None], step: int) -> list[float | None]:
        """See `Extension.rewards`."""
        cosine = step % self._settings.cosine_every < self._settings.cosine_for
        return [
            None if reward is None else self._shaped(reward, ids, finished, cosine=cosine)
            for reward, ids, finished in zip(rewards, group.response_ids, group.finished, strict=True)
        ]

    def _shaped(self, reward: float, ids: Sequence[int], finished: bool, *, cosine: bool) -> float:
        settings, length = self._settings, len(ids)
        shaped = reward if finished else unfinished_reward(reward, settings.unfinished)
        if settings.overlong_buffer:
            shaped += settings.overlong_weight * soft_overlong(length, self._cap, settings.overlong_buffer)
        if cosine:
            shaped -= cosine_penalty(reward, length, self._cap, settings.cosine, settings.cosine_wrong)
        if settings.repetition:
            shaped -= settings.repetition * repeated_share(ids, settings.repetition_ngram)
        return shaped


def unfinished_reward(reward: float, coefficient: float) -> float:
    """The reward of a response that came to the cap: scaled by a coefficient from 0 to 1 (NeMo-RL's and OpenRLHF's
    "stop properly" penalty), replaced by one below 0 (OpenRLHF's)."""
    return coefficient if coefficient < 0 else coefficient * reward


def soft_overlong(length: int, cap: int, buffer: int) -> float:
    """Soft overlong punishment, from 0 to -1 (DAPO, arXiv 2503.14476, eq. 13).

    Args:
        length: tokens of the response.
        cap: the longest that is allowed.
        buffer: tokens before `cap` in which the punishment grows; at least 1.
    """
    return -min(max(length - (cap - buffer), 0) / buffer, 1.0)


def between(at_start: float, at_end: float, part: float) -> float:
    """From one value to the other along half a cosine, `part` (0 to 1) of the way (arXiv 2502.03373, app. C.1)."""
    return at_end + (at_start - at_end) * (1 + math.cos(math.pi * part)) / 2


def cosine_penalty(reward: float, length: int, cap: int, correct: float, wrong: float) -> float:
    """What a response loses for its length, at least 0.

    The cosine reward of arXiv 2502.03373 (app. C.1) for a verifier of 0 and 1, with r_0^c = 1, r_L^c = 1 - `correct`,
    r_0^w = -`wrong`, r_L^w = 0. Partial credit is taken as a mixture of right and wrong; that is ours.

    Args:
        reward: of the verdict, from 0 to 1.
        length: tokens of the response.
        cap: the longest that is allowed.
        correct: lost by a correct response of `cap` tokens.
        wrong: lost by a wrong response of none.
    """
    part = min(length / cap, 1.0)
    return reward * between(0.0, correct, part) + (1 - reward) * between(wrong, 0.0, part)


def repeated_share(ids: Sequence[int], size: int) -> float:
    """The share of a response's n-grams that stood in it before, from 0 to just below 1 (arXiv 2502.03373, app. C.2,
    as its code has it for a whole response).

    Args:
        ids: tokens.
        size: tokens of an n-gram; a response with fewer has no repetition.
    """
    total = len(ids) - size + 1
    if total <= 0:
        return 0.0
    return 1 - len({tuple(ids[start : start + size]) for start in range(total)}) / total
