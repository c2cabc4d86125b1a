"""Rips persistence by GUDHI: in float64, about twice as fast as ripser.py, without cocycles."""

from __future__ import annotations

import gudhi
import numpy as np
from gudhi.point_cloud.dtm import DistanceToMeasure
from gudhi.sklearn import RipsPersistence as GudhiRips
from numpy.typing import NDArray

from topopert.errors import BackendError
from topopert.records import PersistenceDiagram

from ._bars import diagram_from_bars

__all__ = ["gudhi_dtm_persistence", "gudhi_persistence"]


def gudhi_persistence(
    dist: NDArray[np.float64], *, max_homology_dim: int, prime: int = 47
) -> tuple[PersistenceDiagram, ...]:
    """Rips diagrams of a distance matrix, index = homology dimension.

    Args:
        dist: Distances, shape (n, n), symmetric with zero diagonal.
        max_homology_dim: Highest homology dimension.
        prime: The field of coefficients is Z/prime.

    Raises:
        BackendError: If GUDHI fails.

    References:
        Maria, Boissonnat, Glisse, Yvinec, The GUDHI library (2014).
        Bauer, Ripser: efficient computation of Vietoris-Rips persistence barcodes (2021).
    """
    # Collapsing edges pays from H2 on, where GUDHI does it of its own accord.
    engine = GudhiRips(
        homology_dimensions=range(max_homology_dim + 1),
        input_type="full distance matrix",
        homology_coeff_field=prime,
    )
    try:
        (bars,) = engine.fit_transform([dist])
    except Exception as err:
        msg = f"GUDHI failed on a distance matrix of shape {dist.shape}: {err}"
        raise BackendError(msg) from err
    return tuple(diagram_from_bars(bars_k, k)[0] for k, bars_k in enumerate(bars))


def gudhi_dtm_persistence(
    dist: NDArray[np.float64], *, max_homology_dim: int, n_neighbors: int, prime: int = 47
) -> tuple[PersistenceDiagram, ...]:
    """Diagrams of the distance-to-measure Rips filtration, index = homology dimension.

    A vertex enters at twice its distance to measure, the root mean square of the distances to its
    nearest neighbours, so that outliers enter late and live shortly; an edge enters at its length
    plus the distances to measure of both ends.

    Args:
        dist: Distances, shape (n, n), symmetric with zero diagonal.
        max_homology_dim: Highest homology dimension.
        n_neighbors: Number of neighbours of the distance to measure, the point itself included.
        prime: The field of coefficients is Z/prime.

    Returns:
        Diagrams in edge length: with one neighbour they are those of `gudhi_persistence`.

    Raises:
        BackendError: If GUDHI fails.

    References:
        Anai, Chazal, Glisse, Ike, Inakoshi, Tinarrage, Umeda, DTM-based filtrations (2019).
    """
    weights = DistanceToMeasure(n_neighbors, q=2, metric="precomputed").fit_transform(dist)
    edges = dist + weights[:, None] + weights
    np.maximum(edges, 2 * np.maximum(weights[:, None], weights), out=edges)
    np.fill_diagonal(edges, 0.0)
    # Vertices that enter late change H0 alone: an edge is never before its ends.
    diagrams = gudhi_persistence(edges, max_homology_dim=max_homology_dim, prime=prime)
    tree = gudhi.SimplexTree()
    tree.insert_batch(np.arange(len(dist))[None], 2 * weights)
    rows, cols = np.triu_indices(len(dist), k=1)
    tree.insert_batch(np.stack([rows, cols]), edges[rows, cols])
    tree.compute_persistence(homology_coeff_field=prime, persistence_dim_max=True)
    components, _ = diagram_from_bars(tree.persistence_intervals_in_dimension(0), 0)
    return (components, *diagrams[1:])
