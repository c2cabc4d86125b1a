"""Anchors at the prior's scale: mean 0 and principal axes of unit variance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["prior_scale"]

# An axis with less than this share of the leading variance is taken for noise: it is stretched by
# the factor that this share would get, and no further.
_NOISE_SHARE = 0.01


def prior_scale(values: NDArray[np.float64], *, of: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine image of `values` under the map that gives `of` the prior's second moments.

    The map is symmetric, so it turns nothing: signs and axes stay those of the layout.

    Args:
        values: Shape (n, d).
        of: Points whose mean becomes 0 and whose principal axes get unit variance, (N, d).
    """
    mean = of.mean(axis=0)
    covariance = np.cov(of.T, bias=True).reshape(values.shape[1], values.shape[1])
    variances, axes = np.linalg.eigh(covariance)
    floor = max(_NOISE_SHARE * variances[-1], np.finfo(np.float64).tiny)
    stretch = 1 / np.sqrt(np.maximum(variances, floor))
    return (values - mean) @ (axes * stretch) @ axes.T
