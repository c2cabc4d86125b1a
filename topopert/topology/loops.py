"""Circular coordinates of the significant loops, from the cocycles that ripser gives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from topopert.backends import ripser_persistence
from topopert.errors import BackendError

from .circular import circular_coordinates

__all__ = ["loop_angles"]

# ripser computes in float32.
_ROUNDING = 1e-5


def loop_angles(
    dist: NDArray[np.float64],
    mass: NDArray[np.float64],
    pairs: NDArray[np.float64],
    *,
    prime: int,
) -> NDArray[np.float64] | None:
    """Circular coordinates on the landmarks, one column for each loop, shape (n, k).

    Only ripser gives cocycles, at twice GUDHI's price; with the last death of the loops as
    threshold it need not look further than that.

    Args:
        dist: Distances of the landmarks, shape (n, n).
        mass: Number of points that each stands for, shape (n,).
        pairs: (birth, death) of the loops mod the prime, shape (k, 2).
        prime: The field of coefficients is Z/prime.

    Returns:
        Angles in [0, 2π), or None if a loop has no lift to the integers mod this prime.

    Raises:
        BackendError: If ripser fails or does not find the loops.
    """
    if len(pairs) == 0:
        return np.empty((len(dist), 0))
    threshold = float(pairs.max()) * (1 + 10 * _ROUNDING)
    persistence = ripser_persistence(dist, max_homology_dim=1, prime=prime, threshold=threshold)
    classes = _same_bars(persistence.diagrams[1].pairs, pairs)
    return circular_coordinates(dist, persistence, classes, mass)


def _same_bars(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> list[int]:
    """Indices among the bars found of the bars wanted."""
    if len(found) >= len(wanted):
        gaps = cdist(wanted, found, metric="chebyshev")
        rows, cols = linear_sum_assignment(gaps)
        if np.all(gaps[rows, cols] <= _ROUNDING * wanted[rows, 1]):
            return cols.tolist()
    msg = f"ripser does not find the loops that GUDHI found: {wanted.tolist()}."
    raise BackendError(msg)
