"""Values on a grid as a smooth function of codes: tensor splines of degree 5."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from topopert.hamiltonian.surfaces import row_blocks

from .grid import EnergyGrid

__all__ = ["GridSpline", "grid_spline"]

_DEGREE = 5
# Rows of the rim repeated outside, so that the spline's own boundary is out of reach.
_PADDING = 4
# Coefficients gathered at once: 64 MB in double precision.
_BLOCK = 1 << 23


class GridSpline:
    """A spline with K values, four times continuously differentiable inside its box.

    Outside the box it is constant along the axes that are left.

    Args:
        coefficients: (n₁, …, n_d, K).
        first: The coordinate of the first coefficient, (d,).
        spacing: (d,).
        low: Where the box begins, (d,).
        high: Where it ends, (d,).
    """

    def __init__(
        self, coefficients: Tensor, first: Tensor, spacing: Tensor, low: Tensor, high: Tensor
    ) -> None:
        self.coefficients, self.first, self.spacing = coefficients, first, spacing
        self.low, self.high = low, high
        self._strides = [
            int(np.prod(coefficients.shape[k + 1 : -1], dtype=np.int64)) for k in range(len(first))
        ]

    def __call__(self, z: Tensor) -> Tensor:
        """The values at z (B, d), shape (B, K), differentiable in z."""
        d = len(self.first)
        n_values = self.coefficients.shape[-1]
        blocks = row_blocks(len(z), _BLOCK // ((_DEGREE + 1) ** d * n_values))
        return torch.cat([self._block(z[rows]) for rows in blocks])

    def _block(self, z: Tensor) -> Tensor:
        inside = torch.minimum(torch.maximum(z, self.low), self.high)
        place = (inside - self.first) / self.spacing  # (b, d)
        base = place.detach().floor()
        weights = _quintic(place - base)  # (b, d, 6)
        begin = base.long() - 2  # (b, d)
        reach = torch.arange(_DEGREE + 1, device=z.device)
        index = z.new_zeros(len(z), 1, dtype=torch.long)
        product = z.new_ones(len(z), 1)
        for k, stride in enumerate(self._strides):
            along = (begin[:, k, None] + reach) * stride  # (b, 6)
            index = (index[:, :, None] + along[:, None]).flatten(1)
            product = (product[:, :, None] * weights[:, k, None]).flatten(1)  # (b, 6^k)
        table = self.coefficients.flatten(0, -2)
        if not product.requires_grad:
            # Sums without holding the terms; it knows no second derivatives.
            return functional.embedding_bag(index, table, per_sample_weights=product, mode="sum")
        picked = table[index]  # (b, 6^d, K)
        return torch.einsum("bs,bsk->bk", product, picked)


def grid_spline(
    grid: EnergyGrid, values: NDArray[np.float64], trusted: NDArray[np.bool_], device: torch.device
) -> GridSpline:
    """The spline through values at trusted nodes; the others take that of the nearest trusted one.

    Args:
        grid: Where the values are.
        values: At the kept nodes, (G, K).
        trusted: Which of the kept nodes count, (G,).
        device: Where the spline is to be.
    """
    known = grid.kept.copy()
    known[grid.kept] = trusted
    nearest: Any = ndimage.distance_transform_edt(  # SciPy's annotation is of another call
        ~known, sampling=grid.spacing, return_distances=False, return_indices=True
    )
    full = np.zeros((*grid.kept.shape, values.shape[1]))
    full[grid.kept] = values
    full = full[tuple(nearest)]
    d = grid.kept.ndim
    padded = np.pad(full, [(_PADDING, _PADDING)] * d + [(0, 0)], mode="edge")
    for axis in range(d):
        padded = ndimage.spline_filter1d(padded, order=_DEGREE, axis=axis, mode="mirror")
    low = np.array([x[0] for x in grid.axes])
    high = np.array([x[-1] for x in grid.axes])
    to_tensor = [padded, low - _PADDING * grid.spacing, grid.spacing, low, high]
    return GridSpline(*(torch.from_numpy(part).to(device) for part in to_tensor))


def _quintic(t: Tensor) -> Tensor:
    """The six B-splines of degree 5 that reach a point, t in [0, 1) past a knot, (…, 6)."""
    # Cox–de Boor on unit knots: degree p from degree p − 1.
    pieces = [torch.ones_like(t)]
    for p in range(1, _DEGREE + 1):
        higher = [(1 - t) / p * pieces[0]]
        for j in range(1, p):
            higher.append(((t + p - j) * pieces[j - 1] + (j + 1 - t) * pieces[j]) / p)
        higher.append(t / p * pieces[-1])
        pieces = higher
    return torch.stack(pieces, dim=-1)
