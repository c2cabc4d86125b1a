from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch

import topopert as tp
from topopert.records import TopologicalFeature
from topopert.topology.features import LandmarkFeatures
from topopert.topology.wells import _loops_through


def landscape(topology: tp.PersistentTopology) -> np.ndarray:
    """V at the landmarks' anchors, in nats."""
    potential = tp.WellPotential(topology.wells()).double()
    return potential(torch.from_numpy(topology.anchors().values)).numpy()


def test_on_a_circle_the_landscape_is_as_deep_as_the_loop_is_persistent(rng) -> None:
    points, _ = tp.datasets.circle(1500, ambient_dim=5, noise=0.02, rng=rng)
    topology = tp.PersistentTopology(n_landmarks=150).fit(points)
    (loop,) = topology.features_
    depth = -landscape(topology)
    assert depth == pytest.approx(loop.persistence / topology.scale_, rel=0.2)


def test_components_are_as_deep_as_their_gap(rng) -> None:
    # Three blobs: two that are 6 apart, a third that is 9 away from both.
    centres = np.array([[-3.0, 0.0], [3.0, 0.0], [0.0, 9.0]])
    points = np.repeat(centres, 200, axis=0) + 0.2 * rng.normal(size=(600, 2))
    topology = tp.PersistentTopology(n_landmarks=200, layout="pca").fit(points)
    near, far = sorted(feature.death for feature in topology.features_)
    depth = -landscape(topology)
    label = topology.components(topology.anchors().landmarks)
    own = topology.components(centres)
    for component, gap in zip(own, (near, near, far), strict=True):
        inside = depth[label == component]
        assert inside.mean() == pytest.approx(gap / topology.scale_, rel=0.1)


def test_width_is_the_scale_in_units_of_the_prior(rng) -> None:
    # PCA in as many dimensions as the data have, all of one variance: one factor stretches all.
    points, _ = tp.datasets.circle(1000, ambient_dim=2, noise=0.02, rng=rng)
    topology = tp.PersistentTopology(n_landmarks=120, layout="pca").fit(points)
    anchors = topology.transform(points)
    stretch = np.sqrt(anchors.var(axis=0).sum() / points.var(axis=0).sum())
    width = topology.wells().widths
    assert width == pytest.approx(stretch * topology.scale_, rel=0.02)


def test_without_a_class_the_landscape_is_one_nat_deep(rng) -> None:
    topology = tp.PersistentTopology(n_landmarks=80).fit(rng.normal(size=(500, 3)))
    assert topology.geometric_only_
    assert -landscape(topology) == pytest.approx(1.0, abs=0.2)


def test_a_loop_deepens_only_what_lies_on_it(rng) -> None:
    circle, _ = tp.datasets.circle(800, ambient_dim=2, noise=0.02, rng=rng)
    tail = np.stack([np.linspace(1, 7, 400), np.zeros(400)], axis=1)
    topology = tp.PersistentTopology(n_landmarks=200, layout="pca").fit(np.vstack([circle, tail]))
    (loop,) = topology.features_
    depth = -landscape(topology)
    landmarks = topology.anchors().landmarks
    on_loop = depth[np.linalg.norm(landmarks, axis=1) < 1.1]
    on_tail = depth[landmarks[:, 0] > 4]
    assert on_loop.mean() > 0.7 * loop.persistence / topology.scale_
    assert on_tail == pytest.approx(1.0, abs=0.4)


@pytest.mark.parametrize("radius", [1.0, 1.5, 3.0])
def test_a_landmark_has_the_share_of_a_loop_by_which_it_turns_with_it(radius: float) -> None:
    """A loop of radius 1 dies at √3; further out the same angle turns by less per length."""
    n = 100
    angle = 2 * np.pi * np.arange(n) / n
    graph = nx.cycle_graph(n)
    nx.set_edge_attributes(graph, 2 * radius * np.sin(np.pi / n), "length")
    nx.set_edge_attributes(graph, values=False, name="bridge")
    loop = TopologicalFeature(homology_dim=1, birth=0.1, death=np.sqrt(3), p_value=0.0)
    found = LandmarkFeatures(
        prime=47,
        diagrams=(),
        features=(loop,),
        scale=0.1,
        graph=graph,
        labels=np.zeros(n, dtype=np.int64),
        angles=angle[:, None],
    )
    through = _loops_through(found)
    np.testing.assert_allclose(through, loop.persistence / radius, rtol=1e-3)


def test_wells_do_not_depend_on_row_order_or_on_the_unit(rng) -> None:
    points, _ = tp.datasets.clusters(n_points=400, ambient_dim=6, noise=0.05, rng=rng)
    order = rng.permutation(len(points))
    topology = tp.PersistentTopology(n_landmarks=100)
    one = landscape(topology.fit(points))
    landmarks = topology.landmarks_
    two = landscape(topology.fit(7 * points[order]))
    by_point = dict(zip(landmarks.tolist(), one, strict=True))
    again = [by_point[k] for k in order[topology.landmarks_].tolist()]
    np.testing.assert_allclose(again, two, atol=1e-4)
