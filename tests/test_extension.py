from __future__ import annotations

import numpy as np
import pytest
import torch

from topopert.extension import LandmarkExtension, extend
from topopert.records import AnchorSpec


def spec(rng: np.random.Generator, *, offset: float = 0.0) -> AnchorSpec:
    return AnchorSpec(
        landmarks=rng.normal(size=(30, 4)) + offset, values=rng.normal(size=(30, 2)), radius=1.5
    )


def by_hand(anchors: AnchorSpec, points: np.ndarray) -> np.ndarray:
    values = []
    for x in points:
        sq_dist = ((anchors.landmarks - x) ** 2).sum(axis=1)
        bump = np.maximum(0, max(anchors.radius**2, 1.44 * sq_dist.min()) - sq_dist)
        values.append(bump @ anchors.values / bump.sum())
    return np.array(values)


def test_extension_is_the_weighted_mean_of_the_landmarks_in_reach(rng) -> None:
    anchors = spec(rng)
    points = rng.normal(size=(50, 4)) * 2
    found = extend(LandmarkExtension.from_spec(anchors, dtype=torch.float64), points)
    np.testing.assert_allclose(found, by_hand(anchors, points), rtol=1e-9)


def test_weights_are_a_partition_of_unity(rng) -> None:
    anchors = spec(rng)
    extension = LandmarkExtension.from_spec(anchors, dtype=torch.float64)
    points = torch.from_numpy(rng.normal(size=(40, 4)) * 3)
    weights = extension.weights(points)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(40, dtype=torch.float64))
    torch.testing.assert_close(weights @ torch.from_numpy(anchors.values), extension(points))


def test_a_point_out_of_every_ball_still_has_an_answer(rng) -> None:
    anchors = spec(rng)
    far = np.full((1, 4), 1e3)
    found = extend(LandmarkExtension.from_spec(anchors, dtype=torch.float64), far)
    assert np.isfinite(found).all()


def test_single_precision_far_from_the_origin_loses_little(rng) -> None:
    anchors = spec(rng, offset=1e3)
    points = rng.normal(size=(50, 4)) + 1e3
    found = extend(LandmarkExtension.from_spec(anchors, dtype=torch.float32), points)
    # 1e-7 · 1e3 is what float32 leaves of the coordinates themselves
    np.testing.assert_allclose(found, by_hand(anchors, points), atol=2e-3)


def test_wrong_number_of_features_is_refused(rng) -> None:
    extension = LandmarkExtension.from_spec(spec(rng))
    with pytest.raises(ValueError, match="fitted on 4 features"):
        extension(torch.zeros(3, 5))


def test_tight_landmarks_far_apart_leave_no_point_without_an_answer(rng) -> None:
    centres = 50 * rng.normal(size=(2, 4))
    landmarks = centres[np.arange(60) % 2] + 0.003 * rng.normal(size=(60, 4))
    anchors = AnchorSpec(landmarks=landmarks, values=rng.normal(size=(60, 2)), radius=0.004)
    points = centres[np.arange(300) % 2] + 0.003 * rng.normal(size=(300, 4))
    found = extend(LandmarkExtension.from_spec(anchors, dtype=torch.float32), points)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("factor", [1e-22, 1e20])
def test_single_precision_serves_any_unit(rng, factor: float) -> None:
    one = spec(rng)
    other = AnchorSpec(
        landmarks=factor * one.landmarks, values=one.values, radius=factor * one.radius
    )
    points = rng.normal(size=(50, 4))
    found = LandmarkExtension.from_spec(other)(torch.from_numpy(factor * points))
    np.testing.assert_allclose(found, by_hand(one, points), atol=1e-4)
