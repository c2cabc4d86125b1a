"""Modes that are sums of Hermite functions, and the states they make."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topopert.hamiltonian.surfaces import EnergySurface, row_blocks

from .hermite import hermite_values

__all__ = ["HermiteModes", "HermiteStates"]

_ENTRIES = 1 << 21
# An expansion in λ that ends with its first order, of norm η, is off by some η². What is left out
# of it may have this share of that, and more where too many terms are needed.
_LEFT_OUT = 3e-2
_MAX_TERMS = 1024


class HermiteModes:
    """f_k(z) = Σ_b F_kb h_b(z), differentiable, without the smallest terms.

    Args:
        surface: Says dimension and device.
        values: The multi-indices b, (n, d).
        coefficients: F, (n_levels, n), rows of norm about 1.
        first_order: The norm η of what is of first order in F.
    """

    def __init__(
        self,
        surface: EnergySurface,
        values: NDArray[np.int64],
        coefficients: NDArray[np.float64],
        *,
        first_order: float,
    ) -> None:
        self.surface = surface
        squares = (coefficients**2).max(axis=0)
        order = np.argsort(squares)
        n_out = int((squares[order].cumsum() <= (_LEFT_OUT * first_order**2) ** 2).sum())
        kept = np.sort(order[max(n_out, len(order) - _MAX_TERMS) :])
        device = surface.device
        self._values = torch.from_numpy(values[kept]).to(device)
        self._coefficients = torch.from_numpy(coefficients[:, kept].T.copy()).to(device)
        self._degree = int(values[kept].max())

    def __call__(self, z: Tensor) -> Tensor:
        """f_k at z (B, d), shape (B, n_levels), in double precision."""
        codes = self.surface.checked_codes(z)
        blocks = row_blocks(len(codes), _ENTRIES // len(self._values))
        return torch.cat([self._block(codes[rows]) for rows in blocks])

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


class HermiteStates:
    """φ_k = f_k √p.

    Args:
        modes: f.
        log_normalizer: log ∫ e^{−U}.
    """

    def __init__(self, modes: HermiteModes, log_normalizer: float) -> None:
        self.modes, self.log_normalizer = modes, log_normalizer

    def __call__(self, z: Tensor) -> Tensor:
        """φ_k at z (B, d), shape (B, n_levels), in double precision."""
        codes = self.modes.surface.checked_codes(z)
        energy = self.modes.surface.energy(codes) + self.log_normalizer
        return self.modes(codes) * (-0.5 * energy).exp()[:, None]
