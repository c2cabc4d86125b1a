"""The densest high-contrast patches of photographs lie near a circle of linear gradients."""

from __future__ import annotations

import numpy as np
import pytest

import topopert as tp


def directional_patch(angle: float) -> np.ndarray:
    """Intensities that grow linearly towards an angle, rows downwards."""
    step = np.arange(3) - 1
    return np.cos(angle) * step[None, :] + np.sin(angle) * step[:, None]


@pytest.mark.slow
def test_patches_are_points_of_a_sphere(rng) -> None:
    points, angle = tp.datasets.image_patches(100, rng=rng)
    assert points.shape == (100, 8)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, atol=1e-12)
    assert angle.shape == (100, 1)
    again = tp.datasets.image_patches(100, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(again.points, points)
    assert len(np.unique(points, axis=0)) > 95


@pytest.mark.parametrize("angle", [0.0, 0.4, 2.0, -3.0])
def test_the_basis_is_orthonormal_for_contrast_and_its_plane_is_linear(angle: float) -> None:
    from topopert.datasets.image_patches import _cosine_basis

    basis = _cosine_basis()
    patch = directional_patch(angle)
    coordinates = basis @ patch.ravel()
    np.testing.assert_allclose(coordinates[2:], 0, atol=1e-12)
    assert np.arctan2(coordinates[1], coordinates[0]) == pytest.approx(angle)
    other = np.random.default_rng(0).normal(size=(3, 3))
    contrast = sum((np.diff(other, axis=axis) ** 2).sum() for axis in (0, 1))
    assert np.linalg.norm(basis @ other.ravel()) ** 2 == pytest.approx(contrast)
    np.testing.assert_allclose(basis @ np.ones(9), 0, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_densest_patches_are_the_primary_circle(seed: int) -> None:
    points, angle = tp.datasets.image_patches(rng=np.random.default_rng(seed))
    # Linear gradients: what the first two coordinates leave of the unit norm is small.
    assert np.median(np.linalg.norm(points[:, :2], axis=1)) > 0.9
    topology = tp.PersistentTopology(2, n_landmarks=250).fit(points)
    assert [f.homology_dim for f in topology.features_] == [1]
    (found,) = topology.circular_coordinates(points).T
    agreement = max(abs(np.exp(1j * (found + sign * angle[:, 0])).mean()) for sign in (-1, 1))
    # The patches crowd at vertical and horizontal edges, where the coordinate runs slow.
    assert agreement > 0.85


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"n_points": 2001}, "n_points"),
        ({"n_points": 0}, "n_points"),
        ({"density_share": 0.0}, "density_share"),
        ({"density_share": 1.5}, "density_share"),
        ({"n_neighbours": 10_000}, "n_neighbours"),
    ],
)
def test_what_two_photographs_cannot_give_is_refused(rng, settings: dict, named: str) -> None:
    with pytest.raises(tp.InvalidInputError, match=named):
        tp.datasets.image_patches(**settings, rng=rng)
