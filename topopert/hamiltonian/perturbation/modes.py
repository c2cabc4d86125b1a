"""Modes that are sums of Hermite functions."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topopert.hamiltonian.surfaces import row_blocks

from .hermite import hermite_values

__all__ = ["HermiteModes"]

_ENTRIES = 1 << 21
# An expansion in λ that ends with its first order, of norm η, is off by some η². What is left out
# of it may have this share of that, and more where too many terms are needed.
_LEFT_OUT = 3e-2
_MAX_TERMS = 1024


class HermiteModes:
    """f_k(z) = Σ_b F_kb h_b(z), differentiable, without the smallest terms.

    Args:
        values: The multi-indices b, (n, d).
        coefficients: F, (n_levels, n), rows of norm about 1.
        first_order: The norm η of what is of first order in F.
        device: Where the codes will be.
    """

    def __init__(
        self,
        values: NDArray[np.int64],
        coefficients: NDArray[np.float64],
        *,
        first_order: float,
        device: torch.device,
    ) -> None:
        squares = (coefficients**2).max(axis=0)
        order = np.argsort(squares)
        n_out = int((squares[order].cumsum() <= (_LEFT_OUT * first_order**2) ** 2).sum())
        kept = np.sort(order[max(n_out, len(order) - _MAX_TERMS) :])
        self._values = torch.from_numpy(values[kept]).to(device)
        self._coefficients = torch.from_numpy(coefficients[:, kept].T.copy()).to(device)
        self._degree = int(values[kept].max())

    def __call__(self, z: Tensor) -> Tensor:
        """f_k at z (B, d), shape (B, n_levels), in double precision."""
        blocks = row_blocks(len(z), _ENTRIES // len(self._values))
        return torch.cat([self._block(z[rows]) for rows in blocks])

    def divided(self, norms: Tensor) -> HermiteModes:
        """Each mode divided by its own number, (n_levels,)."""
        other = copy.copy(self)
        other._coefficients = self._coefficients / norms
        return other

    def _block(self, z: Tensor) -> Tensor:
        tables = hermite_values(z.T, self._degree)  # (K + 1, d, b)
        terms = tables[self._values[:, 0], 0]  # (n, b)
        for axis in range(1, z.shape[1]):
            terms = terms * tables[self._values[:, axis], axis]
        return terms.T @ self._coefficients
