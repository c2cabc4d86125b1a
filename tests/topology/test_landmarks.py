from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.metrics import pairwise_distances

import topopert as tp
from topopert.topology.landmarks import nearest_landmarks
from topopert.topology.rows import Rows


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


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_points_are_searched_as_exactly_as_few(rng, dtype) -> None:
    # More points than fit a block or the pool, so that every path is taken.
    points = rng.normal(size=(30_000, 6)).astype(dtype)
    indices, radius = tp.maxmin_landmarks(points, 120)
    expected, expected_radius = greedy_reference(points.astype(float), 120)
    assert indices.tolist() == expected
    assert radius == pytest.approx(expected_radius, rel=1e-6)


def test_equally_far_points_are_all_good(rng) -> None:
    corners = np.array(np.meshgrid(*[[0.0, 1.0]] * 6)).reshape(6, -1).T
    indices, radius = tp.maxmin_landmarks(corners, 20)
    assert len(set(indices.tolist())) == 20
    assert radius >= 1.0
    copies = np.repeat(corners[:4], 30, axis=0)
    indices, radius = tp.maxmin_landmarks(copies, 4)
    assert sorted(indices // 30) == [0, 1, 2, 3]
    assert radius == 0.0


def test_each_point_has_its_nearest_landmark(rng) -> None:
    points, landmarks = rng.normal(size=(500, 4)) + 100, rng.normal(size=(30, 4)) + 100
    found = nearest_landmarks(points, landmarks)
    np.testing.assert_array_equal(found, cdist(points, landmarks).argmin(axis=1))


def test_tight_clusters_far_apart_are_resolved_in_single_precision(rng) -> None:
    centres = np.array([[0.0] * 5, [1000.0] * 5])
    points = (centres[np.arange(600) % 2] + 0.1 * rng.normal(size=(600, 5))).astype(np.float32)
    indices, radius = tp.maxmin_landmarks(points, 100)
    expected, expected_radius = greedy_reference(points.astype(float), 100)
    assert len(set(indices.tolist())) == 100
    assert indices.tolist() == expected
    assert radius == pytest.approx(expected_radius, rel=1e-6)


@pytest.mark.parametrize("metric", ["manhattan", "chebyshev", "cosine"])
def test_any_metric_is_searched_as_its_matrix_of_distances_would_be(rng, metric: str) -> None:
    points = rng.normal(size=(150, 4)) + 2
    indices, radius = tp.maxmin_landmarks(points, 20, metric=metric)
    dist = pairwise_distances(points, metric=metric)
    chosen = [int(indices[0])]
    while len(chosen) < 20:
        chosen.append(int(dist[:, chosen].min(axis=1).argmax()))
    assert indices.tolist() == chosen
    assert radius == pytest.approx(dist[:, chosen].min(axis=1).max())


def test_a_matrix_of_distances_is_searched_from_its_most_remote_point(rng) -> None:
    points = rng.normal(size=(120, 3))
    dist = cdist(points, points)
    indices, radius = tp.maxmin_landmarks(dist, 15, metric="precomputed")
    assert indices[0] == dist.mean(axis=1).argmax()
    assert radius == pytest.approx(dist[:, indices].min(axis=1).max())
    order = rng.permutation(120)
    shuffled, _ = tp.maxmin_landmarks(dist[np.ix_(order, order)], 15, metric="precomputed")
    np.testing.assert_array_equal(order[shuffled], indices)
    everything, zero = tp.maxmin_landmarks(dist, 500, metric="precomputed")
    assert (len(everything), zero) == (120, 0.0)


@pytest.mark.parametrize("metric", ["umap", "mahalanobis", 3])
def test_metrics_that_cannot_be_had_are_refused(rng, metric) -> None:
    with pytest.raises(tp.InvalidInputError, match="metric"):
        tp.maxmin_landmarks(rng.normal(size=(20, 3)), 5, metric=metric)


def test_fewer_distinct_points_than_landmarks_are_all_found(rng) -> None:
    points = rng.integers(0, 2, size=(300, 2)).astype(float)
    indices, radius = tp.maxmin_landmarks(points, 120)
    assert len(np.unique(points[indices], axis=0)) == 4
    assert len(set(indices.tolist())) == 120
    assert radius == 0


def test_copies_by_the_thousand_need_no_pass_each(rng, monkeypatch) -> None:
    points = np.repeat(rng.normal(size=(5, 3)), 2000, axis=0)
    passes = []
    blocks = Rows.blocks
    monkeypatch.setattr(Rows, "blocks", lambda self: (passes.append(1), blocks(self))[1])
    indices, radius = tp.maxmin_landmarks(points, 300)
    assert len(set(indices.tolist())) == 300
    assert len(np.unique(points[indices], axis=0)) == 5
    assert radius == pytest.approx(0, abs=1e-12)
    assert len(passes) < 20
