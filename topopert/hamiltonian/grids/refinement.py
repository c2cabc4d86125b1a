"""Levels and slopes by the exact Laplacian of a grid, in the space of the states found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .grid import EnergyGrid

__all__ = ["grid_laplacian", "refined_levels", "refined_slopes"]

# Up to so many nodes along an axis a product with the matrix is faster than transforms.
_MATRIX = 200


def refined_levels(
    grid: EnergyGrid, root: NDArray[np.float64], vectors: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ritz values and vectors of −Δ_s + Δ_sψ/ψ, Δ_s the Laplacian of band-limited functions.

    An eigenvector's error enters squared, so that this takes most of the finite differences'
    own error away; ψ stays the ground state, of level 0.

    Args:
        grid: Where the vectors live.
        root: ψ at the kept nodes, of norm 1, (G,).
        vectors: Eigenvectors, ψ in their span, (G, n).

    Returns:
        Levels (n,), ascending, the first 0, and orthonormal vectors (G, n), the first ψ.
    """
    excited = vectors - root[:, None] * (root @ vectors)
    # The last direction is what is left of ψ itself.
    basis = np.linalg.svd(excited, full_matrices=False)[0][:, : vectors.shape[1] - 1]
    both = np.column_stack([root, basis])
    bent = grid_laplacian(grid, both)
    modes = basis / root[:, None]
    # Σ f_k f_l ψ Δψ, with no division by ψ's square.
    form = (modes * (root * bent[:, 0])[:, None]).T @ modes - basis.T @ bent[:, 1:]
    values, mixing = np.linalg.eigh(0.5 * (form + form.T))
    return np.concatenate([[0.0], values]), np.column_stack([root, basis @ mixing])


def grid_laplacian(grid: EnergyGrid, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Δ of the sinc interpolation of values at kept nodes, 0 elsewhere; (G, K) to (G, K)."""
    full = np.zeros((*grid.kept.shape, values.shape[1]))
    full[grid.kept] = values
    total = np.zeros_like(full)
    for axis, spacing in enumerate(grid.spacing):
        total += _second_derivative(full, axis) / spacing**2
    return total[grid.kept]


def _second_derivative(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """The second derivative of the sinc interpolation on a unit grid, along an axis."""
    n = values.shape[axis]
    away = np.arange(n)
    column = np.where(away % 2 == 0, -2.0, 2.0) / np.maximum(away, 1) ** 2
    column[0] = -(np.pi**2) / 3
    if n <= _MATRIX:
        matrix = column[np.abs(away[:, None] - away)]
        return np.moveaxis(np.tensordot(matrix, values, axes=(1, axis)), 0, axis)
    length = 1 << (2 * n - 1).bit_length()
    kernel = np.zeros(length)
    kernel[:n] = column
    kernel[length - n + 1 :] = column[:0:-1]
    shape = [-1 if k == axis else 1 for k in range(values.ndim)]
    product = np.fft.rfft(values, length, axis=axis) * np.fft.rfft(kernel).reshape(shape)
    return np.take(np.fft.irfft(product, length, axis=axis), np.arange(n), axis=axis)


def refined_slopes(
    grid: EnergyGrid, root: NDArray[np.float64], vectors: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The derivatives of refined levels in U/T at each kept node, (G, n); they sum to 0.

    By Hellmann and Feynman only Δ_sψ/ψ depends on U: dE = ½ Σ_i (f²ψ Δ_sψ − ψ Δ_s(f²ψ))_i dU_i,
    the discrete form of δE = E_p[(E f² − ∣∇f∣²) δU].

    Args:
        grid: Where the vectors live.
        root: ψ at the kept nodes, of norm 1, (G,).
        vectors: Of norm 1, (G, n).
    """
    squares = vectors**2 / root[:, None]  # f²ψ
    bent = grid_laplacian(grid, np.column_stack([root, squares]))
    return 0.5 * (squares * bent[:, :1] - root[:, None] * bent[:, 1:])
