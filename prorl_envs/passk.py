"""pass@k: the chance that at least one of k responses is correct, from n samples of which c were.

The unbiased estimator of Chen et al. 2021 (arXiv 2107.03374, section 2.1), 1 - C(n - c, k) / C(n, k), in the product
form that neither overflows nor cancels. ProRL reports pass@k for k up to 128 or 256 (sections 4.1 to 4.3).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["bootstrap_interval", "mean_pass_at_k", "pass_at_k", "powers_up_to"]


def pass_at_k(n: int, c: int, k: int) -> float:
    """The unbiased estimate for one problem.

    Args:
        n: samples drawn.
        c: how many of them were correct.
        k: responses allowed, at most n.

    Raises:
        ValueError: not 0 <= c <= n, or not 1 <= k <= n. With fewer samples than k there is no unbiased estimate.
    """
    if not 0 <= c <= n:
        raise ValueError(f"of {n} samples, {c} cannot be correct")
    if not 1 <= k <= n:
        raise ValueError(f"pass@{k} needs at least {k} samples, and k at least 1; there are {n} samples")
    if n - c < k:
        return 1.0
    return float(1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1)))


def mean_pass_at_k(correct: Sequence[int], n: int, k: int) -> float:
    """The mean over problems.

    Args:
        correct: for each of P problems, how many of its n samples were correct.
        n: samples of each problem.
        k: responses allowed.

    Raises:
        ValueError: no problems, or as `pass_at_k`.
    """
    if not correct:
        raise ValueError("pass@k of no problems is not defined")
    return float(np.mean([pass_at_k(n, c, k) for c in correct]))


def bootstrap_interval(
    correct: Sequence[int], n: int, k: int, *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """A percentile bootstrap interval of `mean_pass_at_k`, resampling problems.

    Args:
        correct, n, k: as of `mean_pass_at_k`.
        level: coverage, in (0, 1).
        resamples: bootstrap samples.
        seed: of the resampling; the global random state is not touched.

    Raises:
        ValueError: as `mean_pass_at_k`, or a level outside (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level lies between 0 and 1, not {level}")
    mean_pass_at_k(correct, n, k)
    values_P: NDArray[np.float64] = np.array([pass_at_k(n, c, k) for c in correct])
    rng = np.random.default_rng(seed)
    picks_RP = rng.integers(0, len(values_P), size=(resamples, len(values_P)))
    means_R = values_P[picks_RP].mean(axis=1)
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(means_R, [tail, 1.0 - tail])
    return float(low), float(high)


def powers_up_to(n: int) -> tuple[int, ...]:
    """The k at which pass@k is usually reported with n samples: 1, 2, 4, ... up to n."""
    return tuple(1 << bits for bits in range(max(n, 0).bit_length()))
