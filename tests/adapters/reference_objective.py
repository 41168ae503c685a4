"""The objective in float64 NumPy, written from the papers' formulas and from nothing else: no torch, no TRL.

A response is a one-dimensional array of its tokens' log-probs; a batch is a list of them, so nothing is padded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
EPSILON = 1e-4


@dataclass
class Update:
    """What one update of the weights sees. Lists run over its responses."""

    logps: list[Array]
    old: list[Array]
    reference: list[Array]
    sampling: list[Array]
    entropies: list[Array]
    advantages: list[float]
    masked: list[bool]
    tokens_per_update: float
    """Unmasked tokens of the whole step, divided by its number of updates."""


def advantages(rewards: Array, kind: str, lengths: Array | None = None) -> Array:
    """Rewards (N, G), NaN where unknown. GRPO 2402.03300 eq. 3 of 4.1.2; Dr. GRPO 2503.20783 sec. 3.2; RLOO
    2402.14740 eq. 8; REINFORCE++-baseline 2501.03262, over responses, or over their tokens (ProRL v2)."""
    out = np.zeros_like(rewards)
    for n, group in enumerate(rewards):
        known = group[~np.isnan(group)]
        for g, reward in enumerate(group):
            if np.isnan(reward):
                continue
            if kind == "leave_one_out":
                others = np.delete(group, g)
                others = others[~np.isnan(others)]
                out[n, g] = reward - others.mean() if len(others) else 0.0
            else:
                out[n, g] = reward - known.mean()
                if kind == "group":
                    spread = known.std(ddof=1) if len(known) > 1 else 0.0
                    out[n, g] /= spread + EPSILON
    if kind == "batch":
        spread = out[~np.isnan(rewards)].std(ddof=1)
        out = out / (spread + EPSILON)
    if kind == "batch_tokens":
        assert lengths is not None
        known = ~np.isnan(rewards)
        tokens = np.repeat(out[known], lengths[known].astype(int))
        same = [len(set(row[~np.isnan(row)])) < 2 for row in rewards]
        out = (out - tokens.mean()) / np.sqrt(max(tokens.var(), 1e-8))
        out[~known] = 0.0
        out[same] = 0.0
    return out


def kl(logps: Array, reference: Array, estimator: str) -> Array:
    """Schulman 2020, "Approximating KL Divergence": k1, k2, k3 of KL(policy || reference), x ~ policy."""
    ratio = np.exp(reference - logps)  # r = p(x) / q(x) in the post
    if estimator == "k1":
        return -np.log(ratio)
    if estimator == "k2":
        return 0.5 * np.log(ratio) ** 2
    return (ratio - 1) - np.log(ratio)


def weights(trainer: Array, sampler: Array, mode: str, low: float, high: float) -> Array:
    """Importance weights between the trainer's and the sampler's policy, bounded, one per token."""
    difference = np.where(np.isnan(sampler), 0.0, trainer - sampler)
    weight = np.exp(difference)
    if mode.startswith("sequence"):
        weight = np.full_like(trainer, np.exp(difference.sum()))
    if mode.endswith("truncate"):
        return np.minimum(np.maximum(weight, low), high)
    return np.where((weight >= low) & (weight <= high), weight, 0.0)


Surrogate = Callable[[Update, int], Array]
"""The objective (to be maximised) of the tokens of one response of an update."""


def clipped(low: float, high: float) -> Surrogate:
    """DAPO 2503.14476 eq. 8 (decoupled clip): min(r A, clip(r, 1 - low, 1 + high) A)."""

    def surrogate(update: Update, i: int) -> Array:
        ratio, advantage = np.exp(update.logps[i] - update.old[i]), update.advantages[i]
        return np.minimum(ratio * advantage, np.clip(ratio, 1 - low, 1 + high) * advantage)

    return surrogate


def gspo(low: float, high: float) -> Surrogate:
    """GSPO 2507.18071 eq. 5 and 7: one ratio per response, the geometric mean of its tokens' ratios."""

    def surrogate(update: Update, i: int) -> Array:
        ratio, advantage = np.exp((update.logps[i] - update.old[i]).mean()), update.advantages[i]
        value = min(ratio * advantage, float(np.clip(ratio, 1 - low, 1 + high)) * advantage)
        return np.full_like(update.logps[i], value)

    return surrogate


def token_level(update: Update, per_token: list[Array]) -> float:
    """DAPO 2503.14476 eq. 8: every token of the update counts the same."""
    kept = [row.sum() for row, masked in zip(per_token, update.masked, strict=True) if not masked]
    return float(sum(kept) / update.tokens_per_update)


def sequence_level(update: Update, per_token: list[Array]) -> float:
    """GRPO 2402.03300 eq. 3: every response counts the same; a masked one with 0."""
    means = [0.0 if masked else row.mean() for row, masked in zip(per_token, update.masked, strict=True)]
    return float(np.mean(means))


def gradient(function: Callable[[], float], rows: list[Array], step: float = 1e-6) -> list[Array]:
    """Central differences of `function` in every entry of `rows`, which it reads."""
    slopes = [np.zeros_like(row) for row in rows]
    for row, slope in zip(rows, slopes, strict=True):
        for t in range(len(row)):
            centre = row[t]
            row[t] = centre + step
            above = function()
            row[t] = centre - step
            slope[t] = (above - function()) / (2 * step)
            row[t] = centre
    return slopes
