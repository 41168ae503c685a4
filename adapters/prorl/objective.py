"""The parts of the objective that TRL does not have: advantage estimators, KL estimators, terms added to the loss.

TRL computes ratios, clipping, the sum over tokens and, for k3 in the loss, the KL term. What stands here is pure:
tensors in, tensors out, checked against float64 references in ``tests/adapters/test_train_objective.py``.

Shapes are the suffixes of names: N groups, G responses of a group, B responses, T tokens of the longest response.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from prorl_envs.errors import ConfigError

__all__ = [
    "AdvantageKind",
    "KlEstimator",
    "LossTerm",
    "Moments",
    "TokenView",
    "aggregate",
    "group_advantages",
    "importance_weights",
    "kl_estimate",
    "padded_left",
]

AdvantageKind = Literal["group", "none", "leave_one_out", "batch", "batch_tokens"]
KlEstimator = Literal["k1", "k2", "k3"]

_EPSILON = 1e-4
"""Added to a standard deviation before dividing by it; TRL's number."""
_LEAST_VARIANCE = 1e-8
"""Of a batch's tokens; NeMo-RL's and OpenRLHF's number."""
_LEAST_DIFFERENCE = 1e-6
"""Rewards nearer to their mean than this are equal to it."""
_LOG_RATIO_BOUND = 20.0
"""Log-ratios beyond this are cut off: exp(20) is 5e8, and one such token would be the whole loss."""


@dataclass(frozen=True)
class TokenView:
    """One forward pass of the update, token by token. All of shape (B, T) unless it says otherwise.

    Attributes:
        logps: log-probabilities under the policy that is being trained; carry the gradient.
        old: the same under the policy that the step began with.
        reference: under the reference policy; None without one.
        sampling: as the sampler reported them; None when it reports none (transformers).
        weights: importance weights between sampler and trainer, (B, T) or (B, 1); None without a correction.
        entropy: of the policy's distribution at each token, in nats; carries the gradient.
        mask: 1 where a token counts, else 0.
        advantages: (B, 1) or (B, T).
    """

    logps: torch.Tensor
    old: torch.Tensor
    reference: torch.Tensor | None
    sampling: torch.Tensor | None
    weights: torch.Tensor | None
    entropy: torch.Tensor
    mask: torch.Tensor
    advantages: torch.Tensor


LossTerm = Callable[[TokenView], torch.Tensor]
"""A (B, T) tensor, with gradient, that is added to the per-token loss."""

Moments = Callable[[torch.Tensor], torch.Tensor]
"""Sums a small tensor over all processes; the identity when there is one."""


def group_advantages(
    rewards_NG: torch.Tensor,
    kind: AdvantageKind,
    summed: Moments = lambda moments: moments,
    lengths_NG: torch.Tensor | None = None,
) -> torch.Tensor:
    """Advantages of N groups of G responses, (N, G). A reward of NaN (not judged) gets 0 and has no part in a mean.

    Args:
        rewards_NG: rewards, any float type.
        kind: what becomes of reward minus the group's mean. ``group``: divided by the group's standard deviation
            (GRPO, arXiv 2402.03300). ``none``: left as it is (Dr. GRPO, arXiv 2503.20783). ``leave_one_out``: the
            baseline is the mean of the others (RLOO, arXiv 2402.14740). ``batch``: divided by the standard deviation
            of all centred rewards of the batch (REINFORCE++-baseline, arXiv 2501.03262). ``batch_tokens``:
            standardised over all tokens of the batch, so that longer responses weigh more in its mean and deviation
            (the same as NeMo-RL's and OpenRLHF's scripts of ProRL v2 have it).
        summed: sums over processes; only the last two look beyond their own groups.
        lengths_NG: tokens of each response that count, for ``batch_tokens``.
    """
    known_NG = ~rewards_NG.isnan()
    count_N1 = known_NG.sum(1, keepdim=True)
    mean_N1 = rewards_NG.nan_to_num(0.0).sum(1, keepdim=True) / count_N1.clamp(min=1)
    centred_NG = torch.where(known_NG, rewards_NG - mean_N1, 0.0)
    if kind == "none":
        return centred_NG
    if kind == "leave_one_out":
        # r - mean of the others = (r - mean of all) * n / (n - 1)
        return centred_NG * count_N1 / (count_N1 - 1).clamp(min=1)
    if kind == "group":
        variance_N1 = centred_NG.square().sum(1, keepdim=True) / (count_N1 - 1).clamp(min=1)
        return centred_NG / (variance_N1.sqrt() + _EPSILON)
    if kind == "batch_tokens":
        assert lengths_NG is not None
        return _over_tokens(centred_NG, lengths_NG * known_NG, summed)
    count, total, squares = _moments(centred_NG, known_NG, summed)
    variance = (squares - total.square() / count.clamp(min=1)) / (count - 1).clamp(min=1)
    return centred_NG / (variance.clamp(min=0).sqrt().to(centred_NG) + _EPSILON)


def _over_tokens(centred_NG: torch.Tensor, tokens_NG: torch.Tensor, summed: Moments) -> torch.Tensor:
    count, total, squares = _moments(centred_NG, tokens_NG, summed)
    mean = total / count.clamp(min=1)
    variance = (squares / count.clamp(min=1) - mean.square()).clamp(min=_LEAST_VARIANCE)
    scaled_NG = (centred_NG - mean.to(centred_NG)) / variance.sqrt().to(centred_NG)
    # A group without a difference has nothing to say, wherever the mean of the others lies.
    differs_N1 = centred_NG.abs().amax(1, keepdim=True) > _LEAST_DIFFERENCE
    return torch.where(differs_N1 & (tokens_NG > 0), scaled_NG, 0.0)


def _moments(
    values_NG: torch.Tensor, weights_NG: torch.Tensor, summed: Moments
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sums of the weights, of the weighted values and of their squares, over all processes."""
    values, weights = values_NG.double(), weights_NG.double()
    count, total, squares = summed(
        torch.stack([weights.sum(), (weights * values).sum(), (weights * values.square()).sum()])
    )
    return count, total, squares


def kl_estimate(logps: torch.Tensor, reference: torch.Tensor, estimator: KlEstimator) -> torch.Tensor:
    """An estimate of the KL divergence of the policy from the reference, from tokens that the policy sampled.

    Args:
        logps: log-probabilities under the policy, any shape.
        reference: under the reference, same shape.
        estimator: with r = logps - reference (Schulman, "Approximating KL divergence", 2020): ``k1`` = r, unbiased,
            may be negative; as a loss its expected gradient is zero, so it belongs into the reward. ``k2`` = r^2 / 2,
            whose gradient is that of the KL. ``k3`` = exp(-r) - 1 + r, unbiased, never negative.
    """
    ratio = (logps - reference).clamp(-_LOG_RATIO_BOUND, _LOG_RATIO_BOUND)
    if estimator == "k1":
        return ratio
    if estimator == "k2":
        return ratio.square() / 2
    return torch.expm1(-ratio) + ratio  # exp(-r) - 1 would lose the digits that matter near 0


def importance_weights(
    trainer_BT: torch.Tensor,
    sampler_BT: torch.Tensor,
    mask_BT: torch.Tensor,
    mode: str,
    low: float | None,
    high: float | None,
) -> torch.Tensor:
    """How much likelier the trainer thinks each token, or each response, than the sampler did; bounded.

    TRL computes the same for responses that were sampled from the prompt that they train; this is for the others.

    Args:
        trainer_BT: log-probs under the policy in the trainer's arithmetic.
        sampler_BT: as the sampler reported them; NaN where it did not, which counts as no difference.
        mask_BT: which tokens count.
        mode: ``token_`` or ``sequence_``, then ``truncate`` (cut to the bounds; TIS, Yao et al. 2025) or ``mask`` (0
            beyond them; ICE-POP, arXiv 2510.18855).
        low, high: the bounds of the weight; None is none.

    Returns:
        (B, T) for tokens, (B, 1) for sequences.
    """
    difference = ((trainer_BT - sampler_BT) * mask_BT).nan_to_num(nan=0.0)
    level, _, what = mode.partition("_")
    if level == "sequence":
        difference = difference.sum(-1, keepdim=True)
    weights = difference.exp()
    low, high = 0.0 if low is None else low, float("inf") if high is None else high
    if what == "truncate":
        return weights.clamp(low, high)
    return torch.where((weights < low) | (weights > high), 0.0, weights)


def padded_left(
    rows: Sequence[Sequence[int]], padding: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Token rows of unequal length as one tensor, padded on the left, and its mask; both (B, longest)."""
    longest = max(map(len, rows))
    ids = [[padding] * (longest - len(row)) + list(row) for row in rows]
    mask = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def aggregate(
    per_token_BT: torch.Tensor, mask_BT: torch.Tensor, inputs: dict[str, Any], trainer: Any
) -> torch.Tensor:
    """A per-token term as a loss, normalised as TRL normalises the policy's, so that its weight means the same.

    Token level (``dapo``, ``cispo``): the sum over tokens, divided by the number of tokens of a step's updates on
    average. Sequence level (``grpo``): the mean over responses of each one's mean.

    Args:
        per_token_BT: the term.
        mask_BT: which tokens count.
        inputs: TRL's batch, for ``num_items_in_batch``.
        trainer: the GRPOTrainer, for its batch arithmetic.

    Raises:
        ConfigError: an extension chose a loss type of TRL's whose normaliser is not known here.
    """
    accumulation: float = trainer.current_gradient_accumulation_steps
    counted_BT = torch.where(mask_BT.bool(), per_token_BT, 0.0)
    if trainer.loss_type in ("dapo", "cispo", "vespo"):
        tokens: torch.Tensor = inputs["num_items_in_batch"].clamp(min=1.0) / trainer.accelerator.num_processes
        share: float = accumulation / trainer.args.steps_per_generation
        return counted_BT.sum() / (tokens * share)
    if trainer.loss_type in ("grpo", "sapo"):
        means_B = counted_BT.sum(-1) / mask_BT.sum(-1).clamp(min=1.0)
        return means_B.mean() / accumulation
    raise ConfigError(
        f"terms cannot be added to TRL's loss_type {trainer.loss_type!r}: use dapo, cispo or grpo"
    )
