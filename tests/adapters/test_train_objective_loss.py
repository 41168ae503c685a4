"""Loss and gradient of every update of a real step, against the formulas in float64.

Twelve responses of 2 to 7 tokens, two updates of three forward passes each; the second update is off-policy enough
to be clipped.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("trl")

from adapters.prorl.sampling.groups import Group
from tests.adapters import one_step as step
from tests.adapters import reference_objective as exact
from tests.adapters.one_step import Key
from tests.adapters.reference_objective import Array, Update


def keys(kept: list[Group]) -> list[list[Key]]:
    return [[(tuple(g.prompt_ids), tuple(ids)) for ids in g.response_ids] for g in kept]


def by_key(kept: list[Group], table: Array) -> dict[Key, float]:
    return {key: float(table[n, g]) for n, row in enumerate(keys(kept)) for g, key in enumerate(row)}


def rewards(kept: list[Group]) -> Array:
    return np.array([[np.nan if r is None else r for r in g.rewards] for g in kept], dtype=np.float64)


def objective(
    update: Update, surrogate: exact.Surrogate, *, kl: float = 0.0, estimator: str = "k3"
) -> list[Array]:
    rows = []
    for i, logps in enumerate(update.logps):
        row = -surrogate(update, i)
        rows.append(row + kl * exact.kl(logps, update.reference[i], estimator) if kl else row)
    return rows


CLIP = exact.clipped(0.2, 0.4)


@pytest.mark.parametrize("kind", ["group", "none", "leave_one_out", "batch", "batch_tokens"])
@pytest.mark.parametrize("unknown", [False, True])
def test_advantages_clip_and_token_level(tmp_path: Path, kind: str, unknown: bool) -> None:
    """Some rewards unknown, one group with none known but one."""
    kept = step.groups(unknown=unknown)
    trainer = step.trained(step.config(tmp_path, advantage=kind, kl=0.0), tmp_path, kept)
    lengths = np.array([[len(ids) for ids in g.response_ids] for g in kept])
    advantages = by_key(kept, exact.advantages(rewards(kept), kind, lengths))
    seen = step.check(trainer, advantages, lambda update: exact.token_level(update, objective(update, CLIP)))
    assert len(seen) == 2
    ratios = np.concatenate([np.exp(a - b) for a, b in zip(seen[1].logps, seen[1].old, strict=True)])
    assert ratios.min() < 0.8, "the second update would never be clipped below"
    assert ratios.max() > 1.4, "nor above"


@pytest.mark.parametrize("estimator", ["k1", "k2", "k3"])
@pytest.mark.parametrize("level", ["token", "sequence"])
def test_kl_in_the_loss(tmp_path: Path, estimator: str, level: str) -> None:
    kept = step.groups()
    settings = step.config(tmp_path, kl=0.3, kl_estimator=estimator, loss=level)
    trainer = step.trained(settings, tmp_path, kept)
    aggregate = exact.token_level if level == "token" else exact.sequence_level
    step.check(
        trainer,
        by_key(kept, exact.advantages(rewards(kept), "group")),
        lambda update: aggregate(update, objective(update, CLIP, kl=0.3, estimator=estimator)),
    )


@pytest.mark.parametrize("estimator", ["k1", "k2", "k3"])
@pytest.mark.parametrize("mini_batch", [2, 4])
def test_kl_in_the_reward(tmp_path: Path, estimator: str, mini_batch: int) -> None:
    """Taken off a response's reward, summed over its tokens, under the policy that the step began with."""
    kept = step.groups()
    settings = step.config(
        tmp_path, kl=0.1, kl_estimator=estimator, kl_in="reward", mini_batch=mini_batch, advantage="none"
    )
    trainer = step.trained(settings, tmp_path, kept)
    start, reference = (
        step.Exact(trainer.updates[0].weights),
        step.Exact(dict(step.tiny(3).named_parameters())),
    )
    penalty = np.array(
        [[exact.kl(start.logps(k), reference.logps(k), estimator).sum() for k in row] for row in keys(kept)]
    )
    advantages = exact.advantages(rewards(kept) - 0.1 * penalty, "none")
    step.check(
        trainer,
        by_key(kept, advantages),
        lambda update: exact.token_level(update, objective(update, CLIP)),
    )


@pytest.mark.parametrize("replaced", [True, False])
def test_kl_in_the_reward_does_not_revive_a_dead_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    """Unless dead groups are not replaced: then they are part of the update like any other."""
    monkeypatch.setattr(step.Given, "replaces_dead", replaced)
    kept = step.groups()
    kept[2] = replace(kept[2], rewards=[0.0] * 3, shaped=[0.0] * 3)
    trainer = step.trained(step.config(tmp_path, kl=0.1, kl_in="reward"), tmp_path, kept)
    start, reference = (
        step.Exact(trainer.updates[0].weights),
        step.Exact(dict(step.tiny(3).named_parameters())),
    )
    penalty = np.array(
        [[exact.kl(start.logps(k), reference.logps(k), "k3").sum() for k in row] for row in keys(kept)]
    )
    if replaced:
        penalty[2] = 0.0
    advantages = exact.advantages(rewards(kept) - 0.1 * penalty, "group")
    assert (float(np.abs(advantages[2]).max()) == 0.0) == replaced
    step.check(
        trainer,
        by_key(kept, advantages),
        lambda update: exact.token_level(update, objective(update, CLIP)),
    )


def test_kl_with_trl_s_bias_correction(tmp_path: Path) -> None:
    """k3 times the ratio (DeepSeek-V3.2, arXiv 2512.02556), in the loss."""
    kept = step.groups()
    trainer = step.trained(step.config(tmp_path, kl=0.3, kl_bias_correction=True), tmp_path, kept)

    def loss(update: Update) -> float:
        rows = objective(update, CLIP)
        for i, logps in enumerate(update.logps):
            rows[i] = rows[i] + 0.3 * np.exp(logps - update.old[i]) * exact.kl(
                logps, update.reference[i], "k3"
            )
        return exact.token_level(update, rows)

    step.check(trainer, by_key(kept, exact.advantages(rewards(kept), "group")), loss)


@pytest.mark.parametrize("level", ["token", "sequence"])
def test_entropy_bonus(tmp_path: Path, level: str) -> None:
    kept = step.groups()
    trainer = step.trained(step.config(tmp_path, kl=0.0, entropy=0.7, loss=level), tmp_path, kept)
    aggregate = exact.token_level if level == "token" else exact.sequence_level

    def loss(update: Update) -> float:
        rows = [row - 0.7 * update.entropies[i] for i, row in enumerate(objective(update, CLIP))]
        return aggregate(update, rows)

    step.check(trainer, by_key(kept, exact.advantages(rewards(kept), "group")), loss)


@pytest.mark.parametrize("level", ["token", "sequence"])
def test_masked_responses_have_no_gradient_but_a_part_in_the_baseline(tmp_path: Path, level: str) -> None:
    kept = step.groups(unfinished=True)
    cut = [key for row in keys(kept) for key in row if key[1][-1] != step.END]
    assert len(cut) == 3
    settings = step.config(tmp_path, kl=0.3, kl_estimator="k2", mask_truncated=True, loss=level)
    trainer = step.trained(settings, tmp_path, kept)
    aggregate = exact.token_level if level == "token" else exact.sequence_level
    step.check(
        trainer,
        by_key(kept, exact.advantages(rewards(kept), "group")),
        lambda update: aggregate(update, objective(update, CLIP, kl=0.3, estimator="k2")),
        masked=cut,
    )


def reported(kept: list[Group]) -> dict[Key, Array]:
    """A sampler's log-probs: the first policy's, off by up to 0.6 nats, one unknown."""
    start, noise = step.Exact(dict(step.tiny(4).named_parameters())), np.random.default_rng(2)
    table = {k: start.logps(k) + noise.uniform(-0.6, 0.6, len(k[1])) for row in keys(kept) for k in row}
    next(iter(table.values()))[1] = np.nan
    return table


@pytest.mark.parametrize(
    "mode", ["token_truncate", "token_mask", "sequence_truncate", "sequence_mask", "none"]
)
def test_importance_weights_between_sampler_and_trainer(tmp_path: Path, mode: str) -> None:
    kept = step.groups()
    sampling = reported(kept)
    trainer = step.trained(
        step.config(tmp_path, kl=0.0, correction=mode), tmp_path, kept,
        logprobs=[sampling[k].tolist() for row in keys(kept) for k in row],
    )  # fmt: skip

    def loss(update: Update) -> float:
        rows = objective(update, CLIP)
        for i, old in enumerate(update.old if mode != "none" else []):
            rows[i] = rows[i] * exact.weights(old, update.sampling[i], mode, 0.6, 1.5)
        return exact.token_level(update, rows)

    advantages = by_key(kept, exact.advantages(rewards(kept), "group"))
    seen = step.check(trainer, advantages, loss, sampling=sampling)
    if mode == "none":
        return
    bounded = [
        exact.weights(o, s, mode, 0.6, 1.5) for u in seen for o, s in zip(u.old, u.sampling, strict=True)
    ]
    edge = {0.0} if mode.endswith("mask") else {0.6, 1.5}
    assert edge & set(np.concatenate(bounded).tolist()), "no weight reached its bound"


def test_a_response_sampled_with_a_hint_is_weighed_against_the_prompt_without_it(tmp_path: Path) -> None:
    kept = step.groups()
    kept[1] = replace(kept[1], sampled_from=[5, 6, 7, *kept[1].prompt_ids, 8])
    hinted = {key: tuple(kept[1].sampled_from or ()) for key in keys(kept)[1]}
    advantages = by_key(kept, exact.advantages(rewards(kept), "group"))

    def loss(update: Update) -> float:
        return exact.token_level(update, objective(update, CLIP))

    for mini_batch in (2, 4):
        folder = tmp_path / str(mini_batch)
        trainer = step.trained(step.config(folder, kl=0.0, mini_batch=mini_batch), folder, kept)
        step.check(trainer, advantages, loss, sampled_from=hinted)
    sampling = reported(kept)
    trainer = step.trained(
        step.config(tmp_path, kl=0.0), tmp_path, kept,
        logprobs=[sampling[k].tolist() for row in keys(kept) for k in row],
    )  # fmt: skip

    def weighed(update: Update) -> float:
        rows = objective(update, CLIP)
        for i, old in enumerate(update.old):
            rows[i] = rows[i] * exact.weights(old, update.sampling[i], "token_mask", 0.6, 1.5)
        return exact.token_level(update, rows)

    step.check(trainer, advantages, weighed, sampled_from=hinted, sampling=sampling)


@pytest.mark.parametrize("level", ["token", "sequence"])
def test_the_gradient_does_not_depend_on_the_device_s_batch(tmp_path: Path, level: str) -> None:
    kept, grads = step.groups(unfinished=True), []
    for size in (1, 2, 6):
        folder = tmp_path / str(size)
        settings = step.config(
            folder, device_batch=size, loss=level, kl=0.3, kl_estimator="k2", entropy=0.5, mask_truncated=True
        )
        trainer = step.trained(settings, folder, kept)
        grads.append(trainer.updates[0].grads)
    for other in grads[1:]:
        for name, grad in grads[0].items():
            assert (grad - other[name]).norm() <= 1e-6 * (1 + grad.norm()), name
