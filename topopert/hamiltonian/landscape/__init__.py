"""The energy landscape: minima, saddles, barriers, paths, rates and basins."""

from __future__ import annotations

from .basins import BasinWeights
from .energy_landscape import EnergyLandscape
from .kramers_spectrum import kramers_spectrum
from .merge_tree import MergeTree
from .network import TransitionNetwork
from .path import TransitionPath

__all__ = [
    "BasinWeights",
    "EnergyLandscape",
    "MergeTree",
    "TransitionNetwork",
    "TransitionPath",
    "kramers_spectrum",
]
