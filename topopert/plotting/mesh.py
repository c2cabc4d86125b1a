"""Functions of the latent space on a rectangle or an interval, to be drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topopert._checks import check_count

__all__ = ["Mesh", "framed", "mesh_over"]

_MAX_STEPS = 40  # a frame grows by a tenth in each: 45 times, at most
_BLOCK = 1 << 13  # codes in one call: a surface of 1000 components needs 60 MB for them


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mesh:
    """A rectangular mesh of one or two axes, and functions on it."""

    axes: tuple[Tensor, ...]  # the coordinates along each axis, (n,) each

    @property
    def extent(self) -> tuple[float, ...]:
        """The ends of each axis in turn, as `Axes.imshow` wants them."""
        return tuple(float(end) for axis in self.axes for end in (axis[0], axis[-1]))

    def values(self, function: Callable[[Tensor], Tensor]) -> NDArray[np.float64]:
        """The function's values, (n,) or (n, m); rows follow the second axis, as images do.

        Args:
            function: Maps codes (B, d) to (B,) or (B, K); K becomes the last axis.
        """
        codes = torch.cartesian_prod(*self.axes).reshape(-1, len(self.axes))
        with torch.no_grad():
            parts = [function(block) for block in codes.split(_BLOCK)]
        values = torch.cat(parts).detach().double().cpu().numpy()
        shape = tuple(len(axis) for axis in self.axes)
        grid = values.reshape(*shape, *values.shape[1:])
        return grid.swapaxes(0, 1) if len(shape) == 2 else grid


def mesh_over(points: Tensor, n_points: int, *, margin: float = 0.05) -> Mesh:
    """A mesh over the box around the points (N, d), `n_points` along each axis.

    Args:
        points: Shape (N, d), d at most 2.
        n_points: Along each axis.
        margin: By how much of its width the box is wider than the points, at each side.

    Raises:
        InvalidInputError: If `n_points` is no whole number of at least 2.
    """
    n_points = check_count(n_points, name="n_points", minimum=2)
    low, high = points.detach().double().amin(dim=0), points.detach().double().amax(dim=0)
    # A box of no width is that of one point, or of a line.
    width = (high - low).where(high > low, torch.ones_like(low))
    axes = [
        torch.linspace(float(a), float(b), n_points, dtype=torch.float64, device=points.device)
        for a, b in zip(low - margin * width, high + margin * width, strict=True)
    ]
    return Mesh(axes=tuple(axes))


def framed(
    energy: Callable[[Tensor], Tensor],
    points: NDArray[np.float64],
    n_points: int,
    above: float,
) -> Mesh:
    """A mesh of two axes around the points whose rim lies above an energy.

    Args:
        energy: U, maps codes (B, 2) to (B,).
        points: What is to be in the picture, shape (N, 2), N ≥ 1.
        n_points: Along each axis.
        above: The frame is moved out until U is higher all along it, in nats.
    """
    low, high = torch.from_numpy(points.min(axis=0)), torch.from_numpy(points.max(axis=0))
    step = 0.05 * (float((high - low).max()) or 1.0)
    share = torch.linspace(0, 1, 41, dtype=torch.float64)[:, None]
    for _ in range(_MAX_STEPS):
        rims = []
        for axis, end in ((0, low), (0, high), (1, low), (1, high)):
            rim = low + share * (high - low)
            rim[:, axis] = end[axis]
            rims.append(rim)
        with torch.no_grad():
            inside = (energy(torch.cat(rims)) < above).reshape(4, -1).any(dim=1).cpu()
        if not inside.any():
            break
        low, high = low - step * inside[[0, 2]], high + step * inside[[1, 3]]
        step *= 1.1
    return mesh_over(torch.stack([low, high]), n_points, margin=0.02)
