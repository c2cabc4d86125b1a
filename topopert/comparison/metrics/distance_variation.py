"""How much the distance of two points varies from run to run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["distance_variation"]

# Pairs of points at a time: all runs of a block fit into a core's cache.
_BLOCK = 4096


def distance_variation(distances: NDArray[np.float64], seeds: NDArray[np.intp]) -> float:
    """Coefficient of variation over seeds of a pair's distance, mean over the pairs of points.

    The standard deviation (with n − 1) over the mean, of Euclidean distances as they are: no run
    is brought to a common scale first, since the prior gives all the same unit. A pair at distance
    0 in all runs varies by 0. At most √n, where one run of n alone tells the points apart.

    Args:
        distances: Of each run's pairs of points, shape (K, n_pairs).
        seeds: Which runs to take, at least two.

    References:
        Syrota, Zainchkovskyy, Xi, Bloem-Reddy, Hauberg, Identifying metric structures of deep
        latent variable models (2025).
    """
    n_pairs = distances.shape[1]
    total = 0.0
    for start in range(0, n_pairs, _BLOCK):
        block = distances[seeds, start : start + _BLOCK]
        mean = block.mean(axis=0)
        spread = block.std(axis=0, ddof=1)
        total += (spread / np.where(mean > 0, mean, 1.0)).sum()
    return float(total / n_pairs)
