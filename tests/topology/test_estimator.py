from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

import topopert as tp


# One latent axis: some checks fit on data with a single feature.
@parametrize_with_checks([tp.PersistentTopology(latent_dim=1, n_landmarks=20)])
def test_scikit_learn_accepts_the_estimator(estimator, check) -> None:
    check(estimator)


def test_anchors_are_at_the_priors_scale(rng) -> None:
    points, _ = tp.datasets.torus(800, ambient_dim=10, noise=0.05, rng=rng)
    topology = tp.PersistentTopology(latent_dim=3, n_landmarks=200)
    anchors = topology.fit_transform(points)
    np.testing.assert_allclose(anchors.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(np.cov(anchors.T, bias=True), np.eye(3), atol=1e-9)
    np.testing.assert_array_equal(topology.transform(points), anchors)


def test_torus_is_laid_out_by_cohomology(rng) -> None:
    points, _ = tp.datasets.torus(2000, ambient_dim=20, noise=0.05, rng=rng)
    topology = tp.PersistentTopology(latent_dim=3).fit(points)
    assert topology.layout_ == "cohomology"
    assert [f.homology_dim for f in topology.features_] == [1, 1]
    assert topology.anchor_distance_ == min(topology.layout_distances_.values())
    assert set(topology.layout_distances_) == {"cohomology", "geodesic", "pca"}


@pytest.mark.parametrize("layout", ["geodesic", "pca", "cohomology"])
def test_permuting_rows_permutes_anchors(rng, layout: str) -> None:
    points, _ = tp.datasets.circle(250, ambient_dim=4, noise=0.05, rng=rng)
    order = rng.permutation(len(points))
    topology = tp.PersistentTopology(n_landmarks=80, layout=layout)
    anchors = topology.fit_transform(points)
    np.testing.assert_allclose(topology.fit_transform(points[order]), anchors[order], atol=1e-6)


@pytest.mark.parametrize("layout", ["geodesic", "pca", "cohomology"])
def test_moving_the_data_leaves_the_anchors(rng, layout: str) -> None:
    points, _ = tp.datasets.circle(250, ambient_dim=4, noise=0.05, rng=rng)
    rotation, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    topology = tp.PersistentTopology(n_landmarks=80, layout=layout)
    anchors = topology.fit_transform(points)
    np.testing.assert_allclose(
        topology.fit_transform(3 * points @ rotation.T - 2), anchors, atol=1e-4
    )


def test_anchors_extend_to_new_points(rng) -> None:
    points, _ = tp.datasets.circle(1000, ambient_dim=6, noise=0.03, rng=rng)
    topology = tp.PersistentTopology(n_landmarks=150).fit(points[:800])
    fresh = topology.transform(points[800:])
    assert fresh.shape == (200, 2)
    # Anchors of a circle lie near a circle of radius √2, whose axes have unit variance.
    assert np.linalg.norm(fresh, axis=1) == pytest.approx(np.sqrt(2), abs=0.25)
    far = topology.transform(100 * points[800:])
    assert np.isfinite(far).all()


def test_tensors_and_arrays_give_the_same(rng) -> None:
    points = rng.normal(size=(100, 4)).astype(np.float32)
    one = tp.PersistentTopology().fit_transform(points)
    two = tp.PersistentTopology().fit_transform(torch.from_numpy(points))
    np.testing.assert_array_equal(one, two)


def test_equal_points_are_one_landmark(rng) -> None:
    points = np.repeat(rng.normal(size=(50, 3)), 20, axis=0)
    topology = tp.PersistentTopology().fit(points)
    assert len(topology.landmarks_) == 50
    assert np.isfinite(topology.transform(points)).all()


def test_nothing_random(rng) -> None:
    points = rng.normal(size=(200, 5))
    one, two = (clone(tp.PersistentTopology()).fit_transform(points) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_cohomology_without_a_loop_is_refused(rng) -> None:
    with pytest.raises(tp.InvalidInputError, match="0 significant loops"):
        tp.PersistentTopology(layout="cohomology").fit(rng.normal(size=(200, 3)))


def test_data_stay_untouched(rng) -> None:
    points = rng.normal(size=(100, 4))
    before = points.copy()
    topology = tp.PersistentTopology().fit(points)
    topology.transform(points)
    np.testing.assert_array_equal(points, before)
    topology.anchors().values[:] = 0
    assert topology.transform(points).any()
