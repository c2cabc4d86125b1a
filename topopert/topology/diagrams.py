"""Persistence diagrams of points or of a distance matrix."""

from __future__ import annotations

from typing import Any

from topopert._checks import (
    check_choice,
    check_count,
    check_points,
    check_square_distances,
)
from topopert.backends import (
    gudhi_dtm_persistence,
    gudhi_persistence,
    ripser_persistence,
)
from topopert.errors import InvalidInputError
from topopert.records import PersistenceDiagram

from .distances import check_metric, metric_distances

__all__ = ["persistence_diagrams"]

# Dense distances and their Rips complexes: beyond this the answer is landmarks, not patience.
_MAX_POINTS = 5000


def persistence_diagrams(
    points: Any,
    *,
    max_homology_dim: int = 1,
    metric: str = "euclidean",
    backend: str = "ripser",
    dtm_neighbors: int | None = None,
) -> tuple[PersistenceDiagram, ...]:
    """The Vietoris-Rips persistence diagrams, index = homology dimension.

    Args:
        points: Data, shape (N, D), or with ``metric="precomputed"`` distances, shape (N, N).
        max_homology_dim: Highest homology dimension, 0, 1 or 2; 1 means H0 and H1.
        metric: "euclidean", "precomputed" or another name that scikit-learn's
            `pairwise_distances` knows.
        backend: "ripser" (float32) or "gudhi" (float64, about twice as fast).
        dtm_neighbors: If given, the filtration is not Rips but distance-to-measure Rips with so
            many neighbours, the point itself included: robust to outliers, by GUDHI whatever the
            backend, and with births of H0 above 0.

    Returns:
        One diagram per dimension; births and deaths are edge lengths in units of the metric.

    Raises:
        InvalidInputError: If an argument is not as above, or N is above 5000 (take landmarks).
        BackendError: If the backend fails.

    References:
        Bauer, Ripser: efficient computation of Vietoris-Rips persistence barcodes (2021).
        Anai, Chazal, Glisse, Ike, Inakoshi, Tinarrage, Umeda, DTM-based filtrations (2019).

    Examples:
        The corners of a 3 by 4 rectangle: the longer sides close a loop, the diagonals fill it.

        >>> corners = [[0, 0], [3, 0], [3, 4], [0, 4]]
        >>> _, loops = persistence_diagrams(corners, backend="gudhi")
        >>> loops.pairs.tolist()
        [[4.0, 5.0]]
    """
    metric = check_metric(metric)
    backend = check_choice(backend, ("ripser", "gudhi"), name="backend")
    max_homology_dim = check_count(max_homology_dim, name="max_homology_dim", minimum=0)
    if max_homology_dim > 2:
        msg = f"`max_homology_dim` must be 0, 1 or 2, got {max_homology_dim}."
        raise InvalidInputError(msg)
    if metric == "precomputed":
        dist = check_square_distances(points)
    else:
        if hasattr(points, "shape") and len(points.shape) == 2:
            _check_size(points.shape[0])  # before a memory map or dask array is read
        points = check_points(points, min_points=1)
        _check_size(len(points))
        dist = metric_distances(points, metric)
    _check_size(len(dist))
    if dtm_neighbors is not None:
        n_neighbors = check_count(dtm_neighbors, name="dtm_neighbors")
        if n_neighbors > len(dist):
            msg = f"dtm_neighbors={n_neighbors} is above the number of points, {len(dist)}."
            raise InvalidInputError(msg)
        return gudhi_dtm_persistence(
            dist, max_homology_dim=max_homology_dim, n_neighbors=n_neighbors
        )
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
