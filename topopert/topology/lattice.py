"""Lattice reduction: the shortest integer basis of the classes found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

__all__ = ["reduced_basis"]


def reduced_basis(gram: NDArray[np.float64], *, delta: float = 0.99) -> NDArray[np.int64]:
    """Integer combinations that make a lattice's basis short (LLL on its Gram matrix).

    Args:
        gram: Inner products of the basis, shape (k, k), positive definite.
        delta: Lovász' constant; nearer 1 is shorter.

    Returns:
        Unimodular matrix, shape (k, k): row r holds the coefficients of new vector r.

    References:
        Lenstra, Lenstra, Lovász, Factoring polynomials with rational coefficients (1982).
        Scoccola, Gakhar, Bush, Schonsheck, Rask, Zhou, Perea, Toroidal coordinates: decorrelating
        circular coordinates with lattice reduction (2023).
    """
    k = len(gram)
    basis = np.eye(k, dtype=np.int64)
    i = 1
    while i < k:
        for j in range(i - 1, -1, -1):
            basis[i] -= round(_gram_schmidt(basis, gram)[0][i, j]) * basis[j]
        coefficients, sq_norms = _gram_schmidt(basis, gram)
        if sq_norms[i] >= (delta - coefficients[i, i - 1] ** 2) * sq_norms[i - 1]:
            i += 1
        else:
            basis[[i - 1, i]] = basis[[i, i - 1]]
            i = max(i - 1, 1)
    # Each new vector takes the place of the old one that it contains most of.
    new, old = linear_sum_assignment(np.abs(basis), maximize=True)
    return basis[new[np.argsort(old)]]


def _gram_schmidt(
    basis: NDArray[np.int64], gram: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # B G Bᵀ = L D Lᵀ with unit lower-triangular L: L holds the coefficients, D the squared norms.
    factor = np.linalg.cholesky(basis @ gram @ basis.T)
    diagonal = np.diagonal(factor).astype(np.float64)
    return factor / diagonal, np.square(diagonal)
