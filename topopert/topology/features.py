"""What the landmarks show: diagrams, the classes that are real, scale, graph and coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from topopert.backends import gudhi_persistence
from topopert.errors import BackendError
from topopert.records import PersistenceDiagram, TopologicalFeature

from .components import component_merges, minimum_spanning_tree, significant_merges
from .graph import component_labels, feature_scale, landmark_graph
from .loops import loop_angles
from .significance import bar_p_values

__all__ = ["LandmarkFeatures", "find_features"]

# A lift that fails mod one prime (torsion, or bad luck) is tried again mod the next.
_PRIMES = (47, 53, 59, 61)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LandmarkFeatures:
    """The topology of n landmarks."""

    prime: int  # the field of coefficients is Z/prime
    diagrams: tuple[PersistenceDiagram, ...]  # index = homology dimension
    features: tuple[TopologicalFeature, ...]  # the significant classes
    scale: float  # ε*
    graph: nx.Graph
    labels: NDArray[np.int64]  # component of each landmark, (n,)
    angles: NDArray[np.float64]  # circular coordinates of the loops, (n, k)


def find_features(
    dist: NDArray[np.float64],
    mass: NDArray[np.float64],
    *,
    max_homology_dim: int,
    significance: float,
) -> LandmarkFeatures:
    """The topology of landmarks.

    Args:
        dist: Distances of the landmarks, shape (n, n).
        mass: Number of points that each stands for, shape (n,).
        max_homology_dim: Highest homology dimension.
        significance: Level at which a bar counts as real.

    Raises:
        BackendError: If a backend fails, or a loop has no integer lift mod any prime.
    """
    tree = minimum_spanning_tree(dist)
    gaps = significant_merges(
        component_merges(tree, mass), n_points=int(mass.sum()), significance=significance
    )
    for prime in _PRIMES:
        diagrams = gudhi_persistence(dist, max_homology_dim=max_homology_dim, prime=prime)
        bars = _significant_bars(diagrams, significance)
        loops = [(bar.birth, bar.death) for bar in bars if bar.homology_dim == 1]
        angles = loop_angles(dist, mass, np.array(loops).reshape(-1, 2), prime=prime)
        if angles is not None:
            break
    else:
        msg = (
            f"The significant loops have no integer lift mod any prime of {_PRIMES}. Use "
            "max_homology_dim=0, or another number of landmarks."
        )
        raise BackendError(msg)
    # Another prime may see other classes: torsion exists only mod its own. All that follows is mod
    # the prime whose loops are circles.
    features = (*(feature for _, feature in gaps), *bars)
    scale = feature_scale(features, tree)
    return LandmarkFeatures(
        prime=prime,
        diagrams=diagrams,
        features=features,
        scale=scale,
        graph=landmark_graph(dist, scale, tree),
        labels=component_labels(tree, (merge.edge for merge, _ in gaps)),
        angles=angles,
    )


def _significant_bars(
    diagrams: tuple[PersistenceDiagram, ...], significance: float
) -> list[TopologicalFeature]:
    """The significant bars of H1 and above."""
    bars = []
    for diagram in diagrams[1:]:
        p_values = bar_p_values(diagram)
        bars += [
            TopologicalFeature(
                homology_dim=diagram.homology_dim,
                birth=float(diagram.pairs[k, 0]),
                death=float(diagram.pairs[k, 1]),
                p_value=float(p_values[k]),
            )
            for k in np.flatnonzero(p_values <= significance)
        ]
    return bars
