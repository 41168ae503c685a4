"""The pure parts of the objective on the inputs that break them: unknown rewards, equal ones, huge ratios."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.prorl.objective import (
    aggregate,
    group_advantages,
    importance_weights,
    kl_estimate,
    padded_left,
)
from prorl_envs.errors import ConfigError
from tests.adapters import reference_objective as exact

KINDS: Any = ["group", "none", "leave_one_out", "batch", "batch_tokens"]
LENGTHS = [3, 1, 7, 2]
NAN = float("nan")


def advantages(rewards: list[list[float]], kind: Any, dtype: Any = torch.float32) -> Any:
    lengths = torch.tensor([LENGTHS] * len(rewards))
    return group_advantages(torch.tensor(rewards, dtype=dtype), kind, lengths_NG=lengths).numpy()


def table(size: int) -> st.SearchStrategy[list[list[float]]]:
    reward = st.one_of(st.just(NAN), st.sampled_from([0.0, 1.0]), st.floats(-1, 1, width=32))
    return st.lists(st.lists(reward, min_size=size, max_size=size), min_size=1, max_size=5)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(rewards=table(4))
def test_advantages_equal_the_formulas(kind: Any, rewards: list[list[float]]) -> None:
    values = np.array(rewards, dtype=np.float64)
    if (~np.isnan(values)).sum() < 2:
        return
    spreads = [np.ptp(row[~np.isnan(row)]) for row in values if (~np.isnan(row)).any()]
    if any(0 < spread < 1e-4 for spread in spreads):
        return
    expected = exact.advantages(values, kind, np.array([LENGTHS] * len(rewards)))
    np.testing.assert_allclose(advantages(rewards, kind, torch.float64), expected, atol=1e-9)
    np.testing.assert_allclose(advantages(rewards, kind, torch.float32), expected, atol=3e-3, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "group", [[NAN] * 4, [NAN, 0.7, NAN, NAN], [1.0] * 4, [0.0] * 4, [0.1, 0.1, 0.1, NAN], [1 / 3] * 4]
)
def test_a_group_that_says_nothing_moves_nothing(kind: Any, group: list[float]) -> None:
    """Rounding must not be blown up by a standard deviation of 1e-9."""
    alive = [1.0, 0.0, 0.0, 0.0]
    both = advantages([group, alive], kind)
    assert abs(both[0]).max() < 1e-3
    assert both[1, 0] > 0.5
    assert abs(advantages([group], kind)).max() < 1e-3


def test_a_single_success_is_the_largest_advantage() -> None:
    """With a leave-one-out standard deviation it would be divided by zero, or dropped."""
    for kind in KINDS:
        found = advantages([[1.0, 0.0, 0.0, 0.0]], kind)[0]
        assert found[0] > 0.7
        assert (found[1:] < 0).all()
        assert np.isfinite(found).all()


def test_batch_normalisation_sees_all_processes() -> None:
    mine, theirs = [[1.0, 0.0, 0.5]], [[0.2, 0.4, 0.9], [NAN, 1.0, 0.0]]
    moments: list[Any] = []
    for part in (mine, theirs):
        group_advantages(torch.tensor(part, dtype=torch.float64), "batch", lambda m: moments.append(m) or m)
    total = moments[0] + moments[1]
    ours = group_advantages(torch.tensor(mine, dtype=torch.float64), "batch", lambda _: total)
    np.testing.assert_allclose(
        ours.numpy()[0], exact.advantages(np.array(mine + theirs), "batch")[0], atol=1e-12
    )


@pytest.mark.parametrize("estimator", ["k1", "k2", "k3"])
def test_kl_estimators_and_their_digits_near_zero(estimator: Any) -> None:
    draw = np.random.default_rng(0)
    logps, reference = draw.uniform(-8, 0, 500), draw.uniform(-8, 0, 500)
    ours = kl_estimate(torch.tensor(logps), torch.tensor(reference), estimator).numpy()
    np.testing.assert_allclose(ours, exact.kl(logps, reference, estimator), rtol=1e-10)
    near = kl_estimate(torch.tensor([1e-3]), torch.tensor([0.0]), estimator)  # float32
    expected = {"k1": 1e-3, "k2": 5e-7, "k3": 4.998333749916681e-07}[estimator]
    assert abs(float(near) - expected) < 1e-3 * expected


@pytest.mark.parametrize("estimator", ["k1", "k2", "k3"])
def test_the_mean_of_an_estimator_is_the_divergence(estimator: Any) -> None:
    """Over all tokens of two exact distributions; k2 is only near for near distributions."""
    policy = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    reference = torch.tensor([0.45, 0.32, 0.23], dtype=torch.float64)
    divergence = (policy * (policy / reference).log()).sum()
    mean = (policy * kl_estimate(policy.log(), reference.log(), estimator)).sum()
    assert abs(mean - divergence) < (1e-12 if estimator != "k2" else 0.03 * divergence)


def test_one_absurd_token_is_not_the_whole_loss() -> None:
    logps = torch.tensor([-200.0, -1.0], requires_grad=True)
    value = kl_estimate(logps, torch.tensor([-1.0, -1.0]), "k3")
    value.sum().backward()
    assert value.isfinite().all()
    assert logps.grad is not None
    assert logps.grad.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("mode", ["token_truncate", "token_mask", "sequence_truncate", "sequence_mask"])
def test_importance_weights(mode: str) -> None:
    draw = np.random.default_rng(3)
    trainer, sampler = draw.uniform(-2, 0, (6, 5)), draw.uniform(-2, 0, (6, 5))
    sampler[2, 1] = np.nan
    lengths = [5, 3, 4, 1, 2, 5]
    mask = np.array([[t < n for t in range(5)] for n in lengths])
    ours = importance_weights(
        torch.tensor(trainer), torch.tensor(sampler), torch.tensor(mask).long(), mode, 0.5, 1.5
    ).numpy()
    for row, length in enumerate(lengths):
        expected = exact.weights(trainer[row, :length], sampler[row, :length], mode, 0.5, 1.5)
        np.testing.assert_allclose(np.broadcast_to(ours[row], (5,))[:length], expected, rtol=1e-12)
    unbounded = importance_weights(
        torch.tensor(trainer), torch.tensor(sampler), torch.tensor(mask).long(), mode, None, None
    )
    assert (unbounded > 0).all()


def test_prompts_are_padded_on_the_left() -> None:
    ids, mask = padded_left([[1, 2, 3], [4]], 9, torch.device("cpu"))
    assert ids.tolist() == [[1, 2, 3], [9, 9, 4]]
    assert mask.tolist() == [[1, 1, 1], [0, 0, 1]]


def test_a_loss_type_with_another_normaliser_is_refused() -> None:
    trainer = SimpleNamespace(loss_type="dr_grpo", current_gradient_accumulation_steps=1)
    with pytest.raises(ConfigError, match="dr_grpo"):
        aggregate(torch.ones(2, 3), torch.ones(2, 3), {}, trainer)


def test_what_stands_behind_the_mask_cannot_poison_a_term() -> None:
    trainer = SimpleNamespace(loss_type="grpo", current_gradient_accumulation_steps=1)
    term, mask = torch.tensor([[1.0, float("inf")], [NAN, NAN]]), torch.tensor([[1, 0], [0, 0]])
    assert float(aggregate(term, mask, {}, trainer)) == 0.5
