from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy.spatial.distance import cdist

import topopert as tp
from topopert.topology.components import component_merges, minimum_spanning_tree


def test_merges_are_those_of_the_spanning_tree(rng) -> None:
    points = rng.normal(size=(50, 3))
    dist = cdist(points, points)
    tree = minimum_spanning_tree(dist)
    reference = nx.minimum_spanning_tree(nx.from_numpy_array(dist), weight="weight").size(
        weight="weight"
    )
    assert tree.size(weight="length") == pytest.approx(reference)
    deaths = [m.death for m in component_merges(tree, np.ones(50))]
    lengths = sorted(length for _, _, length in tree.edges(data="length"))
    np.testing.assert_allclose(deaths, lengths)


def test_share_is_the_mass_of_the_smaller_side() -> None:
    x = np.array([[0.0], [1.0], [10.0]])
    merges = component_merges(minimum_spanning_tree(cdist(x, x)), np.array([1.0, 2.0, 7.0]))
    assert [m.death for m in merges] == [1.0, 9.0]
    assert [m.share for m in merges] == [pytest.approx(0.1), pytest.approx(0.3)]


@pytest.mark.parametrize("n_clusters", [2, 5, 10])
def test_clusters_are_counted_and_labelled(rng, n_clusters: int) -> None:
    points, label = tp.datasets.clusters(n_clusters, 1000, noise=0.1, rng=rng)
    topology = tp.PersistentTopology(layout="pca").fit(points)
    gaps = [f for f in topology.features_ if f.homology_dim == 0]
    assert len(gaps) == n_clusters - 1
    found = topology.components(points)
    pairs = {(int(a), int(b)) for a, b in zip(found, label[:, 0], strict=True)}
    assert len(pairs) == n_clusters


def test_a_few_outliers_are_no_component(rng) -> None:
    points = rng.normal(size=(500, 5))
    points[:5] += 30 * rng.normal(size=(5, 5))
    topology = tp.PersistentTopology(layout="pca").fit(points)
    assert [f for f in topology.features_ if f.homology_dim == 0] == []
    assert set(topology.components(points)) == {0}


def test_edges_as_long_as_a_gap_are_not_all_cut() -> None:
    # The gap between the two runs is as long as the step to the lone point at the end.
    x = np.concatenate([np.arange(51.0), np.arange(60.0, 111.0), [120.0]])[:, None]
    topology = tp.PersistentTopology(latent_dim=1).fit(x)
    assert [f.homology_dim for f in topology.features_] == [0]
    assert sorted(np.bincount(topology.components(x))) == [51, 52]
