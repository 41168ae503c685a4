"""What the updates of a step did to single tokens: how far the policy moved, what was clipped, who disagrees.

A `TokenStats` stands in ``trainer.token_observers`` and sees each forward pass of the updates. It keeps sums,
extremes and one histogram on the device, so that a step of millions of tokens costs a few kilobytes and one
synchronisation.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from adapters.prorl.objective import TokenView

__all__ = ["TokenStats"]

_BINS = 6001
_SCALE = 1e-5
_BOUND = 20.0
"""Log-ratios are binned by asinh(x / scale): evenly around 0, logarithmically outside, to 0.3 % of their size."""
_STEP = 2 * math.asinh(_BOUND / _SCALE) / (_BINS - 1)

_SUMS = (
    "tokens", "low", "high", "step_k1", "step_k3", "reference_tokens", "kl_k1", "kl_k3",
    "sampler_tokens", "mismatch", "mismatch_k3", "weighted_tokens", "weights", "weights_zero",
)  # fmt: skip
_EXTREMES = ("ratio_max", "ratio_min", "mismatch_max", "weight_max", "weight_min")
"""Largest values; of a minimum, its negative."""


class TokenStats:
    """Observes the updates of one step after another.

    Args:
        clip_low: a token with a negative advantage is clipped below a ratio of 1 - clip_low.
        clip_high: one with a positive advantage, above 1 + clip_high.
    """

    def __init__(self, clip_low: float, clip_high: float) -> None:
        self._clip_low, self._clip_high = clip_low, clip_high
        self._histogram = torch.zeros(0)
        self._sums = torch.zeros(0)
        self._extremes = torch.zeros(0)

    def __call__(self, view: TokenView) -> None:
        """Takes note of one forward pass."""
        mask_BT = view.mask.double()
        if not self._histogram.numel():
            self._begin(mask_BT.device)
        log_ratio_BT = view.logps.detach().double() - view.old.double()
        ratio_BT = log_ratio_BT.clamp(-_BOUND, _BOUND).exp()
        advantages_BT = view.advantages.expand_as(mask_BT)
        self._count(log_ratio_BT, mask_BT)
        self._add("tokens", mask_BT, torch.ones_like(mask_BT))
        self._add("low", mask_BT, (ratio_BT < 1 - self._clip_low) & (advantages_BT < 0))
        self._add("high", mask_BT, (ratio_BT > 1 + self._clip_high) & (advantages_BT > 0))
        # The step's tokens were drawn from the old policy: this is KL(old || new).
        self._add("step_k1", mask_BT, -log_ratio_BT)
        self._add("step_k3", mask_BT, ratio_BT - 1 - log_ratio_BT)
        self._widen("ratio_max", mask_BT, ratio_BT)
        self._widen("ratio_min", mask_BT, -ratio_BT)
        self._against_reference(view, mask_BT)
        self._against_sampler(view, mask_BT)

    def metrics(self, gather: Callable[[torch.Tensor], torch.Tensor] = lambda row: row) -> dict[str, float]:
        """The numbers of the step, which is over: the next one starts from nothing.

        Args:
            gather: stacks the (1, n) tensors of all processes; a collective call.

        Returns:
            By name: see ``docs/watch.md``. What the run does not have (a reference, a sampler's log-probs) is absent.
        """
        if not self._histogram.numel():
            return {}
        row = torch.cat([self._histogram, self._sums, self._extremes]).unsqueeze(0)
        rows_PN = gather(row).cpu()
        split = _BINS + len(_SUMS)
        totals, extremes = rows_PN[:, :split].sum(0), rows_PN[:, split:].amax(0)
        self._histogram, self._sums, self._extremes = torch.zeros(0), torch.zeros(0), torch.zeros(0)
        sums = dict(zip(_SUMS, totals[_BINS:].tolist(), strict=True))
        return _named(totals[:_BINS], sums, dict(zip(_EXTREMES, extremes.tolist(), strict=True)))

    def _begin(self, device: torch.device) -> None:
        self._histogram = torch.zeros(_BINS, dtype=torch.float64, device=device)
        self._sums = torch.zeros(len(_SUMS), dtype=torch.float64, device=device)
        self._extremes = torch.full((len(_EXTREMES),), -math.inf, dtype=torch.float64, device=device)

    def _count(self, log_ratio_BT: torch.Tensor, mask_BT: torch.Tensor) -> None:
        place_BT = torch.asinh(log_ratio_BT.nan_to_num(0.0).clamp(-_BOUND, _BOUND) / _SCALE) / _STEP
        index = place_BT.round().long().flatten() + _BINS // 2
        self._histogram.index_add_(0, index, mask_BT.flatten())

    def _add(self, name: str, mask_BT: torch.Tensor, values_BT: torch.Tensor) -> None:
        # where, not a product: what is padding may hold infinities.
        self._sums[_SUMS.index(name)] += torch.where(mask_BT > 0, values_BT.double(), 0.0).sum()

    def _widen(self, name: str, mask_BT: torch.Tensor, values_BT: torch.Tensor) -> None:
        place = _EXTREMES.index(name)
        largest = torch.where(mask_BT > 0, values_BT.double(), -math.inf).amax()
        self._extremes[place] = torch.maximum(self._extremes[place], largest)

    def _against_reference(self, view: TokenView, mask_BT: torch.Tensor) -> None:
        if view.reference is None:
            return
        away_BT = (view.logps.detach().double() - view.reference.double()).clamp(-_BOUND, _BOUND)
        self._add("reference_tokens", mask_BT, torch.ones_like(mask_BT))
        self._add("kl_k1", mask_BT, away_BT)
        self._add("kl_k3", mask_BT, torch.exp(-away_BT) - 1 + away_BT)

    def _against_sampler(self, view: TokenView, mask_BT: torch.Tensor) -> None:
        if view.sampling is not None:
            apart_BT = (view.old.double() - view.sampling.double()).clamp(-_BOUND, _BOUND)
            self._add("sampler_tokens", mask_BT, torch.ones_like(mask_BT))
            self._add("mismatch", mask_BT, apart_BT.abs())
            self._add("mismatch_k3", mask_BT, torch.exp(apart_BT) - 1 - apart_BT)
            self._widen("mismatch_max", mask_BT, apart_BT.abs())
        if view.weights is not None:
            weights_BT = view.weights.double().expand_as(mask_BT)
            self._add("weighted_tokens", mask_BT, torch.ones_like(mask_BT))
            self._add("weights", mask_BT, weights_BT)
            self._add("weights_zero", mask_BT, weights_BT == 0)
            self._widen("weight_max", mask_BT, weights_BT)
            self._widen("weight_min", mask_BT, -weights_BT)


def _named(histogram: torch.Tensor, sums: dict[str, float], extremes: dict[str, float]) -> dict[str, float]:
    tokens = sums["tokens"]
    if not tokens:
        return {}
    lowest, highest = -extremes["ratio_min"], extremes["ratio_max"]
    named = {
        # A bin's middle may lie beyond the extremes, which are exact.
        **{
            name: min(max(_percentile(histogram, share), lowest), highest)
            for name, share in (("ratio_p01", 0.01), ("ratio_p50", 0.5), ("ratio_p99", 0.99))
        },
        "ratio_max": highest,
        "ratio_min": lowest,
        "clip_low": sums["low"] / tokens,
        "clip_high": sums["high"] / tokens,
        "step_kl_k1": sums["step_k1"] / tokens,
        "step_kl_k3": sums["step_k3"] / tokens,
    }
    if sums["reference_tokens"]:
        named |= {name: sums[name] / sums["reference_tokens"] for name in ("kl_k1", "kl_k3")}
    if sums["sampler_tokens"]:
        named |= {name: sums[name] / sums["sampler_tokens"] for name in ("mismatch", "mismatch_k3")}
        named["mismatch_max"] = extremes["mismatch_max"]
    if sums["weighted_tokens"]:
        named["weight_mean"] = sums["weights"] / sums["weighted_tokens"]
        named["weight_zero"] = sums["weights_zero"] / sums["weighted_tokens"]
        named |= {"weight_max": extremes["weight_max"], "weight_min": -extremes["weight_min"]}
    return named


def _percentile(histogram: torch.Tensor, share: float) -> float:
    """The ratio that `share` of the tokens do not exceed."""
    reached = histogram.cumsum(0) >= share * histogram.sum()
    place = int(reached.double().argmax()) - _BINS // 2
    return math.exp(_SCALE * math.sinh(place * _STEP))
