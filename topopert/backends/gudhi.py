"""Rips persistence by GUDHI: a second implementation, in float64, without cocycles."""

from __future__ import annotations

import gudhi
import numpy as np
from numpy.typing import NDArray

from topopert.errors import BackendError
from topopert.records import PersistenceDiagram

from ._bars import diagram_from_bars

__all__ = ["gudhi_persistence"]


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
    """
    if len(dist) == 1:  # with a longest edge of 0 GUDHI would see no vertex
        bars = [np.array([[0.0, np.inf]]), *[np.empty((0, 2))] * max_homology_dim]
        return tuple(diagram_from_bars(bars_k, k)[0] for k, bars_k in enumerate(bars))
    # Beyond the radius of the smallest enclosing ball the complex is a cone: nothing is born.
    enclosing_radius = float(dist.max(axis=1).min())
    try:
        complex_ = gudhi.RipsComplex(distance_matrix=dist, max_edge_length=enclosing_radius)
        tree = complex_.create_simplex_tree(max_dimension=1)
        # Collapsing edges keeps the diagrams and makes the expansion small.
        tree.collapse_edges()
        tree.expansion(max_homology_dim + 1)  # GUDHI counts simplices: one above homology
        tree.compute_persistence(homology_coeff_field=prime, min_persistence=0)
        bars = [tree.persistence_intervals_in_dimension(k) for k in range(max_homology_dim + 1)]
    except Exception as err:
        msg = f"GUDHI failed on a distance matrix of shape {dist.shape}: {err}"
        raise BackendError(msg) from err
    return tuple(diagram_from_bars(bars_k, k)[0] for k, bars_k in enumerate(bars))
