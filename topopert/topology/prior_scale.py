"""Anchors at the prior's scale: mean 0 and principal axes of unit variance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["moments", "prior_scale", "scale_to_prior"]

# An axis with less than this share of the leading variance is taken for noise: it is stretched by
# the factor that this share would get, and no further.
_NOISE_SHARE = 0.01


def prior_scale(values: NDArray[np.float64], *, of: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine image of `values` under the map that gives `of` the prior's second moments.

    Args:
        values: Shape (n, d).
        of: Points whose mean becomes 0 and whose principal axes get unit variance, (N, d).
    """
    mean, covariance = moments([of])
    return scale_to_prior(values, mean=mean, covariance=covariance)


def moments(
    blocks: Sequence[NDArray[np.floating[Any]]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean, shape (d,), and covariance, shape (d, d), of points in blocks (B, d)."""
    n_points = sum(len(block) for block in blocks)
    mean = np.sum([block.sum(axis=0) for block in blocks], axis=0) / n_points
    products = [(block - mean).T @ (block - mean) for block in blocks]
    return mean, np.sum(products, axis=0) / n_points


def scale_to_prior(
    values: NDArray[np.float64], *, mean: NDArray[np.float64], covariance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The affine image of `values` under the map that makes the mean 0, the covariance 1.

    The map is symmetric, so it turns nothing: signs and axes stay those of the layout.

    Args:
        values: Shape (n, d).
        mean: Shape (d,).
        covariance: Shape (d, d).
    """
    variances, axes = np.linalg.eigh(covariance)
    floor = max(_NOISE_SHARE * variances[-1], np.finfo(np.float64).tiny)
    stretch = 1 / np.sqrt(np.maximum(variances, floor))
    return (values - mean) @ (axes * stretch) @ axes.T
