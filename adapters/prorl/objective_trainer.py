"""Where the run's objective meets TRL's GRPOTrainer: our advantages, KL estimators, and terms added to its loss.

TRL generates, computes ratios and clips; none of it is copied. The three methods that are overridden are pinned by
``tests/adapters/test_train_trl_contract.py``.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any

# TRL warns once that rollout functions are experimental; the version is pinned and the contract tested.
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")

import torch
from trl.trainer.grpo_trainer import GRPOTrainer

from adapters.prorl.config import ObjectiveSettings
from adapters.prorl.extension import Extension
from adapters.prorl.objective import TokenView, aggregate, group_advantages, kl_estimate
from adapters.prorl.rollouts import Rollouts

__all__ = ["ObjectiveTrainer"]


class ObjectiveTrainer(GRPOTrainer):
    """GRPOTrainer with the run's objective.

    Args:
        objective: what to optimise.
        rollouts: whose groups the updates are made from.
        extensions: their terms are added to the loss.
        arguments: of GRPOTrainer.

    Attributes:
        rollouts: as given.
        token_observers: called with each forward pass of an update, for metrics.
    """

    def __init__(
        self,
        objective: ObjectiveSettings,
        rollouts: Rollouts,
        extensions: Sequence[Extension],
        **arguments: Any,
    ) -> None:
        self.rollouts = rollouts
        self.token_observers: list[Callable[[TokenView], None]] = []
        self._objective, self._extensions = objective, extensions
        self._forward: tuple[torch.Tensor, torch.Tensor] | None = None
        super().__init__(**arguments)

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """TRL's, with our advantages in place of its own: there are more estimators, and groups are whole here."""
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        rewards_B = torch.tensor(
            [
                math.nan if reward is None else reward
                for g in self.rollouts.counts.kept
                for reward in g.shaped
            ],
            dtype=torch.float32,
            device=self.accelerator.device,
        )
        if self._objective.kl and self._objective.kl_in == "reward":
            rewards_B = rewards_B - self._objective.kl * self._kl_of_responses(output)
        advantages_NG = group_advantages(
            rewards_B.view(-1, len(self.rollouts.counts.kept[0].shaped)),
            self._objective.advantage,
            lambda moments: self.accelerator.reduce(moments, reduction="sum"),
        )
        output["advantages"] = advantages_NG.flatten()
        return output

    def _kl_of_responses(self, output: dict[str, Any]) -> torch.Tensor:
        """The KL estimates of each response's tokens, summed: (B,)."""
        old_BT, mask_BT = output.get("old_per_token_logps"), output["completion_mask"]
        if old_BT is None:
            # TRL leaves it out where the policy that samples is the one that is updated; it is needed here.
            ids = torch.cat([output["prompt_ids"], output["completion_ids"]], dim=1)
            attention = torch.cat([output["prompt_mask"], mask_BT], dim=1)
            with torch.no_grad():
                old_BT, _, _ = self._get_per_token_logps_and_entropies(
                    self.model,
                    ids,
                    attention,
                    mask_BT.size(1),
                    batch_size=self.args.per_device_train_batch_size,
                )
        kl_BT = kl_estimate(old_BT, output["ref_per_token_logps"], self._objective.kl_estimator)
        self._metrics["train"]["kl"].append(self._mean_over_tokens(kl_BT, mask_BT))
        total_B: torch.Tensor = (kl_BT * mask_BT).sum(-1)
        return total_B

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        """TRL's, remembered when it is the update's: `_compute_loss` does not return it."""
        result = super()._get_per_token_logps_and_entropies(*args, **kwargs)
        if torch.is_grad_enabled():
            self._forward = result[0], result[1]
        return result

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        """TRL's loss, with the KL term taken over where it is not k3 in the loss, and the extensions' terms added."""
        own_kl = bool(self.beta) and (self._objective.kl_in, self._objective.kl_estimator) != ("loss", "k3")
        beta, self.beta = self.beta, 0.0 if own_kl else self.beta
        try:
            loss: torch.Tensor = super()._compute_loss(model, inputs)  # type: ignore[no-untyped-call]
        finally:
            self.beta = beta
        view, self._forward = self._view(inputs), None
        for observer in self.token_observers:
            observer(view)
        terms = [term for ext in self._extensions if (term := ext.loss_term(view)) is not None]
        if own_kl and self._objective.kl_in == "loss":
            assert view.reference is not None  # beta is not 0
            kl_BT = kl_estimate(view.logps, view.reference, self._objective.kl_estimator)
            self._metrics["train"]["kl"].append(self._mean_over_tokens(kl_BT, view.mask))
            terms.append(beta * kl_BT)
        for term in terms:
            loss = loss + aggregate(term, view.mask, inputs, self)
        return loss

    def _view(self, inputs: dict[str, Any]) -> TokenView:
        assert self._forward is not None  # the loss has just been computed from it
        logps, entropy = self._forward
        old, advantages = inputs.get("old_per_token_logps"), inputs["advantages"]
        return TokenView(
            logps=logps,
            old=logps.detach() if old is None else old,
            reference=inputs.get("ref_per_token_logps"),
            sampling=inputs.get("sampling_per_token_logps"),
            weights=inputs.get("importance_sampling_ratio"),
            entropy=entropy.detach(),
            mask=inputs["completion_mask"],
            advantages=advantages if advantages.dim() > 1 else advantages.unsqueeze(1),
        )

    def _mean_over_tokens(self, values_BT: torch.Tensor, mask_BT: torch.Tensor) -> float:
        """Over all processes."""
        pair = torch.stack([(values_BT.detach() * mask_BT).sum(), mask_BT.sum().float()])
        total, count = self.accelerator.reduce(pair, reduction="sum")
        return float(total / count.clamp(min=1.0))
