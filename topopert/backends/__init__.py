"""One adapter per persistence library; each undoes the habits of its own."""

from __future__ import annotations

from .cubical import sublevel_diagrams
from .diagram_distances import bottleneck_distance, wasserstein_distance
from .gudhi import gudhi_dtm_persistence, gudhi_persistence
from .rips_pairs import rips_pairs
from .ripser import RipsPersistence, ripser_persistence
from .spanning_tree import spanning_tree_edges

__all__ = [
    "RipsPersistence",
    "bottleneck_distance",
    "gudhi_dtm_persistence",
    "gudhi_persistence",
    "rips_pairs",
    "ripser_persistence",
    "spanning_tree_edges",
    "sublevel_diagrams",
    "wasserstein_distance",
]
