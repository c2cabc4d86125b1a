"""Toy manifolds of known topology and small real data, each with its true parameters."""

from __future__ import annotations

from ._dataset import Dataset
from .clusters import clusters
from .curves import circle, figure_eight, linked_circles, trefoil
from .digits import digits
from .surfaces import klein_bottle, sphere, swiss_roll, torus

__all__ = [
    "Dataset",
    "circle",
    "clusters",
    "digits",
    "figure_eight",
    "klein_bottle",
    "linked_circles",
    "sphere",
    "swiss_roll",
    "torus",
    "trefoil",
]
