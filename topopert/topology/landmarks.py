"""Landmarks by farthest-point (maxmin) sampling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from topopert._checks import check_count, check_points

__all__ = ["maxmin_landmarks"]


def maxmin_landmarks(points: Any, n: int) -> tuple[NDArray[np.intp], float]:
    """Landmarks, each the point farthest from those before it, and their covering radius.

    The first landmark is the point farthest from the mean, so nothing is random and the order of
    the rows does not matter. The covering radius r bounds what the landmarks miss: the Rips
    diagrams of the landmarks are within 2r of those of all points (bottleneck distance).

    Args:
        points: Data, shape (N, D).
        n: Number of landmarks; n >= N takes all points, with radius 0.

    Returns:
        Indices of the landmarks, shape (min(n, N),), and the covering radius in units of the data.

    Raises:
        InvalidInputError: If the points are not a finite (N, D) array or n < 1.

    References:
        Gonzalez, Clustering to minimize the maximum intercluster distance (1985).
        Chazal, de Silva, Oudot, Persistence stability for geometric complexes (2014), section 4.
    """
    points = check_points(points, min_points=1)
    n = check_count(n, name="n")
    n_points = len(points)
    if n >= n_points:
        return np.arange(n_points), 0.0
    centred = points - points.mean(axis=0)
    indices = np.empty(n, dtype=np.intp)
    indices[0] = np.argmax(np.einsum("ij,ij->i", centred, centred))
    sq_radius = np.full(n_points, np.inf, dtype=points.dtype)  # to the nearest landmark so far
    for k in range(n):
        if k > 0:
            indices[k] = np.argmax(sq_radius)
        difference = centred - centred[indices[k]]
        np.minimum(sq_radius, np.einsum("ij,ij->i", difference, difference), out=sq_radius)
    return indices, float(np.sqrt(sq_radius.max()))
