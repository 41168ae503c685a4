"""Extensions: how they join a run, what is refused, and the formulas of those that change the loss."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("trl")

import torch

from adapters.prorl.extension import BUILTIN, Extension, load_extensions
from adapters.prorl.extensions.cispo import Cispo
from adapters.prorl.extensions.dph import Dph, f_divergence
from adapters.prorl.extensions.gspo import Gspo
from adapters.prorl.extensions.guide import Guide
from adapters.prorl.extensions.laser import Laser
from adapters.prorl.extensions.rlcr import Rlcr
from adapters.prorl.settings import validated
from prorl_envs.core import Verdict
from prorl_envs.errors import ConfigError
from tests.adapters import one_step as step
from tests.adapters import reference_objective as exact
from tests.adapters.reference_objective import Update
from tests.adapters.test_train_objective_loss import CLIP, by_key, objective, rewards


def loaded(**extensions: Any) -> list[Extension]:
    return load_extensions(validated({"extensions": extensions}, "test"))


def test_all_of_them_can_be_named() -> None:
    assert set(BUILTIN) == {"cispo", "gspo", "dph", "rlcr", "laser", "guide"}
    made = loaded(cispo={}, dph={"weight": 0.1}, rlcr={}, laser={}, guide={})
    assert [type(extension) for extension in made] == [Cispo, Dph, Rlcr, Laser, Guide]


class Curious(Extension):
    """Anybody's."""

    def __init__(self, scale: float) -> None:
        if scale < 0:
            raise ValueError("scale must not be negative")
        self.scale = scale


class NotOne:
    pass


@pytest.mark.parametrize(
    ("extensions", "words"),
    [
        ({"cipso": {}}, "none named 'cipso'.*cispo"),
        ({"dph": {}}, "weight"),
        ({"dph": {"weight": 0.1, "wieght": 1}}, "wieght"),
        ({"dph": {"weight": 0.1, "divergence": "reverse"}}, "forward_kl or js"),
        ({"cispo": {}, "gspo": {}}, "both decide TRL's loss_type"),
        ({"cispo": {"max_ratio": 0.5}}, "at least 1"),
        ({"laser": {"target": 9000}}, "max_response_tokens"),
        ({"guide": {"text": "no place"}}, "{hint}"),
        ({"guide": {"hint": "nowhere:function"}}, "nowhere"),
        ({f"{__name__}:NotOne": {}}, "not an Extension"),
        ({f"{__name__}:Absent": {}}, "Absent"),
        ({f"{__name__}:Curious": {"scale": -1}}, "must not be negative"),
        ({"nowhere:Thing": {}}, "nowhere"),
    ],
)
def test_what_is_wrong_is_said(extensions: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        loaded(**extensions)


def test_anybody_s_extension_joins_as_module_and_class() -> None:
    (made,) = loaded(**{f"{__name__}:Curious": {"scale": 2}})
    assert vars(made) == {"scale": 2}


@pytest.mark.parametrize(
    ("objective_settings", "rollout", "extension"),
    [
        ({"loss": "sequence"}, {}, {"cispo": {}}),
        ({}, {"dynamic_sampling": False}, {"guide": {}}),
        ({"kl": 0.0}, {}, {"dph": {"weight": 0.1}}),
    ],
)
def test_settings_that_do_not_go_together(
    objective_settings: dict[str, Any], rollout: dict[str, Any], extension: dict[str, Any]
) -> None:
    data = {"objective": objective_settings, "rollout": rollout, "extensions": extension}
    with pytest.raises(ConfigError, match=f"extensions.{next(iter(extension))}"):
        load_extensions(validated(data, "test"))


def trained(folder: Path, extension: Extension, **settings: Any) -> tuple[Any, dict[Any, float]]:
    kept = step.groups()
    trainer = step.trained(step.config(folder, kl=0.0, **settings), folder, kept, extensions=[extension])
    return trainer, by_key(kept, exact.advantages(rewards(kept), "group"))


def test_cispo(tmp_path: Path) -> None:
    """MiniMax-M1, eq. 4 and 5: sg(min(r, bound)) A log pi. Differentiated by hand: the weight is held constant."""
    trainer, advantages = trained(tmp_path, Cispo(max_ratio=1.2))
    held: list[tuple[Update, list[Any]]] = []

    def loss(update: Update) -> float:
        if not held or held[-1][0] is not update:
            bounded = [np.minimum(np.exp(a - b), 1.2) for a, b in zip(update.logps, update.old, strict=True)]
            held.append((update, bounded))
        weights = held[-1][1]
        rows = [-w * a * row for w, a, row in zip(weights, update.advantages, update.logps, strict=True)]
        return exact.token_level(update, rows)

    seen = step.check(trainer, advantages, loss)
    ratios = np.concatenate([np.exp(a - b) for a, b in zip(seen[1].logps, seen[1].old, strict=True)])
    assert ratios.max() > 1.2


def test_gspo(tmp_path: Path) -> None:
    trainer, advantages = trained(tmp_path, Gspo(clip_low=0.02, clip_high=0.03))
    seen = step.check(
        trainer,
        advantages,
        lambda update: exact.sequence_level(update, objective(update, exact.gspo(0.02, 0.03))),
    )
    ratios = [np.exp((a - b).mean()) for a, b in zip(seen[1].logps, seen[1].old, strict=True)]
    assert min(ratios) < 0.98
    assert max(ratios) > 1.03


def divergence(u: Any, kind: str) -> Any:
    """The generators of DPH-RL's code: forward KL, -log u made non-negative by u - 1; JS."""
    return u - 1 - np.log(u) if kind == "forward_kl" else u * np.log(u) - (u + 1) * np.log((u + 1) / 2)


@pytest.mark.parametrize("kind", ["forward_kl", "js"])
@pytest.mark.parametrize("level", ["token", "sequence"])
def test_dph_in_the_loss_without_a_kl_term(tmp_path: Path, kind: Any, level: str) -> None:
    trainer, advantages = trained(tmp_path, Dph(0.4, kind, max_weight=3.0), loss=level, reference=True)
    assert trainer.ref_model is not None
    aggregate = exact.token_level if level == "token" else exact.sequence_level

    def loss(update: Update) -> float:
        rows = objective(update, CLIP)
        for i, logps in enumerate(update.logps):
            weight = np.minimum(np.exp(update.reference[i] - update.old[i]), 3.0)
            rows[i] = rows[i] + 0.4 * weight * divergence(np.exp(logps - update.reference[i]), kind)
        return aggregate(update, rows)

    step.check(trainer, advantages, loss)


@pytest.mark.parametrize("kind", ["forward_kl", "js"])
def test_dph_estimates_the_divergence_from_the_policy_s_own_samples(kind: Any) -> None:
    """Mean and gradient over exact distributions: sum over tokens of old * weight * f."""
    old = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)
    reference = torch.tensor([0.3, 0.3, 0.4], dtype=torch.float64)
    logits = torch.tensor([0.4, 0.1, -0.5], dtype=torch.float64, requires_grad=True)
    policy = logits.softmax(0)
    estimate = (old * (reference / old) * f_divergence(policy.log(), reference.log(), kind)).sum()
    if kind == "forward_kl":
        truth = (reference * (reference / policy).log()).sum()
    else:
        middle = (policy + reference) / 2
        truth = (policy * (policy / middle).log()).sum() + (reference * (reference / middle).log()).sum()
    assert estimate.item() == pytest.approx(truth.item(), abs=1e-14)
    (ours,) = torch.autograd.grad(estimate, logits, retain_graph=True)
    (theirs,) = torch.autograd.grad(truth, logits)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-14)


def test_divergences_stay_finite() -> None:
    for kind in ("forward_kl", "js"):
        logps = torch.tensor([-200.0, 0.0, -1.0], requires_grad=True)
        value = f_divergence(logps, torch.tensor([0.0, -200.0, -1.0]), kind)  # type: ignore[arg-type]
        value.sum().backward()
        assert logps.grad is not None
        assert value.isfinite().all()
        assert logps.grad.isfinite().all()
        assert value[2].item() == 0.0


def test_the_example_of_the_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "extensions.md").read_text(encoding="utf-8")
    module = ModuleType("my_ideas")
    exec(page.partition("```python\n")[2].partition("```")[0], vars(module))
    monkeypatch.setitem(sys.modules, "my_ideas", module)
    (rare,) = loaded(**{"my_ideas:Rare": {"bonus": 0.25}})
    verdicts = [Verdict.binary(True)] * 3 + [Verdict.binary(False), Verdict.failed("down")]
    made = replace(step.groups()[0], texts=["a", "a", "b", "c", "d"], verdicts=verdicts)
    assert rare.rewards(made, [1.0, 1.0, 1.0, 0.0, None], 0) == [1.0, 1.0, 1.25, 0.0, None]
