from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

import topopert as tp


def greedy_reference(points: np.ndarray, n: int) -> tuple[list[int], float]:
    """Farthest-point sampling, one distance at a time."""
    chosen = [int(np.argmax(np.linalg.norm(points - points.mean(axis=0), axis=1)))]
    while len(chosen) < n:
        chosen.append(int(np.argmax(cdist(points, points[chosen]).min(axis=1))))
    return chosen, float(cdist(points, points[chosen]).min(axis=1).max())


def test_landmarks_are_the_greedy_farthest_points(rng) -> None:
    points = rng.normal(size=(300, 5))
    indices, radius = tp.maxmin_landmarks(points, 40)
    expected, expected_radius = greedy_reference(points, 40)
    assert indices.tolist() == expected
    assert radius == pytest.approx(expected_radius, rel=1e-12)


def test_as_many_landmarks_as_points_cover_everything(rng) -> None:
    points = rng.normal(size=(12, 3))
    indices, radius = tp.maxmin_landmarks(points, 50)
    assert sorted(indices.tolist()) == list(range(12))
    assert radius == 0.0


def test_landmarks_do_not_depend_on_row_order(rng) -> None:
    points = rng.normal(size=(200, 4))
    order = rng.permutation(200)
    indices, radius = tp.maxmin_landmarks(points, 30)
    shuffled, shuffled_radius = tp.maxmin_landmarks(points[order], 30)
    np.testing.assert_array_equal(order[shuffled], indices)
    assert shuffled_radius == pytest.approx(radius, rel=1e-12)


def test_far_from_the_origin_landmarks_stay_the_same(rng) -> None:
    points = rng.normal(size=(200, 4))
    near, _ = tp.maxmin_landmarks(points, 30)
    far, _ = tp.maxmin_landmarks(points + 1e6, 30)
    np.testing.assert_array_equal(near, far)
