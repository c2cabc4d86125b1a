from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy.spatial.distance import cdist

import topopert as tp
from topopert.topology.components import minimum_spanning_tree
from topopert.topology.graph import feature_scale, geodesic_distances, landmark_graph


def feature(homology_dim: int, birth: float, death: float) -> tp.TopologicalFeature:
    return tp.TopologicalFeature(homology_dim=homology_dim, birth=birth, death=death, p_value=0.0)


def chain(*lengths: float) -> nx.Graph:
    graph = nx.Graph()
    for i, length in enumerate(lengths):
        graph.add_edge(i, i + 1, length=length)
    return graph


def test_without_classes_the_scale_is_the_longest_tree_edge() -> None:
    assert feature_scale((), chain(1.0, 3.0, 2.0)) == 3.0


def test_scale_lies_where_all_loops_are_open() -> None:
    # both alive on [2, 4): a quarter in
    features = (feature(1, 1.0, 10.0), feature(1, 2.0, 4.0))
    assert feature_scale(features, chain(0.5, 0.5)) == pytest.approx(2.5)


def test_a_gap_between_components_stays_open() -> None:
    features = (feature(0, 0.0, 8.0),)
    # spurious deaths end at 1, the gap closes at 8
    assert feature_scale(features, chain(1.0, 8.0, 1.0)) == pytest.approx(1 + 0.25 * 7)


def test_graph_is_connected_and_its_bridges_are_marked(rng) -> None:
    points, _ = tp.datasets.linked_circles(200, noise=0.02, rng=rng)
    topology = tp.PersistentTopology(n_landmarks=100).fit(points)
    graph = topology.graph_
    assert nx.is_connected(graph)
    bridges = [(i, j) for i, j, bridge in graph.edges(data="bridge") if bridge]
    assert len(bridges) >= 1
    graph = graph.copy()
    graph.remove_edges_from(bridges)
    labels = topology.components(points[topology.landmarks_])
    for component in nx.connected_components(graph):
        assert len(set(labels[list(component)])) == 1


def test_geodesics_are_networkx_shortest_paths(rng) -> None:
    points = rng.normal(size=(30, 2))
    dist = cdist(points, points)
    tree = minimum_spanning_tree(dist)
    graph = landmark_graph(dist, float(np.quantile(dist, 0.15)), tree)
    found = geodesic_distances(graph)
    reference = dict(nx.all_pairs_dijkstra_path_length(graph, weight="length"))
    expected = np.array([[reference[i][j] for j in range(30)] for i in range(30)])
    np.testing.assert_allclose(found, expected, rtol=1e-12)
