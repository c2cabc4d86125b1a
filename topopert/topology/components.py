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

# Median and 95 % quantile of the right-skewed Gumbel law P(L ≤ ℓ) = exp(−e^{−ℓ}).
_MEDIAN, _HIGH = -math.log(math.log(2)), -math.log(-math.log(0.95))
# Constants chosen on the clouds that `significance.py` names; error rates stand there.
# Evenly spread landmarks have deaths all alike, between r and 2r: a smaller scale would make
# rounding a gap, or the widest step of a closed curve without noise.
_MIN_SCALE = 0.1
# A fit to few deaths is noisy: the scale is widened by ½/√n and, against skewness, by 15/n.
_FIT_ERROR, _SMALL_SAMPLE = 0.5, 15.0


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

    Only merges count in which the smaller side holds a share of the data: farthest-point
    landmarks seek outliers, and a single cell is no component. The other merges show what noise
    does, however many clusters there are: the logarithm of their deaths is taken to follow a
    Gumbel law, fitted to the median and the 95 % quantile. Each weighs as much as the data on its
    smaller side, so that outliers weigh little even where they make up half of the landmarks.

    Args:
        merges: All merges of the landmarks.
        n_points: Number of data points behind the landmarks.
        significance: Level after Bonferroni over the merges that count.
        min_share: Least share of the smaller side; in any case at least 5 points.
    """
    min_share = max(min_share, 5 / n_points)
    candidates = [m for m in merges if m.share >= min_share]
    bulk = [m for m in merges if m.share < min_share]
    if not candidates or not bulk:
        return ()
    weights = np.array([m.share for m in bulk])
    median, high = _weighted_quantiles(np.log([m.death for m in bulk]), weights, (0.5, 0.95))
    n_bulk = weights.sum() ** 2 / (weights @ weights)  # Kish's effective number
    scale = max((high - median) / (_HIGH - _MEDIAN), _MIN_SCALE)
    scale *= 1 + _FIT_ERROR / math.sqrt(n_bulk) + _SMALL_SAMPLE / n_bulk
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


def _weighted_quantiles(
    values: NDArray[np.float64], weights: NDArray[np.float64], levels: tuple[float, ...]
) -> NDArray[np.float64]:
    # NumPy has weighted quantiles from 2.0 on only.
    order = np.argsort(values)
    below = np.cumsum(weights[order]) - 0.5 * weights[order]
    return np.interp(levels, below / weights.sum(), values[order])
