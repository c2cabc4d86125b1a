"""One adapter per persistence library; each undoes the habits of its own."""

from __future__ import annotations

from .diagram_distances import bottleneck_distance, wasserstein_distance
from .gudhi import gudhi_persistence
from .ripser import RipsPersistence, ripser_persistence

__all__ = [
    "RipsPersistence",
    "bottleneck_distance",
    "gudhi_persistence",
    "ripser_persistence",
    "wasserstein_distance",
]
