"""Cocycles of H1: lifted to the integers, restricted to a scale, verified."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

__all__ = ["integer_cocycle", "integer_lift", "is_cocycle"]

logger = logging.getLogger(__name__)

_MULTIPLES = 6
_BLOCK = 2**22  # triangles looked at at once


def integer_lift(
    cocycle: NDArray[np.int64], edges: NDArray[np.bool_], *, prime: int
) -> NDArray[np.int32] | None:
    """A cocycle over the integers that restricts a small multiple of a cocycle mod a prime.

    The multiple is 1 unless the first loop of the class later turns out to be a multiple of
    another: the rim of a Möbius band runs twice around it, so a class that is 1 on the rim is ½
    on the core, and twice the class is the one that goes around once.

    Args:
        cocycle: Rows (i, j, value mod prime), shape (m, 3).
        edges: Which edges the complex has, symmetric, shape (n, n).
        prime: The prime p.

    Returns:
        Antisymmetric matrix, shape (n, n), or None if no multiple up to 6 lifts: there is torsion
        mod this prime, or its residues are too few.
    """
    for multiple in range(1, min(_MULTIPLES, prime // 2) + 1):
        values = cocycle[:, 2] * multiple % prime
        rows = np.stack([*cocycle[:, :2].T, values], axis=1)
        lift = integer_cocycle(rows, n=len(edges), prime=prime)
        lift[~edges] = 0
        if is_cocycle(lift, edges):
            if multiple > 1:
                logger.info("%d times a class mod %d is an integer class", multiple, prime)
            return lift
    return None


def integer_cocycle(cocycle: NDArray[np.int64], *, n: int, prime: int) -> NDArray[np.int32]:
    """The lift of a cocycle mod a prime to representatives in (−p/2, p/2].

    The lift need not be a cocycle over the integers; `is_cocycle` tells.

    Args:
        cocycle: Rows (i, j, value mod prime), shape (m, 3).
        n: Number of vertices.
        prime: The prime p, below 2²⁹: sums around triangles stay within 32 bits.

    Returns:
        Antisymmetric matrix, shape (n, n); entry (i, j) is the value on the edge from i to j.

    References:
        de Silva, Morozov, Vejdemo-Johansson, Persistent cohomology and circular coordinates
        (2011), section 2.4.
    """
    i, j, value = cocycle.T
    lifted = np.where(2 * value > prime, value - prime, value)
    matrix = np.zeros((n, n), dtype=np.int32)
    matrix[i, j] = lifted
    matrix[j, i] = -lifted
    return matrix


def is_cocycle(matrix: NDArray[np.signedinteger], edges: NDArray[np.bool_]) -> bool:
    """Whether the values around every triangle of the complex add up to zero.

    Args:
        matrix: Antisymmetric values, 0 off the edges, shape (n, n).
        edges: Which edges the complex has, symmetric, shape (n, n).
    """
    # A triangle without a value adds up to zero: only those on the edges with one are looked at,
    # a few per cent of all.
    rows, cols = np.nonzero(np.triu(matrix))
    block = max(1, _BLOCK // len(matrix))
    for start in range(0, len(rows), block):
        i, j = rows[start : start + block], cols[start : start + block]
        around = matrix[j] - matrix[i]  # (block, n): over every third vertex
        around += matrix[i, j][:, None]
        if np.any(around[edges[i] & edges[j]]):
            return False
    return True
