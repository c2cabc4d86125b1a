from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform

from topopert.backends import spanning_tree_edges


def kruskal(lengths: np.ndarray) -> set[tuple[int, int]]:
    graph = nx.from_numpy_array(squareform(lengths))
    return {(min(e), max(e)) for e in nx.minimum_spanning_edges(graph, data=False)}


def ends(places: np.ndarray, n: int) -> set[tuple[int, int]]:
    i, j = np.triu_indices(n, 1)
    return {(int(i[k]), int(j[k])) for k in places}


@given(n=st.integers(2, 60), d=st.integers(1, 5), seed=st.integers(0, 2**20))
def test_edges_are_those_of_kruskals_tree(n: int, d: int, seed: int) -> None:
    lengths = pdist(np.random.default_rng(seed).normal(size=(n, d)))
    places = spanning_tree_edges(lengths)
    assert len(places) == n - 1
    assert ends(places, n) == kruskal(lengths)


def test_a_single_point_has_no_edge() -> None:
    assert spanning_tree_edges(np.empty(0)).shape == (0,)


@pytest.mark.parametrize("n_points", [9, 60])
def test_ties_and_duplicates_leave_a_tree_of_least_length(rng, n_points: int) -> None:
    points = rng.integers(0, 4, size=(n_points, 2)).astype(float)
    lengths = pdist(points)
    places = spanning_tree_edges(lengths)
    tree = nx.Graph()
    tree.add_edges_from(ends(places, n_points))
    assert nx.is_tree(tree)
    assert tree.number_of_nodes() == n_points
    i, j = np.triu_indices(n_points, 1)
    graph = nx.Graph()
    # networkx would read a length of 0 as no edge at all
    graph.add_weighted_edges_from(zip(i, j, lengths + 1, strict=True))
    least = nx.minimum_spanning_tree(graph).size(weight="weight") - (n_points - 1)
    assert lengths[places].sum() == pytest.approx(least)


def test_among_equal_lengths_the_first_is_taken_whatever_rounding_does(rng) -> None:
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    lengths = pdist(square)
    noisy = lengths * (1 + 1e-15 * rng.normal(size=6))
    assert ends(spanning_tree_edges(lengths), 4) == {(0, 1), (0, 3), (1, 2)}
    assert ends(spanning_tree_edges(noisy), 4) == {(0, 1), (0, 3), (1, 2)}


def test_lengths_stay_as_they_are(rng) -> None:
    lengths = pdist(rng.normal(size=(20, 3)))
    before = lengths.copy()
    spanning_tree_edges(lengths)
    np.testing.assert_array_equal(lengths, before)
