"""The grid that a surface is put on first: how far it reaches and how fine it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from topopert.hamiltonian.surfaces import EnergySurface

from .bending import bending_width
from .grid import Box, EnergyGrid, NodeLimitError, confining_box, energy_grid, fine_width

__all__ = ["Frame", "FramedGrid", "GridSettings", "connected_grid", "framed_grid"]

# Nats by which a barrier is to be below the cut.
_CLEAR = 6.0
# Nodes along the box's side at least, whatever the features say.
_FEWEST = 20
_MOST_EXCESS = 30.0  # beyond that a box's nodes are not counted down


@dataclass(frozen=True, slots=True, kw_only=True)
class GridSettings:
    """How fine a grid is laid in d dimensions, and what accuracy it is to reach."""

    spacing: float  # in units of the width to resolve
    coarser: float  # the second grid of the error estimate, in units of the first
    cuts: tuple[float, ...]  # nodes within so many nats of the minimum are kept, as few as do
    accuracy: float  # relative, of every level but the ground
    max_nodes: int  # beyond them a grid is not solved
    refine_nodes: int  # beyond them a grid is not refined


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """Where a grid is laid and how fine."""

    box: Box
    spacing: NDArray[np.float64]  # (d,)
    cut: float  # nodes within so many nats of the minimum are kept

    def scaled(self, factor: float) -> Frame:
        """The same with another spacing."""
        return Frame(box=self.box, spacing=factor * self.spacing, cut=self.cut)

    def grid(self, surface: EnergySurface, settings: GridSettings) -> EnergyGrid:
        """The surface on it.

        Raises:
            NodeLimitError: If it has too many nodes.
        """
        return energy_grid(
            surface, self.box, self.spacing, cut=self.cut, max_nodes=settings.max_nodes
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FramedGrid:
    """A frame whose grid is not too large."""

    frame: Frame
    grid: EnergyGrid
    limit: NodeLimitError | None  # what the first frame was above, if it was


def connected_grid(surface: EnergySurface, settings: GridSettings) -> FramedGrid:
    """The grid of the least cut whose nodes hang together, or hang together best.

    A barrier above the cut would leave two ground states, and a level 0 that is none.

    Raises:
        InvalidInputError: If the surface does not confine or its energy is NaN or −∞ somewhere.
        NodeLimitError: If the grid of the least cut has too many nodes.
    """
    best = framed_grid(surface, settings, settings.cuts[0])
    fewest = _n_parts(best)
    for cut in settings.cuts[1:]:
        if fewest == 1 or best.limit is not None:
            break
        try:
            wider = framed_grid(surface, settings, cut)
        except NodeLimitError:
            break
        if _n_parts(wider) < fewest:
            best, fewest = wider, _n_parts(wider)
    return best


def framed_grid(surface: EnergySurface, settings: GridSettings, cut: float) -> FramedGrid:
    """The grid of one cut, made coarser until its nodes fit.

    Raises:
        InvalidInputError: If the surface does not confine or its energy is NaN or −∞ somewhere.
        NodeLimitError: If it has far too many nodes, or its width is the caller's to choose.
    """
    frame = _frame(surface, settings, cut)
    first: NodeLimitError | None = None
    while True:
        try:
            return FramedGrid(frame=frame, grid=frame.grid(surface, settings), limit=first)
        except NodeLimitError as err:
            first = first or err
            if err.excess > _MOST_EXCESS or len(surface.features.centers) == 1:
                raise
            frame = frame.scaled(1.02 * err.excess ** (1 / surface.latent_dim))


def _frame(surface: EnergySurface, settings: GridSettings, cut: float) -> Frame:
    box, width = confining_box(surface, cut), fine_width(surface)
    if not surface.features_are_complete:
        width = np.minimum(width, bending_width(surface, box))
    # A width that the caller guessed may be larger than the box.
    spacing = np.minimum(settings.spacing * width, (box.high - box.low) / _FEWEST)
    return Frame(box=box, spacing=spacing, cut=cut)


def _n_parts(fit: FramedGrid) -> int:
    """Into how many the nodes well below the cut fall."""
    labelled: Any = ndimage.label(fit.grid.energy <= fit.frame.cut - _CLEAR)
    return int(labelled[1])
