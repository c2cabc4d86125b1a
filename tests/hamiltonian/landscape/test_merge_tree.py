"""The elder rule and the levels of passes, against networkx."""

from __future__ import annotations

import networkx as nx
import pytest
import torch

from topopert.hamiltonian.landscape.merge_tree import merge_tree, minimax_heights


@pytest.mark.parametrize("seed", range(5))
def test_minimax_heights_are_those_of_the_spanning_tree(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    n_minima, n_saddles = 12, 14
    births = torch.rand(n_minima, generator=generator).double().sort().values
    ends = torch.randint(n_minima, (n_saddles, 2), generator=generator)
    heights = 1 + torch.rand(n_saddles, generator=generator).double()
    tree = merge_tree(births, heights, ends)

    graph = nx.Graph()
    graph.add_nodes_from(range(n_minima))
    for (i, j), height in sorted(
        zip(ends.tolist(), heights.tolist(), strict=True), key=lambda edge: -edge[1]
    ):
        graph.add_edge(i, j, height=height)  # of parallel passes the lowest stays
    forest = nx.minimum_spanning_tree(graph, weight="height")
    pairs = [(i, j) for i in range(n_minima) for j in range(n_minima)]
    expected = []
    for i, j in pairs:
        if i == j:
            expected.append(float(births[i]))
        elif nx.has_path(forest, i, j):
            path = nx.shortest_path(forest, i, j)
            expected.append(max(forest.edges[edge]["height"] for edge in nx.utils.pairwise(path)))
        else:
            expected.append(float("inf"))
    assert any(height == float("inf") for height in expected)
    assert minimax_heights(tree, torch.tensor(pairs)).tolist() == expected
