"""Diversity-preserving divergences (DPH-RL, arXiv 2509.07430): stay wherever the reference was, not only near it.

The usual KL term, of the policy from the reference, lets the policy drop solutions that the reference had: it is
taken over what the policy still says. Forward KL and Jensen-Shannon divergence are taken over what the reference
says, and hold pass@k up while pass@1 rises.

    objective: {kl: 0.0, reference: true}
    extensions: {dph: {weight: 0.02}}

With u = policy / reference, both are the mean over the reference of a convex f(u) that is least, and 0, at u = 1:
f = u - 1 - log u for forward KL; f = u log u - (u + 1) log((u + 1) / 2) for twice the Jensen-Shannon divergence.

Where this differs from the paper: there, responses of the initial policy to problems that it solves are sampled once,
beforehand, and the term is applied to those alone. Here it is estimated on the update's own responses, each token
weighted by reference / (policy that sampled it), so that it needs no second data set and follows resets.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch.nn.functional import softplus

from adapters.prorl.config import RunConfig
from adapters.prorl.extension import Extension
from adapters.prorl.objective import TokenView
from prorl_envs.errors import ConfigError

__all__ = ["Divergence", "Dph", "f_divergence"]

Divergence = Literal["forward_kl", "js"]

_BOUND = 20.0
"""Log-ratios beyond this are cut off, as in `kl_estimate`."""


class Dph(Extension):
    """Adds `weight` times the divergence to the loss.

    Args:
        weight: the paper's code uses 0.01 to 0.05 for forward KL and 0.05 to 0.2 for JS.
        divergence: ``forward_kl`` or ``js``.
        max_weight: the largest weight of one token.
    """

    def __init__(
        self, weight: float, divergence: Divergence = "forward_kl", max_weight: float = 10.0
    ) -> None:
        if weight <= 0 or max_weight < 1:
            raise ValueError("weight must be above 0, and max_weight at least 1")
        if divergence not in ("forward_kl", "js"):
            raise ValueError(f"divergence is forward_kl or js, not {divergence!r}")
        self._weight, self._divergence, self._max_weight = weight, divergence, max_weight

    def check(self, config: RunConfig) -> None:
        """It needs the reference; see `Extension.check`."""
        if not config.objective.has_reference:
            raise ConfigError(
                "extensions.dph stays near the reference policy, and there is none: set objective.reference to true"
            )

    def loss_term(self, view: TokenView) -> torch.Tensor:
        """See `Extension.loss_term`."""
        assert view.reference is not None  # checked
        importance_BT = (view.reference - view.old).clamp(max=math.log(self._max_weight)).exp()
        return self._weight * importance_BT * f_divergence(view.logps, view.reference, self._divergence)


def f_divergence(logps: torch.Tensor, reference: torch.Tensor, divergence: Divergence) -> torch.Tensor:
    """f(policy / reference), whose mean over tokens of the reference is the divergence; any shape.

    Args:
        logps: log-probabilities under the policy.
        reference: under the reference, same shape.
        divergence: ``forward_kl``, or ``js`` (twice the Jensen-Shannon divergence, as in the paper's code).
    """
    log_u = (logps - reference).clamp(-_BOUND, _BOUND)
    if divergence == "forward_kl":
        return torch.expm1(log_u) - log_u
    u = log_u.exp()
    return u * log_u - (u + 1) * (softplus(log_u) - math.log(2))
