"""Harmonic polynomials: the angular part of states that rotations of some axes carry over."""

from __future__ import annotations

import math
from itertools import combinations_with_replacement

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import null_space
from torch import Tensor

__all__ = ["HarmonicPolynomials", "n_harmonics"]


def n_harmonics(n_axes: int, degree: int) -> int:
    """How many independent harmonic polynomials of a degree there are in m variables."""
    lower = math.comb(n_axes + degree - 3, degree - 2) if degree >= 2 else 0
    return math.comb(n_axes + degree - 1, degree) - lower


class HarmonicPolynomials:
    """A basis of the homogeneous polynomials Y with ΔY = 0, orthonormal on the unit sphere.

    Averages over the sphere are meant: ⟨Y_a Y_b⟩ = δ_ab, so that Y = 1 in degree 0.

    Args:
        n_axes: m ≥ 1.
        degree: l ≥ 0.

    References:
        Axler, Bourdon & Ramey, Harmonic Function Theory, 2nd ed. (2001), chapter 5.
    """

    def __init__(self, n_axes: int, degree: int) -> None:
        self.n_axes, self.degree = n_axes, degree
        monomials = list(combinations_with_replacement(range(n_axes), degree))
        powers = np.array([np.bincount(m, minlength=n_axes) for m in monomials], dtype=np.int64)
        harmonic = _harmonic(powers) if degree >= 2 else np.eye(len(monomials))
        gram = harmonic.T @ _sphere_averages(powers) @ harmonic
        # Triangular, so that in degree 1 the polynomials are the coordinates.
        lower = np.linalg.cholesky(gram) if gram.size else gram
        factors = np.array(monomials, dtype=np.int64).reshape(len(monomials), degree)
        self._factors = torch.from_numpy(factors)
        self._coefficients = torch.from_numpy(np.linalg.solve(lower, harmonic.T).T)

    def __len__(self) -> int:
        return self._coefficients.shape[1]

    def __call__(self, z: Tensor) -> Tensor:
        """The polynomials at z (B, m), shape (B, len), differentiable."""
        monomials = z[:, self._factors.to(z.device)].prod(dim=-1)  # (B, monomials)
        return monomials @ self._coefficients.to(z.device)


def _harmonic(powers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Coefficients of a basis of the kernel of the Laplacian, (monomials, len)."""
    n_axes = powers.shape[1]
    lower: dict[tuple[int, ...], int] = {}
    entries = []
    for column, power in enumerate(powers):
        for axis in np.flatnonzero(power >= 2):
            rest = power.copy()
            rest[axis] -= 2
            row = lower.setdefault(tuple(rest), len(lower))
            entries.append((row, column, power[axis] * (power[axis] - 1)))
    laplacian = np.zeros((len(lower), len(powers)))
    for row, column, value in entries:
        laplacian[row, column] += value
    # One axis: x² and higher powers are not harmonic.
    return null_space(laplacian) if n_axes > 1 else np.zeros((len(powers), 0))


def _sphere_averages(powers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Averages of the products of monomials over the unit sphere, (monomials, monomials)."""
    n_axes, degree = powers.shape[1], int(powers[0].sum()) if len(powers) else 0
    total = powers[:, None] + powers[None]  # (monomials, monomials, m)
    double = np.array([math.prod(range(k - 1, 0, -2)) for k in range(2 * degree + 1)], dtype=float)
    even = (total % 2 == 0).all(axis=2)
    scale = math.prod(n_axes + 2 * k for k in range(degree))
    return np.where(even, double[total].prod(axis=2), 0.0) / scale
