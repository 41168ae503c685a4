"""CISPO (MiniMax-M1, arXiv 2506.13585, eq. 4 and 5): the clip is on the importance weight, not on the update.

PPO's clip drops the gradient of tokens whose ratio has moved too far, and those are often the rare ones at which a
line of thought turns. Here every token keeps its gradient, -w A log pi, with the weight w cut from above and held
constant. Useful with many updates per rollout.

    extensions: {cispo: {}}

TRL computes it (``loss_type="cispo"``; its ``epsilon_high`` is the bound itself, not the distance from 1).
"""

from __future__ import annotations

from typing import Any

from adapters.prorl.config import RunConfig
from adapters.prorl.extension import Extension
from prorl_envs.errors import ConfigError

__all__ = ["Cispo"]


class Cispo(Extension):
    """Replaces ``objective.loss``, ``clip_low`` and ``clip_high``.

    Args:
        max_ratio: the largest importance weight. MiniMax does not publish theirs (it tunes the upper bound and has no
            lower one); 5 is what ScaleRL (arXiv 2510.13786) settled on.
    """

    def __init__(self, max_ratio: float = 5.0) -> None:
        if max_ratio < 1:
            raise ValueError(
                f"max_ratio ({max_ratio}) must be at least 1: on-policy tokens have a weight of 1"
            )
        self._max_ratio = max_ratio

    def check(self, config: RunConfig) -> None:
        """Its loss is a mean over tokens; see `Extension.check`."""
        if config.objective.loss != "token":
            raise ConfigError("extensions.cispo averages over tokens: set objective.loss to token")

    def trl_settings(self) -> dict[str, Any]:
        """See `Extension.trl_settings`."""
        return {"loss_type": "cispo", "epsilon_high": self._max_ratio}
