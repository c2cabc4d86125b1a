"""Spectra on grids, d ≤ 3, and by exact marginals; levels that can be differentiated."""

from __future__ import annotations

from .grid_solution import MAX_GRID_DIM
from .grid_spectrum import grid_spectrum
from .level_gradients import differentiable_levels, differentiable_posterior_levels
from .marginal_spectrum import marginal_spectrum

__all__ = [
    "MAX_GRID_DIM",
    "differentiable_levels",
    "differentiable_posterior_levels",
    "grid_spectrum",
    "marginal_spectrum",
]
