"""Contours of an energy, a line for each nat above its minimum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .mesh import Mesh

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_contours", "nice_step"]

_HIGHEST = 8.0  # nats above the minimum: beyond it the density is 3e-4 of its largest


def draw_contours(
    ax: Axes, mesh: Mesh, energy: NDArray[np.float64], *, step: float = 1.0, **contour_kw: Any
) -> None:
    """Lines of equal energy, 1, 2, … steps above the lowest value.

    Args:
        ax: Where to draw.
        mesh: The mesh, of two axes.
        energy: U on it, shape (n, m), in nats.
        step: Between lines, in nats.
        **contour_kw: For matplotlib's `Axes.contour`.
    """
    lines = energy.min() + np.arange(step, _HIGHEST + step / 2, step)
    lines = lines[lines < energy.max()]
    if not len(lines):
        return  # flat: matplotlib would warn that no contour is there
    first, second = (axis.cpu().numpy() for axis in mesh.axes)
    options = {"colors": "0.35", "linewidths": 0.4, **contour_kw}
    ax.contour(first, second, energy, levels=lines, **options)


def nice_step(least: float) -> float:
    """The smallest of 1, 2 or 5 times a power of ten that is at least so much."""
    decade = 10.0 ** np.floor(np.log10(least))
    return float(decade * next(factor for factor in (1, 2, 5, 10) if factor * decade >= least))
