"""Pictures of records: each function draws on the axes given and returns them."""

from __future__ import annotations

from .arrhenius import plot_arrhenius
from .axes import new_axes, new_figure
from .barcode_levels import plot_barcode_levels
from .colours import ColourScale, colour_scale
from .coupled_levels import plot_levels_against_coupling
from .diagram import plot_diagrams
from .disconnectivity import plot_disconnectivity
from .disparities import plot_disparities
from .front import plot_front
from .landscape_map import plot_landscape
from .latents import plot_latents, plot_latents_grid
from .learning_curves import plot_learning_curves
from .levels import plot_levels
from .path_profile import plot_path
from .states import plot_state, plot_states
from .well_states import plot_states_in_well

__all__ = [
    "ColourScale",
    "colour_scale",
    "new_axes",
    "new_figure",
    "plot_arrhenius",
    "plot_barcode_levels",
    "plot_diagrams",
    "plot_disconnectivity",
    "plot_disparities",
    "plot_front",
    "plot_landscape",
    "plot_latents",
    "plot_latents_grid",
    "plot_learning_curves",
    "plot_levels",
    "plot_levels_against_coupling",
    "plot_path",
    "plot_state",
    "plot_states",
    "plot_states_in_well",
]
