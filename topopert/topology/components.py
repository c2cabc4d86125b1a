"""Which gaps between components are real, and the components that they separate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from topopert.records import TopologicalFeature

__all__ = ["Merge", "component_merges", "minimum_spanning_tree", "significant_merges"]

# Quantiles of the right-skewed Gumbel law P(L ≤ ℓ) = exp(−e^{−ℓ}).
_MEDIAN, _HIGH = -math.log(math.log(2)), -math.log(-math.log(0.9))
# Evenly spread landmarks have deaths all alike; a scale below this would make rounding a gap.
_MIN_SCALE = 0.05
# A fit to few deaths is noisy: it is widened by its own error, and below 60 deaths it may not go
# below what structureless clouds have. With these values at most 5 % of 40 to 100 of each kind
# (Gaussian, cube, 10 : 1 rectangle, t₃; 1 to 20 dimensions; 20 to 150 points) were flagged.
_FIT_ERROR = 3.0  # relative, times 1/√(number of deaths)
_FEW_BARS, _FEW_SCALE = 60, 0.45


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Two components that become one as the scale grows."""

    death: float  # edge length at which they merge
    share: float  # of the data's mass in the smaller of the two
    edge: tuple[int, int]  # of the spanning tree


def minimum_spanning_tree(dist: NDArray[np.float64]) -> nx.Graph:
    """The minimum spanning tree of distinct points, edge attribute ``length``."""
    # scipy's and networkx's trees read a distance of 0 differently; landmarks are distinct here.
    graph = nx.Graph()
    graph.add_nodes_from(range(len(dist)))
    reached = np.zeros(len(dist), dtype=bool)
    nearest, length = np.zeros(len(dist), dtype=np.intp), np.full(len(dist), np.inf)
    node = 0
    for _ in range(len(dist) - 1):  # Prim, one row of distances at a time
        reached[node] = True
        closer = dist[node] < length
        nearest[closer], length[closer] = node, dist[node, closer]
        node = int(np.argmin(np.where(reached, np.inf, length)))
        graph.add_edge(int(nearest[node]), node, length=float(length[node]))
    return graph


def component_merges(
    spanning_tree: nx.Graph, mass: NDArray[np.floating[Any]]
) -> tuple[Merge, ...]:
    """The merges of the single-linkage tree by ascending death.

    Args:
        spanning_tree: Minimum spanning tree of the landmarks, edge attribute ``length``.
        mass: Number of data points that each landmark stands for, shape (n,).
    """
    total = float(np.sum(mass))
    components = nx.utils.UnionFind(range(len(mass)))
    held = {node: float(m) for node, m in enumerate(mass)}  # by the component's root
    merges = []
    for i, j, length in sorted(spanning_tree.edges(data="length"), key=lambda edge: edge[2]):
        left, right = components[i], components[j]
        merges.append(Merge(death=length, share=min(held[left], held[right]) / total, edge=(i, j)))
        components.union(i, j)
        held[components[i]] = held[left] + held[right]
    return tuple(merges)


def significant_merges(
    merges: tuple[Merge, ...], *, n_points: int, significance: float, min_share: float = 0.02
) -> tuple[tuple[Merge, TopologicalFeature], ...]:
    """The gaps between components that noise does not explain, longest first.

    On noise the logarithm of the deaths is taken to follow a Gumbel law, fitted to the median and
    the 90 % quantile of all deaths. Only merges count in which the smaller side holds a share of
    the data: farthest-point landmarks seek outliers, and a single cell is no component.

    Args:
        merges: All merges of the landmarks.
        n_points: Number of data points behind the landmarks.
        significance: Level after Bonferroni over the merges that count.
        min_share: Least share of the smaller side; in any case at least 5 points.
    """
    min_share = max(min_share, 5 / n_points)
    candidates = [m for m in merges if m.share >= min_share]
    if not candidates:
        return ()
    log_death = np.log([m.death for m in merges])
    median, high = np.quantile(log_death, (0.5, 0.9))
    scale = max((high - median) / (_HIGH - _MEDIAN), _MIN_SCALE)
    scale *= 1 + _FIT_ERROR / math.sqrt(len(merges))
    if len(merges) < _FEW_BARS:
        scale = max(scale, _FEW_SCALE)
    location = median - scale * _MEDIAN
    features = []
    for merge in sorted(candidates, key=lambda m: -m.death):
        # 1 − exp(−x) without cancellation, x the Gumbel tail
        tail = -math.expm1(-math.exp(-(math.log(merge.death) - location) / scale))
        p_value = min(1.0, len(candidates) * tail)
        if p_value <= significance:
            feature = TopologicalFeature(
                homology_dim=0, birth=0.0, death=merge.death, p_value=p_value
            )
            features.append((merge, feature))
    return tuple(features)
