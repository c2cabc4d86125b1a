"""Pairwise distances: the one function that feeds the persistence backends."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

__all__ = ["pairwise_distances"]


def pairwise_distances(points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Euclidean distances in float64, shape (N, N), exactly symmetric with zero diagonal.

    Args:
        points: Shape (N, D).
    """
    # Differences, not the matrix product: next to duplicate points even 1e-12 on the diagonal
    # would add spurious loops.
    return squareform(pdist(np.asarray(points, dtype=np.float64)))
