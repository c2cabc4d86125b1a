"""A landscape as a graph of states and passes."""

from __future__ import annotations

import networkx as nx
from torch import Tensor

from .network import TransitionNetwork

__all__ = ["landscape_graph"]


def landscape_graph(network: TransitionNetwork, rows: Tensor, membership: Tensor) -> nx.Graph:
    """States as nodes, and the lowest saddle between two as an edge.

    Args:
        network: All minima and saddles.
        rows: The minimum that each state is, shape (M,).
        membership: The state that each minimum belongs to, shape (m,).
    """
    graph = nx.Graph()
    points, energies = network.minima.points[rows], network.minima.energies[rows]
    for state, (point, energy) in enumerate(zip(points.tolist(), energies.tolist(), strict=True)):
        graph.add_node(state, energy=energy, position=tuple(point))
    saddles = network.saddles
    for (i, j), point, energy in zip(
        membership[network.ends].tolist(),
        saddles.points.tolist(),
        saddles.energies.tolist(),
        strict=True,
    ):
        # Saddles come lowest first.
        if i != j and not graph.has_edge(i, j):
            top = max(graph.nodes[i]["energy"], graph.nodes[j]["energy"])
            graph.add_edge(i, j, energy=energy, barrier=energy - top, position=tuple(point))
    return graph
