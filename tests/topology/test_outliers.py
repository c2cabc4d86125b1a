from __future__ import annotations

import numpy as np
import pytest

import topopert as tp

NOISE = {"ambient_dim": 8, "noise": 0.05}
CLOUDS = {
    "circle": lambda rng: tp.datasets.circle(600, rng=rng, **NOISE),
    "figure_eight": lambda rng: tp.datasets.figure_eight(600, rng=rng, **NOISE),
    "trefoil": lambda rng: tp.datasets.trefoil(600, rng=rng, **NOISE),
    "linked_circles": lambda rng: tp.datasets.linked_circles(600, rng=rng, **NOISE),
    "clusters": lambda rng: tp.datasets.clusters(n_points=600, rng=rng, **NOISE),
    "swiss_roll": lambda rng: tp.datasets.swiss_roll(600, rng=rng, **NOISE),
    "torus": lambda rng: tp.datasets.torus(600, rng=rng, **NOISE),
    "sphere": lambda rng: tp.datasets.sphere(600, rng=rng, **NOISE),
    "klein_bottle": lambda rng: tp.datasets.klein_bottle(600, rng=rng, **NOISE),
    "digits": lambda rng: tp.datasets.digits(),
}


def strewn(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One gross outlier per hundred points, anywhere in three times the bounding box."""
    low, high = points.min(axis=0), points.max(axis=0)
    share = rng.random((len(points) // 100, points.shape[1])) - 0.5
    return (low + high) / 2 + 3 * (high - low) * share


@pytest.mark.slow
@pytest.mark.parametrize("name", CLOUDS)
def test_gross_outliers_change_neither_features_nor_anchors(rng, name: str) -> None:
    points, *_ = CLOUDS[name](rng)
    outside = strewn(points, rng)
    topology = tp.PersistentTopology(latent_dim=3, n_landmarks=120, outliers="drop")
    anchors = topology.fit_transform(points)
    features = topology.features_
    assert topology.outlier_share_ < 0.002
    topology.fit(np.vstack([points, outside]))
    assert topology.outlier_share_ == pytest.approx(len(outside) / (len(points) + len(outside)))
    assert len(topology.features_) == len(features)
    # All strewn points are found, so nothing is left that could change the anchors.
    np.testing.assert_allclose(topology.transform(points), anchors, atol=1e-6)
    assert np.isfinite(topology.transform(outside)).all()


def test_landmarks_of_what_is_kept_are_indices_of_all_points(rng) -> None:
    points, _ = tp.datasets.circle(400, ambient_dim=4, noise=0.03, rng=rng)
    rows = np.vstack([strewn(points, rng), points])
    topology = tp.PersistentTopology(n_landmarks=50, outliers="drop").fit(rows)
    assert topology.landmarks_.min() >= len(rows) - len(points)
    np.testing.assert_array_equal(rows[topology.landmarks_], topology.anchors().landmarks)


def test_many_outliers_are_worth_a_warning(rng) -> None:
    core, halo = 0.01 * rng.normal(size=(300, 3)), 5 * rng.normal(size=(40, 3))
    with pytest.warns(tp.TopopertWarning, match="count as outliers"):
        tp.PersistentTopology(outliers="drop", n_landmarks=50).fit(np.vstack([core, halo]))


def test_copies_are_no_outliers(rng) -> None:
    points = np.repeat(rng.random(size=(50, 2)), 30, axis=0)
    topology = tp.PersistentTopology(outliers="drop").fit(points)
    assert topology.outlier_share_ == 0.0
    few = tp.PersistentTopology(outliers="drop").fit(points[::150])
    assert few.outlier_share_ == 0.0


def test_without_a_significant_class_the_estimator_says_so(rng, caplog) -> None:
    with caplog.at_level("INFO", logger="topopert"):
        topology = tp.PersistentTopology().fit(rng.normal(size=(400, 3)))
    assert topology.features_ == ()
    assert topology.geometric_only_
    assert topology.suggested_latent_dim_ == 1
    assert "no significant class: the anchors are geometric only" in caplog.text
