"""Toy manifolds of known topology and small real data, each with its true parameters."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ._dataset import Dataset
from .clusters import clusters
from .curves import circle, figure_eight, linked_circles, trefoil
from .digits import digits
from .image_patches import image_patches
from .surfaces import klein_bottle, sphere, swiss_roll, torus

__all__ = [
    "BETTI_NUMBERS",
    "Dataset",
    "circle",
    "clusters",
    "digits",
    "figure_eight",
    "image_patches",
    "klein_bottle",
    "linked_circles",
    "sphere",
    "swiss_roll",
    "torus",
    "trefoil",
]

BETTI_NUMBERS: Mapping[str, tuple[int, int, int]] = MappingProxyType(
    {
        "circle": (1, 1, 0),
        "clusters": (5, 0, 0),  # as many as asked for, five unless said otherwise
        "figure_eight": (1, 2, 0),
        "image_patches": (1, 1, 0),  # of the densest part
        "klein_bottle": (1, 1, 0),  # mod 2 they are (1, 2, 1)
        "linked_circles": (2, 2, 0),
        "sphere": (1, 0, 1),
        "swiss_roll": (1, 0, 0),
        "torus": (1, 2, 1),
        "trefoil": (1, 1, 0),
    }
)
"""Betti numbers b₀, b₁, b₂ mod an odd prime by data set; nobody knows those of `digits`."""
