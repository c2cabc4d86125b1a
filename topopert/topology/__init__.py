"""Topology stage: data in; persistence diagrams, what is real in them, and anchors out."""

from __future__ import annotations

from .diagrams import persistence_diagrams
from .estimator import PersistentTopology
from .landmarks import maxmin_landmarks
from .prior_scale import prior_scale
from .state import topology_from_state, topology_state

__all__ = [
    "PersistentTopology",
    "maxmin_landmarks",
    "persistence_diagrams",
    "prior_scale",
    "topology_from_state",
    "topology_state",
]
