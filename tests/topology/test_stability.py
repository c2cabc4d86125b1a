"""Small changes of the data make small changes of what is found: the stability theorem."""

from __future__ import annotations

import numpy as np
import pytest

import topopert as tp

MANIFOLDS = (
    "circle",
    "clusters",
    "figure_eight",
    "klein_bottle",
    "linked_circles",
    "sphere",
    "swiss_roll",
    "torus",
    "trefoil",
)


def sample(name: str, n_points: int) -> np.ndarray:
    make = getattr(tp.datasets, name)
    return make(n_points=n_points, ambient_dim=6, noise=0.03, rng=np.random.default_rng(1)).points


def moved(points: np.ndarray, distance: float, seed: int) -> np.ndarray:
    """Every point moved by a distance, each in a direction of its own."""
    step = np.random.default_rng(seed).normal(size=points.shape)
    return points + distance * step / np.linalg.norm(step, axis=1, keepdims=True)


@pytest.mark.parametrize("name", MANIFOLDS)
@pytest.mark.parametrize("epsilon", [1e-3, 0.05, 0.3])
def test_diagrams_of_all_points_move_by_twice_the_change_at_most(
    name: str, epsilon: float
) -> None:
    points = sample(name, 120)
    before = tp.persistence_diagrams(points)
    after = tp.persistence_diagrams(moved(points, epsilon, 0))
    for a, b in zip(before, after, strict=True):
        # ripser works in single precision
        assert tp.bottleneck_distance(a, b) <= 2 * epsilon + 1e-6 * np.abs(points).max()


def test_the_bound_is_attained() -> None:
    """Two points that part by ε each: their merge moves by exactly 2ε."""
    points = np.array([[0.0, 0.0], [1.0, 0.0], [10.0, 0.0]])
    parted = points + np.array([[-0.1, 0.0], [0.1, 0.0], [0.0, 0.0]])
    (before,), (after,) = (
        tp.persistence_diagrams(p, max_homology_dim=0) for p in (points, parted)
    )
    assert tp.bottleneck_distance(before, after) == pytest.approx(0.2, abs=1e-6)


@pytest.mark.parametrize("name", MANIFOLDS)
@pytest.mark.parametrize("epsilon", [0.01, 0.1])
def test_diagrams_through_landmarks_move_by_the_covering_radii_besides(
    name: str, epsilon: float
) -> None:
    points = sample(name, 600)
    answers = []
    for data in (points, moved(points, epsilon, 0)):
        landmarks, radius = tp.maxmin_landmarks(data, 100)
        answers.append((tp.persistence_diagrams(data[landmarks]), radius))
    (before, r), (after, r_moved) = answers
    for a, b in zip(before, after, strict=True):
        assert tp.bottleneck_distance(a, b) <= 2 * epsilon + 2 * r + 2 * r_moved + 1e-6


def rms_change(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.sqrt(((one - two) ** 2).sum(axis=1).mean()))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::topopert.TopopertWarning")
@pytest.mark.parametrize("name", MANIFOLDS)
def test_anchors_follow_the_data_continuously(name: str) -> None:
    """In units of the data's RMS radius: ε moves the anchors by at most 100 ε on average.

    So as long as the landmarks stay the same points. Where ε is large enough for another point to
    become a landmark, 1e-6 to 1e-3, the anchors jump by what the landmarks leave open: 0.04 or
    less at ε = 1e-4, once turned to agree. Five equidistant clusters are left out there: which
    three of their four equal axes are taken is a symmetry that any noise breaks.
    """
    points = sample(name, 800)
    size = np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean())
    flat = ("circle", "figure_eight", "linked_circles", "swiss_roll")
    topology = tp.PersistentTopology(2 if name in flat else 3, n_landmarks=150)
    before = topology.fit_transform(points)
    landmarks, layout = topology.landmarks_, topology.layout_
    after = topology.fit_transform(moved(points, 1e-8 * size, 10))
    np.testing.assert_array_equal(topology.landmarks_, landmarks)
    assert rms_change(after, before) < 100 * 1e-8
    if name != "clusters":
        after = topology.fit_transform(moved(points, 1e-4 * size, 10))
        left, _, right = np.linalg.svd(after.T @ before)
        assert topology.layout_ == layout
        assert rms_change(after @ (left @ right), before) < 0.06
