"""The gauge theorem against the energy itself, turned and mirrored."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.linalg import expm

import topopert as tp
from topopert.hamiltonian.potentials.anchor_potential import spring_energy


def cloud(rng: np.random.Generator, d: int, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and anchors whose C = E[μTᵀ] has the given rank; both off centre."""
    mixing = rng.normal(size=(d, d))
    left, values, right = np.linalg.svd(mixing)
    values = np.linspace(1.4, 0.6, d)
    values[rank:] = 0.0
    mean = rng.normal(size=(300, d)) + 0.3
    # T is what makes C exactly left · diag(values) · right.
    anchors = mean @ np.linalg.solve(mean.T @ mean / 300, (left * values) @ right)
    return mean, anchors


def energy(mean: np.ndarray, anchors: np.ndarray) -> float:
    return float(spring_energy(torch.from_numpy(mean), None, torch.from_numpy(anchors)).mean())


def aligned(mean: np.ndarray, anchors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The means turned to the best alignment, and the axes in which C is then diagonal."""
    left, _, right = np.linalg.svd(mean.T @ anchors / len(mean))
    return mean @ left @ right, right


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_curvatures_are_second_derivatives_of_the_energy(rng, d: int) -> None:
    """Per rad²: d²E/dθ² of a rotation by θ in the plane (i, j) is sᵢ + sⱼ, without a factor ½."""
    mean, anchors = cloud(rng, d, d)
    turned, axes = aligned(mean, anchors)
    found, step = [], 1e-3
    for i, j in itertools.combinations(range(d), 2):
        generator = np.outer(axes[i], axes[j]) - np.outer(axes[j], axes[i])
        ahead, behind = (turned @ expm(sign * step * generator) for sign in (1, -1))
        middle = energy(turned, anchors)
        found.append((energy(ahead, anchors) - 2 * middle + energy(behind, anchors)) / step**2)
    curvature = tp.gauge_curvature(mean, anchors)
    assert curvature.curvatures.shape == (d * (d - 1) // 2,)
    np.testing.assert_allclose(curvature.curvatures, np.sort(found), rtol=1e-5)
    assert curvature.gap == (curvature.curvatures[0] if d > 1 else None)


def test_a_right_angle_costs_the_curvature() -> None:
    """(s₁ + s₂)(1 − cos θ) at θ = π/2, by hand: unit vectors, s₁ = s₂ = ½."""
    mean = np.array([[1.0, 0.0], [0.0, 1.0]])
    curvature = tp.gauge_curvature(mean, mean)
    np.testing.assert_allclose(curvature.curvatures, [1.0])
    assert curvature.gap == pytest.approx(1.0)
    assert curvature.reflection_energy == pytest.approx(1.0)
    assert energy(mean @ [[0.0, 1.0], [-1.0, 0.0]], mean) == pytest.approx(1.0)


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_reflection_energy_is_that_of_the_best_map_of_other_handedness(rng, d: int) -> None:
    mean, anchors = cloud(rng, d, d)
    turned, axes = aligned(mean, anchors)
    mirrored = turned - 2 * np.outer(turned @ axes[-1], axes[-1])
    excess = energy(mirrored, anchors) - energy(turned, anchors)
    assert tp.gauge_curvature(mean, anchors).reflection_energy == pytest.approx(excess)
    # No other map of that handedness does better.
    for _ in range(200):
        rotation = np.linalg.qr(rng.normal(size=(d, d)))[0]
        rotation[0] *= np.sign(np.linalg.det(rotation))
        assert energy(mirrored @ rotation, anchors) >= energy(mirrored, anchors) - 1e-12


@pytest.mark.parametrize("d", [2, 3, 5])
def test_rank_d_minus_1_leaves_the_reflection_free(rng, d: int) -> None:
    mean, anchors = cloud(rng, d, d - 1)
    smallest = np.linalg.svd(mean.T @ anchors / len(mean), compute_uv=False)[-2]
    curvature = tp.gauge_curvature(mean, anchors)
    assert curvature.reflection_energy == pytest.approx(0.0, abs=1e-12)
    assert curvature.gap == pytest.approx(smallest)
    assert smallest > 0.1


@pytest.mark.parametrize("d", [2, 3, 5])
def test_rank_d_minus_2_leaves_a_rotation_free(rng, d: int) -> None:
    curvature = tp.gauge_curvature(*cloud(rng, d, d - 2))
    assert curvature.gap == pytest.approx(0.0, abs=1e-12)
    assert curvature.reflection_energy == pytest.approx(0.0, abs=1e-12)


def test_the_gauge_of_the_means_does_not_matter(rng) -> None:
    mean, anchors = cloud(rng, 3, 3)
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    first = tp.gauge_curvature(mean, anchors)
    second = tp.gauge_curvature(torch.from_numpy(mean @ rotation), torch.from_numpy(anchors))
    np.testing.assert_allclose(first.curvatures, second.curvatures)


def test_bad_clouds_are_refused() -> None:
    with pytest.raises(tp.InvalidInputError, match="one anchor per latent mean"):
        tp.gauge_curvature(np.ones((4, 2)), np.ones((4, 3)))
    with pytest.raises(tp.InvalidInputError, match="anchors"):
        tp.gauge_curvature(np.ones((4, 2)), np.full((4, 2), math.nan))
    with pytest.raises(tp.InvalidInputError, match="mean"):
        tp.gauge_curvature(np.ones(4), np.ones((4, 2)))
