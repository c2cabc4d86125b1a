from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from topopert.topology.components import minimum_spanning_tree
from topopert.topology.graph import landmark_graph
from topopert.topology.layouts import circle_layouts, geodesic_layout, pca_layout
from topopert.topology.prior_scale import prior_scale


def complete_graph(dist: np.ndarray) -> nx.Graph:
    return landmark_graph(dist, dist.max(), minimum_spanning_tree(dist))


def test_scaling_of_euclidean_distances_returns_the_points(rng) -> None:
    points = rng.normal(size=(40, 3))
    layout = geodesic_layout(cdist(points, points), rng.uniform(1, 5, size=40), 3)
    np.testing.assert_allclose(pdist(layout), pdist(points), rtol=1e-8)


def test_pca_layout_is_scaling_of_euclidean_distances(rng) -> None:
    points, mass = rng.normal(size=(40, 5)) * [3, 2, 1, 0.5, 0.2], rng.uniform(1, 5, size=40)
    np.testing.assert_allclose(
        pca_layout(points, mass, 2), geodesic_layout(cdist(points, points), mass, 2), atol=1e-8
    )


def test_circle_has_radius_death_over_root_three(rng) -> None:
    angle = rng.uniform(0, 2 * np.pi, size=(50, 1))
    circle = np.hstack([np.cos(angle), np.sin(angle)])
    dist = cdist(circle, circle)
    deaths = np.array([np.sqrt(3)])
    (layout,) = circle_layouts(angle, deaths, dist, complete_graph(dist), dist, np.ones(50), 2)
    np.testing.assert_allclose(layout, circle, atol=1e-12)


def test_two_classes_in_three_dimensions_make_a_torus_of_revolution(rng) -> None:
    around, tube = angles = rng.uniform(0, 2 * np.pi, size=(2, 150))
    distance = 2 + np.cos(tube)
    torus = np.stack([distance * np.cos(around), distance * np.sin(around), np.sin(tube)], axis=1)
    dist = cdist(torus, torus)
    deaths = np.sqrt(3) * np.array([2.0, 1.0])
    for order, shift in (([0, 1], 0.0), ([1, 0], 0.0), ([0, 1], 3 * 2 * np.pi / 24)):
        turned = (angles + np.array([[0.0], [shift]])).T[:, order]
        (layout,) = circle_layouts(
            turned, deaths[order], dist, complete_graph(dist), dist, np.ones(150), 3
        )
        np.testing.assert_allclose(pdist(layout), pdist(torus), rtol=1e-9)


def test_a_torus_has_no_layout_in_a_plane(rng) -> None:
    angles = rng.uniform(0, 2 * np.pi, size=(200, 2))
    dist = cdist(angles, angles)
    assert (
        circle_layouts(angles, np.ones(2), dist, complete_graph(dist), dist, np.ones(200), 2) == []
    )


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_prior_scale_gives_the_priors_second_moments(rng, dim: int) -> None:
    values = rng.normal(size=(500, dim)) * np.linspace(3, 1, dim) + 7
    anchors = prior_scale(values, of=values)
    np.testing.assert_allclose(anchors.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.atleast_2d(np.cov(anchors.T, bias=True)), np.eye(dim), atol=1e-9)


def test_an_axis_of_noise_is_not_blown_up(rng) -> None:
    values = rng.normal(size=(500, 2)) * [1.0, 1e-6]
    anchors = prior_scale(values, of=values)
    assert anchors[:, 0].std() == pytest.approx(1.0)
    # 1 % of the leading variance is where stretching ends: a factor of 10
    assert anchors[:, 1].std() == pytest.approx(1e-5, rel=0.2)
