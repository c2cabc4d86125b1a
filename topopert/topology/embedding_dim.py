"""The smallest latent dimension in which the features found fit."""

from __future__ import annotations

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from topopert.records import TopologicalFeature

__all__ = ["required_latent_dim", "torus_groups"]

# Circular coordinates whose joint values fill this share of an 8 × 8 grid are those of a torus;
# two loops that touch or stand apart fill a cross, 15 cells of 64.
_CELLS, _FILLED = 8, 0.5


def required_latent_dim(
    features: tuple[TopologicalFeature, ...], angles: NDArray[np.float64]
) -> int:
    """The smallest d in which all features fit.

    Components fit on a line, loops in a plane, however many there are side by side; k loops that
    span a torus need k + 1 dimensions, and a void needs 3.

    Args:
        features: The significant classes.
        angles: Circular coordinates of the H1 classes on the landmarks, shape (n, k).
    """
    required = 1
    if any(feature.homology_dim == 2 for feature in features):
        required = 3
    for loops in torus_groups(angles):
        required = max(required, len(loops) + 1)
    return required


def torus_groups(angles: NDArray[np.float64]) -> list[list[int]]:
    """The loops in groups: those of a group fill a torus, others stand side by side.

    Args:
        angles: Circular coordinates on the landmarks, shape (n, k).
    """
    tori = nx.Graph()
    tori.add_nodes_from(range(angles.shape[1]))
    for a in tori:
        tori.add_edges_from((a, b) for b in range(a) if _fill_a_torus(angles[:, a], angles[:, b]))
    return [sorted(loops) for loops in nx.connected_components(tori)]


def _fill_a_torus(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    edges = np.linspace(0, 2 * np.pi, _CELLS + 1)
    counts, _, _ = np.histogram2d(a, b, bins=(edges, edges))
    return bool((counts > 0).mean() >= _FILLED)
