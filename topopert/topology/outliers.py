"""Points far sparser than their neighbours, for leaving out before landmarks seek them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import LocalOutlierFactor

__all__ = ["local_outliers"]

_NEIGHBORS = 20
# On the clouds of `topopert.datasets` (noise 5 %) at most .1 % of the points have a factor above
# 1.5 and none above 1.6; of a plane Gaussian .2 % are above 2, of t₃ noise in R⁵ 2 %. Points
# strewn over three times the bounding box have 3 (digits, 64 dimensions) to 14.
_FACTOR = 2.0


def local_outliers(points: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Which points have a density less than half that of their neighbours, shape (N,).

    Args:
        points: Shape (N, D).

    References:
        Breunig, Kriegel, Ng, Sander, LOF: identifying density-based local outliers (2000).
    """
    # Copies have distance 0 and an infinite density: each place counts once.
    places, copy_of = np.unique(points, axis=0, return_inverse=True)
    if len(places) <= _NEIGHBORS:
        return np.zeros(len(points), dtype=bool)
    factor = -LocalOutlierFactor(n_neighbors=_NEIGHBORS).fit(places).negative_outlier_factor_
    return (factor > _FACTOR)[copy_of.reshape(-1)]
