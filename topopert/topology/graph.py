"""The scale at which the landmarks show the data's topology, and their graph at that scale."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import shortest_path

from topopert.records import TopologicalFeature

__all__ = ["component_labels", "feature_scale", "geodesic_distances", "landmark_graph"]

# Where in the best interval of scales to stop: at its lower end the graph only just holds
# together and paths make detours, at its upper end chords begin to cut across.
_INTO_INTERVAL = 0.25
_ROUNDING = 1e-9


def feature_scale(features: tuple[TopologicalFeature, ...], spanning_tree: nx.Graph) -> float:
    """The scale ε* with the largest persistence-weighted count of significant classes alive.

    Scales below the last spurious death of H0 count only where no class is alive above it.

    Args:
        features: The significant classes.
        spanning_tree: Minimum spanning tree of the landmarks, edge attribute ``length``.

    Returns:
        A scale in units of the metric; without classes the longest edge of the spanning tree.
    """
    lengths = np.sort([length for _, _, length in spanning_tree.edges(data="length")])
    if not features:
        return float(lengths[-1])
    births = np.array([f.birth for f in features])
    deaths = np.array([f.death for f in features])
    gaps = [f.death for f in features if f.homology_dim == 0]
    # An outlier joins late without being a class: the 99 % quantile passes over a few of those.
    spurious = (
        lengths[~np.isclose(lengths[:, None], gaps, rtol=1e-6).any(axis=1)] if gaps else lengths
    )
    floor = float(np.quantile(spurious, 0.99)) if len(spurious) else 0.0
    starts = np.unique(np.concatenate([births[births > floor], [floor]]))
    weight = ((births <= starts[:, None]) & (starts[:, None] < deaths)) @ (deaths - births)
    if weight.max() == 0:  # every class is dead before the spurious components have merged
        starts = np.unique(births[births < floor])
        weight = ((births <= starts[:, None]) & (starts[:, None] < deaths)) @ (deaths - births)
    low = float(starts[np.argmax(weight)])
    high = float(deaths[(births <= low) & (low < deaths)].min())
    return low + _INTO_INTERVAL * (high - low)


def landmark_graph(dist: NDArray[np.float64], scale: float, spanning_tree: nx.Graph) -> nx.Graph:
    """The connected graph of the Rips edges up to a scale and of the spanning tree.

    Args:
        dist: Distances of the landmarks, shape (n, n).
        scale: Longest Rips edge.
        spanning_tree: Minimum spanning tree of the landmarks.

    Returns:
        Nodes 0…n−1; edges with ``length`` and ``bridge``, true for the edges of the spanning tree
        that are longer than the scale: they join components and reach outliers.
    """
    graph = nx.Graph()
    graph.add_nodes_from(range(len(dist)))
    scale *= 1 + _ROUNDING  # edges as long as the scale belong to the graph
    rows, cols = np.nonzero(np.triu(dist <= scale, k=1))
    graph.add_edges_from(
        (int(i), int(j), {"length": float(dist[i, j]), "bridge": False})
        for i, j in zip(rows, cols, strict=True)
    )
    graph.add_edges_from(
        (i, j, {"length": length, "bridge": True})
        for i, j, length in spanning_tree.edges(data="length")
        if length > scale
    )
    return graph


def geodesic_distances(graph: nx.Graph) -> NDArray[np.float64]:
    """Lengths of the shortest paths between all nodes, shape (n, n)."""
    n = graph.number_of_nodes()
    edges = [(i, j, length) for i, j, length in graph.edges(data="length")]
    rows, cols, lengths = (np.array(column) for column in zip(*edges, strict=True))
    weights: csr_array = coo_array((lengths, (rows, cols)), shape=(n, n)).tocsr()
    return shortest_path(weights, method="D", directed=False)


def component_labels(
    spanning_tree: nx.Graph, gaps: Iterable[tuple[int, int]]
) -> NDArray[np.int64]:
    """Component of each landmark once the spanning tree is cut at the significant gaps.

    Args:
        spanning_tree: Minimum spanning tree of the landmarks.
        gaps: The edges to cut.

    Returns:
        Labels from 0, the component with most landmarks first, shape (n,).
    """
    kept = spanning_tree.copy()
    kept.remove_edges_from(list(gaps))
    labels = np.empty(len(kept), dtype=np.int64)
    for label, members in enumerate(sorted(nx.connected_components(kept), key=len, reverse=True)):
        labels[list(members)] = label
    return labels
