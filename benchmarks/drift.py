"""Whether a quantity that was measured again and again drifts: the slope, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Drift", "drift_of"]

_BLOCKS = 20
_T_18 = 2.101
"""Student's t at 97.5 % with 18 degrees of freedom: a line through 20 points."""


@dataclass(frozen=True)
class Drift:
    """A straight line through the measurements.

    Attributes:
        level: their mean.
        slope: change per step.
        margin: half the width of the slope's 95 % interval.
        steps: how many steps they span.
    """

    level: float
    slope: float
    margin: float
    steps: int

    @property
    def rises(self) -> bool:
        """Whether the interval lies above zero."""
        return self.slope - self.margin > 0

    @property
    def over_span(self) -> float:
        """What the slope adds up to over the steps measured."""
        return self.slope * self.steps

    def grows(self, tolerance: float) -> bool:
        """Whether the quantity certainly rises, and by more than `tolerance` over the steps measured."""
        return self.rises and self.over_span > tolerance


def drift_of(steps: Sequence[int], values: Sequence[float]) -> Drift:
    """The drift of `values` measured at `steps`.

    Neighbouring measurements resemble each other, so that each of them taken as new evidence would make the interval
    too narrow. The line goes through the means of 20 consecutive blocks instead.

    Raises:
        ValueError: fewer than 20 measurements, or not one value per step.
    """
    if len(steps) != len(values):
        raise ValueError(f"{len(values)} values cannot belong to {len(steps)} steps")
    if len(steps) < _BLOCKS:
        raise ValueError(f"{len(steps)} measurements are too few to tell a drift: {_BLOCKS} at least")
    x_B, y_B = (_block_means(np.asarray(part, dtype=np.float64)) for part in (steps, values))
    spread = float(((x_B - x_B.mean()) ** 2).sum())
    slope = float(((x_B - x_B.mean()) * (y_B - y_B.mean())).sum() / spread)
    rest_B = y_B - y_B.mean() - slope * (x_B - x_B.mean())
    error = float(np.sqrt((rest_B**2).sum() / (_BLOCKS - 2) / spread))
    return Drift(float(np.mean(values)), slope, _T_18 * error, steps[-1] - steps[0])


def _block_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([block.mean() for block in np.array_split(values, _BLOCKS)])
