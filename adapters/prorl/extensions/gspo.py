"""GSPO (arXiv 2507.18071, eq. 5 and 7): one importance ratio and one clip for a whole response.

The reward is a response's, so the ratio is, too: the geometric mean of its tokens' ratios. It varies far less than
theirs, which steadies mixture-of-experts models and long responses; its clip range is three orders smaller.

    extensions: {gspo: {}}

TRL computes it (``importance_sampling_level="sequence"`` with its ``grpo`` loss, the mean over responses).
"""

from __future__ import annotations

from typing import Any

from adapters.prorl.extension import Extension

__all__ = ["Gspo"]


class Gspo(Extension):
    """Replaces ``objective.loss``, ``clip_low`` and ``clip_high``.

    Args:
        clip_low: how far below 1 a ratio may fall. The paper's (section 5.1).
        clip_high: how far above 1 it may rise. The paper's.
    """

    def __init__(self, clip_low: float = 3e-4, clip_high: float = 4e-4) -> None:
        if not 0 < clip_low < 1 or clip_high <= 0:
            raise ValueError("clip_low must lie between 0 and 1, and clip_high above 0")
        self._clip_low, self._clip_high = clip_low, clip_high

    def trl_settings(self) -> dict[str, Any]:
        """See `Extension.trl_settings`."""
        return {
            "loss_type": "grpo",
            "importance_sampling_level": "sequence",
            "epsilon": self._clip_low,
            "epsilon_high": self._clip_high,
        }
