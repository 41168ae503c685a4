"""When a run raises which alarm: the thresholds of `adapters.prorl.watching.alarms`, all of them settings."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["AlarmName", "WatchSettings"]

AlarmName: TypeAlias = Literal[
    "entropy_collapse",
    "entropy_explosion",
    "kl_runaway",
    "length_explosion",
    "length_collapse",
    "dead_rewards",
    "truncation_surge",
    "no_answer_surge",
    "gradient_spike",
    "clip_saturation",
    "sampler_mismatch",
    "judge_failures",
    "throughput_collapse",
    "exploration_loss",
]


class WatchSettings(BaseModel):
    """When a run raises which alarm. ``docs/watch.md`` explains each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    off: tuple[AlarmName, ...] = ()
    """Alarms that are never raised."""
    stop_on: tuple[AlarmName, ...] = ()
    """Alarms that end the run, with a checkpoint."""
    window: int = Field(default=5, ge=1)
    """Steps whose median is the present level."""
    baseline: int = Field(default=10, ge=1)
    """First steps of the run, whose median is the early level."""
    clear_after: int = Field(default=10, ge=1)
    """Steps in a row without its condition after which an alarm is over and may be raised again."""
    entropy_floor: float = Field(default=0.02, ge=0)
    """Nats per token below which a policy hardly samples at all."""
    entropy_share: float = Field(default=0.15, ge=0, lt=1)
    """Share of the early entropy below which it has collapsed."""
    entropy_growth: float = Field(default=2.0, gt=1)
    """Multiple of the early entropy above which it has exploded ..."""
    entropy_high: float = Field(default=1.0, ge=0)
    """... if it is also above so many nats per token."""
    kl_limit: float = Field(default=1.0, gt=0)
    """Nats per token from the reference."""
    kl_growth: float = Field(default=4.0, gt=1)
    """Or so many times what it was one window before ..."""
    kl_small: float = Field(default=0.3, ge=0)
    """... if it is also above so many nats per token."""
    length_growth: float = Field(default=2.0, gt=1)
    """Multiple of the early length, while the reward has not risen."""
    reward_gain: float = Field(default=0.05, ge=0)
    """By how much the reward must have risen since the early steps to pay for longer responses."""
    length_share: float = Field(default=0.33, ge=0, lt=1)
    """Share of the early length below which responses have collapsed."""
    dead_share: float = Field(default=0.95, gt=0, le=1)
    """Share of the sampled groups that carry no gradient."""
    surge: float = Field(default=0.3, gt=0, le=1)
    """Share of responses that were cut off, or without an answer ..."""
    surge_rise: float = Field(default=0.2, ge=0, le=1)
    """... if it is also so much above the early share."""
    gradient_factor: float = Field(default=10.0, gt=1)
    """One step's gradient norm over the median of the steps before it."""
    clip_share: float = Field(default=0.2, gt=0, le=1)
    """Share of the tokens whose ratio is clipped."""
    mismatch: float = Field(default=0.1, gt=0)
    """Mean absolute difference of the sampler's and the trainer's log-probs of the same tokens, in nats."""
    unjudged: float = Field(default=0.02, ge=0, le=1)
    """Share of the responses that could not be judged."""
    throughput_share: float = Field(default=0.5, ge=0, lt=1)
    """Share of the early tokens per second."""
