from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from scipy.spatial.distance import cdist

import topopert as tp
from topopert.topology.components import (
    Merge,
    component_merges,
    minimum_spanning_tree,
    significant_merges,
)


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


@pytest.mark.parametrize("n_points", [1000, 20_000])
def test_gaps_are_found_among_outliers(rng, n_points: int) -> None:
    points, label = tp.datasets.clusters(5, n_points, noise=0.05, rng=rng)
    # One in a hundred far out: at 20 000 points half of the landmarks.
    points[::100] += rng.normal(size=(n_points // 100, 20))
    topology = tp.PersistentTopology(latent_dim=4, max_homology_dim=0, layout="pca").fit(points)
    assert len(topology.features_) == 4
    found = topology.components(points)
    inside = np.arange(n_points) % 100 != 0
    pairs = {(int(a), int(b)) for a, b in zip(found[inside], label[inside, 0], strict=True)}
    assert len(pairs) == 5


def test_gaps_are_counted_however_many_there_are(rng) -> None:
    # Nine gaps among 99 deaths: more than a tenth of what a fit to all deaths would see.
    points, _ = tp.datasets.clusters(10, 100, noise=0.1, rng=rng)
    topology = tp.PersistentTopology(layout="pca").fit(points)
    assert [f.homology_dim for f in topology.features_] == [0] * 9


def test_p_value_is_that_of_the_fitted_gumbel_law(rng) -> None:
    # Right-skewed Gumbel deaths of location 1 and scale .2, and one gap at e².
    log_death = rng.gumbel(1.0, 0.2, size=20_000)
    bulk = tuple(Merge(death=float(d), share=1e-4, edge=(0, 1)) for d in np.exp(log_death))
    gap = Merge(death=math.exp(2), share=0.3, edge=(1, 2))
    [(found, feature)] = significant_merges((*bulk, gap), n_points=20_001, significance=0.05)
    assert found is gap
    assert feature.p_value == pytest.approx(math.exp(-(2 - 1) / 0.2), rel=0.2)


def test_four_points_are_no_component_and_five_may_be() -> None:
    bulk = [Merge(death=1.0, share=0.01, edge=(0, 1))] * 400
    for n_members, n_gaps in ((4, 0), (5, 1)):
        gap = Merge(death=10.0, share=n_members / 100, edge=(1, 2))
        found = significant_merges((*bulk, gap), n_points=100, significance=0.05)
        assert len(found) == n_gaps


@pytest.mark.parametrize("spacing", [1.0, 0.1])
def test_a_lattice_is_one_component(spacing: float) -> None:
    rows, cols = np.meshgrid(np.arange(20), np.arange(30))
    points = spacing * np.stack([rows.ravel(), cols.ravel()], axis=1)
    assert tp.PersistentTopology(layout="pca").fit(points).features_ == ()


def test_repeated_points_are_one_component(rng) -> None:
    points = np.repeat(rng.normal(size=(80, 3)), 5, axis=0)
    assert tp.PersistentTopology(layout="pca").fit(points).features_ == ()


def test_a_diagonal_step_between_even_steps_is_no_gap() -> None:
    even = [Merge(death=1.0, share=1e-3, edge=(0, 1))] * 400
    large = [Merge(death=1.0, share=0.1, edge=(0, 1))] * 20
    for step, n_gaps in ((math.sqrt(2), 0), (2.5, 1)):
        gap = Merge(death=step, share=0.4, edge=(1, 2))
        found = significant_merges((*even, *large, gap), n_points=1000, significance=0.05)
        assert len(found) == n_gaps
