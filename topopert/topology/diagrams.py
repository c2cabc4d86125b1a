"""Persistence diagrams of points or of a distance matrix."""

from __future__ import annotations

from typing import Any

from topopert._checks import (
    check_choice,
    check_count,
    check_points,
    check_square_distances,
)
from topopert.backends import gudhi_persistence, ripser_persistence
from topopert.errors import InvalidInputError
from topopert.records import PersistenceDiagram

from .distances import pairwise_distances

__all__ = ["persistence_diagrams"]

# Dense distances and their Rips complexes: beyond this the answer is landmarks, not patience.
_MAX_POINTS = 5000


def persistence_diagrams(
    points: Any,
    *,
    max_homology_dim: int = 1,
    metric: str = "euclidean",
    backend: str = "ripser",
) -> tuple[PersistenceDiagram, ...]:
    """The Vietoris-Rips persistence diagrams, index = homology dimension.

    Args:
        points: Data, shape (N, D), or with ``metric="precomputed"`` distances, shape (N, N).
        max_homology_dim: Highest homology dimension, 0, 1 or 2; 1 means H0 and H1.
        metric: "euclidean" or "precomputed".
        backend: "ripser" (fast, float32) or "gudhi" (float64).

    Returns:
        One diagram per dimension; births and deaths are edge lengths in units of the metric.

    Raises:
        InvalidInputError: If an argument is not as above, or N is above 5000 (take landmarks).
        BackendError: If the backend fails.
    """
    metric = check_choice(metric, ("euclidean", "precomputed"), name="metric")
    backend = check_choice(backend, ("ripser", "gudhi"), name="backend")
    max_homology_dim = check_count(max_homology_dim, name="max_homology_dim", minimum=0)
    if max_homology_dim > 2:
        msg = f"`max_homology_dim` must be 0, 1 or 2, got {max_homology_dim}."
        raise InvalidInputError(msg)
    if metric == "precomputed":
        dist = check_square_distances(points)
    else:
        points = check_points(points, min_points=1)
        _check_size(len(points))
        dist = pairwise_distances(points)
    _check_size(len(dist))
    if backend == "gudhi":
        return gudhi_persistence(dist, max_homology_dim=max_homology_dim)
    return ripser_persistence(dist, max_homology_dim=max_homology_dim).diagrams


def _check_size(n_points: int) -> None:
    if n_points > _MAX_POINTS:
        msg = (
            f"Rips diagrams of {n_points} points are out of reach (the limit is {_MAX_POINTS}). "
            "Take landmarks: `indices, radius = topopert.maxmin_landmarks(points, 400)`."
        )
        raise InvalidInputError(msg)
