"""Loops side by side: circles of their own radii that meet where the data have them meet."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

import topopert as tp
from topopert.topology.components import minimum_spanning_tree
from topopert.topology.graph import geodesic_distances, landmark_graph
from topopert.topology.layouts import circle_layouts, geodesic_layout
from topopert.topology.wedge import component_gaps, wedge_of_pages

N = 60
TURN = 2 * np.pi * np.arange(N) / N


def circle(centre: tuple[float, ...], radius: float = 1.0, *, start: float = 0.0) -> np.ndarray:
    turn = TURN + start
    return np.array(centre) + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)


def standing_still(angles: list[tuple[float, ...]]) -> np.ndarray:
    """Row block a turns in column a and stands still in all others, at the angles given."""
    blocks = []
    for a, rest in enumerate(angles):
        block = np.tile(np.array(rest, dtype=float), (N, 1))
        block[:, a] = TURN
        blocks.append(block)
    return np.vstack(blocks)


def graph_of(points: np.ndarray) -> nx.Graph:
    dist = cdist(points, points)
    return landmark_graph(dist, 0.3, minimum_spanning_tree(dist))


def in_plane(angles: np.ndarray, radii: list[float], points: np.ndarray) -> np.ndarray:
    deaths = np.sqrt(3) * np.array(radii)
    dist, graph = cdist(points, points), graph_of(points)
    (layout,) = circle_layouts(
        angles, deaths, dist, graph, geodesic_distances(graph), np.ones(len(points)), 2
    )
    return layout


def test_two_circles_that_touch_are_laid_out_as_they_are() -> None:
    points = np.vstack([circle((-1, 0)), circle((0.5, 0), 0.5)])
    # The right one hangs at angle 0 of the left one, the left one at angle π of the right one.
    layout = in_plane(standing_still([(0, np.pi), (0, 0)]), [1, 0.5], points)
    np.testing.assert_allclose(pdist(layout), pdist(points), atol=1e-9)


def test_circles_stand_apart_by_the_gap() -> None:
    points = np.vstack([circle((-1, 0)), circle((1.4, 0))])
    layout = in_plane(standing_still([(0, np.pi), (0, 0)]), [1, 1], points)
    np.testing.assert_allclose(pdist(layout), pdist(points), atol=1e-9)


def test_a_chain_of_four_circles_is_laid_out_as_it_is() -> None:
    points = np.vstack([circle((2 * k, 0)) for k in range(4)])
    rest = [tuple(np.pi if b > a else 0.0 for b in range(4)) for a in range(4)]
    np.testing.assert_allclose(
        pdist(in_plane(standing_still(rest), [1] * 4, points)), pdist(points), atol=1e-9
    )


def test_pages_meet_in_one_point_only() -> None:
    """Three circles of radius 1 through one point, upright, 120° apart."""
    directions = [2 * np.pi * k / 3 for k in range(3)]
    pages = [
        np.stack([np.cos(a) * (1 - np.cos(TURN)), np.sin(a) * (1 - np.cos(TURN)), np.sin(TURN)], 1)
        for a in directions
    ]
    points = np.vstack(pages)
    dist = cdist(points, points)
    guide = geodesic_layout(geodesic_distances(graph_of(points)), np.ones(3 * N), 2)
    angles = standing_still([(0, 0, 0)] * 3)
    layout = wedge_of_pages(angles, np.ones(3), [], guide, np.ones(3 * N))
    between = np.kron(1 - np.eye(3), np.ones((N, N))).astype(bool)
    made = cdist(layout, layout)
    np.testing.assert_allclose(made[~between], dist[~between], atol=1e-9)
    assert np.abs(made - dist).max() < 0.05  # up to how exactly the guide puts them 120° apart


def test_gaps_know_their_length_and_what_lies_beyond() -> None:
    points = np.vstack([circle((0, 0)), circle((5, 0)), circle((0, 9))])
    gaps = component_gaps(graph_of(points))
    assert [gap.length for gap in gaps] == pytest.approx([7.0, 3.0])
    sides = [{int(gap.far_side.sum()), int((~gap.far_side).sum())} for gap in gaps]
    assert sides == [{N, 2 * N}] * 2


def test_linked_circles_fit_a_plane_by_cohomology_alone(rng) -> None:
    points, which = tp.datasets.linked_circles(1000, ambient_dim=8, noise=0.02, rng=rng)
    topology = tp.PersistentTopology(2, n_landmarks=200).fit(points)
    assert topology.layout_ == "cohomology"
    assert topology.anchor_distance_ < 0.9 * topology.layout_distances_["geodesic"]
    anchors = topology.transform(points)
    assert cdist(anchors[which[:, 0] == 0], anchors[which[:, 0] == 1]).min() > 0.3
    found = [
        f.homology_dim for f in tp.PersistentTopology(2, n_landmarks=200).fit(anchors).features_
    ]
    assert found == [0, 1, 1]


def test_three_circles_through_a_point_are_three_loops_in_the_anchors(rng) -> None:
    t = rng.uniform(0, 2 * np.pi, size=900)
    page = np.repeat(2 * np.pi * np.arange(3) / 3, 300)
    points = np.stack(
        [np.cos(page) * (1 - np.cos(t)), np.sin(page) * (1 - np.cos(t)), np.sin(t)], axis=1
    ) + 0.02 * rng.normal(size=(900, 3))
    topology = tp.PersistentTopology(3, n_landmarks=200, layout="cohomology").fit(points)
    anchors = topology.transform(points)
    again = tp.PersistentTopology(3, n_landmarks=200, layout="pca").fit(anchors)
    assert [f.homology_dim for f in again.features_] == [1, 1, 1]
