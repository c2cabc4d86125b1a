"""Pictures of records: each function draws on the axes given and returns them."""

from __future__ import annotations

from .axes import new_axes, new_figure
from .diagram import plot_diagrams
from .disparities import plot_disparities
from .front import plot_front
from .latents import plot_latents, plot_latents_grid

__all__ = [
    "new_axes",
    "new_figure",
    "plot_diagrams",
    "plot_disparities",
    "plot_front",
    "plot_latents",
    "plot_latents_grid",
]
