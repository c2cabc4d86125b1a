"""Pairwise distances: the functions that feed the persistence backends."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform
from sklearn.metrics import pairwise_distances as sklearn_distances

from topopert._checks import check_square_distances
from topopert.errors import InvalidInputError, InvalidTypeError

__all__ = ["check_metric", "distances_to", "metric_distances", "pairwise_distances"]


def pairwise_distances(points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Euclidean distances in float64, shape (N, N), exactly symmetric with zero diagonal.

    Args:
        points: Shape (N, D).
    """
    # Differences, not the matrix product: next to duplicate points even 1e-12 on the diagonal
    # would add spurious loops.
    return squareform(pdist(np.asarray(points, dtype=np.float64)))


def metric_distances(points: NDArray[np.floating[Any]], metric: str) -> NDArray[np.float64]:
    """Distances in float64, shape (N, N), under any metric of scikit-learn.

    Raises:
        InvalidInputError: If the metric cannot be had of these points or is not symmetric.
    """
    if metric == "euclidean":
        return pairwise_distances(points)
    return check_square_distances(
        distances_to(points, None, metric=metric), name=f"{metric} distances of the points"
    )


def distances_to(
    points: NDArray[np.floating[Any]], others: NDArray[np.floating[Any]] | None, *, metric: str
) -> NDArray[np.float64]:
    """Distances of points to others (None: to themselves), shape (N, M).

    Raises:
        InvalidInputError: If the metric cannot be had of these points.
    """
    try:
        return np.asarray(sklearn_distances(points, others, metric=metric), dtype=np.float64)
    except (TypeError, ValueError) as err:
        msg = f"metric={metric!r} cannot be had of points of shape {points.shape}: {err}"
        raise InvalidInputError(msg) from err


def check_metric(metric: Any) -> str:
    """The metric's name, "l2" as "euclidean", if scikit-learn knows it.

    Raises:
        InvalidInputError: If it does not.
    """
    if not isinstance(metric, str):
        msg = f"`metric` must be the name of a metric, got {type(metric).__name__}."
        raise InvalidTypeError(msg)
    if metric in ("euclidean", "l2"):
        return "euclidean"
    if metric == "precomputed":
        return metric
    if metric in ("seuclidean", "mahalanobis"):
        msg = (
            f"metric={metric!r} depends on which points are measured together. Scale or whiten "
            "the points first, then take 'euclidean'."
        )
        raise InvalidInputError(msg)
    try:
        sklearn_distances(np.eye(2), metric=metric)
    except (TypeError, ValueError) as err:
        msg = (
            f"`metric` must be 'precomputed' or a name that sklearn.metrics.pairwise_distances "
            f"knows, such as 'euclidean', 'manhattan' or 'cosine', got {metric!r}."
        )
        raise InvalidInputError(msg) from err
    return metric
