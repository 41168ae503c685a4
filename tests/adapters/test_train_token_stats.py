"""Token statistics against plain arithmetic on the same numbers, whatever the split into passes and processes."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("trl")

import torch

from adapters.prorl.objective import TokenView
from adapters.prorl.watching.token_stats import TokenStats


def view(seed: int, *, rows: int = 6, width: int = 40, spread: float = 0.3, **given: Any) -> TokenView:
    made = torch.Generator().manual_seed(seed)

    def noise(*shape: int) -> Any:
        return torch.randn(*shape, generator=made)

    old = -noise(rows, width).abs()
    lengths = torch.randint(1, width + 1, (rows, 1), generator=made)
    values: dict[str, Any] = {
        "logps": old + spread * noise(rows, width),
        "old": old,
        "reference": old + 0.2 * noise(rows, width),
        "sampling": old + 0.05 * noise(rows, width),
        "weights": (0.1 * noise(rows, width)).exp(),
        "entropy": noise(rows, width).abs(),
        "mask": (torch.arange(width) < lengths).int(),
        "advantages": noise(rows, 1),
    }
    return TokenView(**{**values, **given})


def tokens(views: list[TokenView], name: str) -> Any:
    """All tokens that count, of one field, in float64."""
    fields = [getattr(v, name).double().expand_as(v.mask)[v.mask.bool()] for v in views]
    return torch.cat(fields)


def test_against_plain_arithmetic() -> None:
    views = [view(seed) for seed in range(5)]
    stats = TokenStats(0.2, 0.4)
    for each in views:
        stats(each)
    seen = stats.metrics()
    log_ratio = tokens(views, "logps") - tokens(views, "old")
    ratio, advantage = log_ratio.exp(), tokens(views, "advantages")
    away = tokens(views, "logps") - tokens(views, "reference")
    apart = tokens(views, "old") - tokens(views, "sampling")
    weights = tokens(views, "weights")
    wanted = {
        "ratio_max": ratio.max(),
        "ratio_min": ratio.min(),
        "clip_low": ((ratio < 0.8) & (advantage < 0)).double().mean(),
        "clip_high": ((ratio > 1.4) & (advantage > 0)).double().mean(),
        "step_kl_k1": (-log_ratio).mean(),
        "step_kl_k3": (ratio - 1 - log_ratio).mean(),
        "kl_k1": away.mean(),
        "kl_k3": ((-away).exp() - 1 + away).mean(),
        "mismatch": apart.abs().mean(),
        "mismatch_k3": (apart.exp() - 1 - apart).mean(),
        "mismatch_max": apart.abs().max(),
        "weight_mean": weights.mean(),
        "weight_max": weights.max(),
        "weight_min": weights.min(),
        "weight_zero": 0.0,
    }
    assert seen["clip_low"] > 0 < seen["clip_high"]
    for name, value in wanted.items():
        assert seen[name] == pytest.approx(float(value), rel=1e-9), name
    ordered = ratio.sort().values
    for name, share in (("ratio_p01", 0.01), ("ratio_p50", 0.5), ("ratio_p99", 0.99)):
        exact = ordered[int(-(-share * len(ordered) // 1)) - 1]
        assert seen[name] == pytest.approx(float(exact), rel=5e-3), name
    assert seen.keys() == wanted.keys() | {"ratio_p01", "ratio_p50", "ratio_p99"}


def test_tiny_moves_are_resolved() -> None:
    stats = TokenStats(0.2, 0.4)
    for seed in range(5):
        stats(view(seed, spread=1e-4))
    seen = stats.metrics()
    assert 1e-4 < seen["ratio_p99"] - 1 < 4e-4
    assert 1e-4 < 1 - seen["ratio_p01"] < 4e-4


def test_an_untouched_policy_has_ratio_one_exactly() -> None:
    one = view(0, spread=0.0)
    stats = TokenStats(0.2, 0.4)
    stats(one)
    seen = stats.metrics()
    for name in ("ratio_p01", "ratio_p50", "ratio_p99", "ratio_max", "ratio_min"):
        assert seen[name] == 1.0, name
    assert seen["step_kl_k3"] == seen["clip_low"] == seen["clip_high"] == 0.0


def test_processes_together_say_what_one_would() -> None:
    alone, parts = TokenStats(0.2, 0.4), [TokenStats(0.2, 0.4), TokenStats(0.2, 0.4)]
    for seed in range(6):
        alone(view(seed))
        parts[seed % 2](view(seed))
    rows: list[Any] = []
    parts[1].metrics(lambda row: rows.append(row) or row)
    both = parts[0].metrics(lambda row: torch.cat([row, *rows]))
    assert both == pytest.approx(alone.metrics(), rel=1e-12)


def test_what_a_run_does_not_have_is_absent() -> None:
    stats = TokenStats(0.2, 0.4)
    stats(view(0, reference=None, sampling=None, weights=None))
    assert not {name for name in stats.metrics() if name.startswith(("kl", "mismatch", "weight"))}
    assert stats.metrics() == {}


def test_padding_is_never_looked_at() -> None:
    clean = view(3)
    rubbish = torch.where(clean.mask.bool(), clean.logps, torch.inf)
    dirty = view(3, logps=rubbish, old=torch.where(clean.mask.bool(), clean.old, -torch.inf))
    results = []
    for each in (clean, dirty):
        stats = TokenStats(0.2, 0.4)
        stats(each)
        results.append(stats.metrics())
    assert results[0] == results[1]


def test_a_step_starts_from_nothing_and_keeps_no_graph() -> None:
    stats = TokenStats(0.2, 0.4)
    first = view(0)
    first.logps.requires_grad_()
    stats(first)
    stats.metrics()
    stats(view(1))
    again = TokenStats(0.2, 0.4)
    again(view(1))
    assert stats.metrics() == again.metrics()
    assert first.logps.grad is None


def test_weights_per_sequence_count_once_per_token() -> None:
    stats = TokenStats(0.2, 0.4)
    weights = torch.tensor([[0.0], [2.0]])
    stats(view(0, rows=2, width=3, weights=weights, mask=torch.tensor([[1, 0, 0], [1, 1, 1]])))
    seen = stats.metrics()
    assert (seen["weight_mean"], seen["weight_zero"]) == (1.5, 0.25)
