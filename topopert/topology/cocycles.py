"""Cocycles of H1: lifted to the integers, restricted to a scale, verified."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["integer_cocycle", "is_cocycle"]


def integer_cocycle(cocycle: NDArray[np.int64], *, n: int, prime: int) -> NDArray[np.int64]:
    """The lift of a cocycle mod a prime to representatives in (−p/2, p/2].

    The lift need not be a cocycle over the integers; `is_cocycle` tells.

    Args:
        cocycle: Rows (i, j, value mod prime), shape (m, 3).
        n: Number of vertices.
        prime: The prime p.

    Returns:
        Antisymmetric matrix, shape (n, n); entry (i, j) is the value on the edge from i to j.

    References:
        de Silva, Morozov, Vejdemo-Johansson, Persistent cohomology and circular coordinates
        (2011), section 2.4.
    """
    i, j, value = cocycle.T
    lifted = np.where(2 * value > prime, value - prime, value)
    matrix = np.zeros((n, n), dtype=np.int64)
    matrix[i, j] = lifted
    matrix[j, i] = -lifted
    return matrix


def is_cocycle(matrix: NDArray[np.int64], edges: NDArray[np.bool_]) -> bool:
    """Whether the values around every triangle of the complex add up to zero.

    Args:
        matrix: Antisymmetric values, shape (n, n).
        edges: Which edges the complex has, symmetric, shape (n, n).
    """
    for i in range(len(matrix)):
        near = np.flatnonzero(edges[i, i + 1 :]) + i + 1
        around = matrix[i, near][:, None] + matrix[np.ix_(near, near)] - matrix[i, near]
        if np.any(around[edges[np.ix_(near, near)]]):
            return False
    return True
