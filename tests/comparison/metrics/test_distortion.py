"""Distances and densities against the formulas on full matrices."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from scipy.stats import entropy, pearsonr

from topopert.comparison.metrics.distortion import density_divergence, distance_rmse, pearson


@pytest.fixture
def clouds(rng) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=(40, 5)), rng.normal(size=(40, 2)) * [3, 1]


def test_rmse_runs_over_all_pairs_the_diagonal_included(clouds) -> None:
    one, two = (cdist(points, points) for points in clouds)
    expected = np.sqrt(np.mean((one - two) ** 2))
    assert distance_rmse(*map(pdist, clouds)) == pytest.approx(expected)


def test_correlation_is_scipys(clouds) -> None:
    one, two = map(pdist, clouds)
    assert pearson(one, two) == pytest.approx(pearsonr(one, two)[0])


@pytest.mark.parametrize("sigma", [0.01, 0.1, 1.0])
def test_density_divergence_is_that_of_the_kernel_sums(clouds, sigma) -> None:
    densities = []
    for points in clouds:
        dist = cdist(points, points) / cdist(points, points).max()
        densities.append(np.exp(-(dist**2) / sigma).sum(axis=1))
    expected = entropy(*densities)  # scipy makes both sum to 1
    assert density_divergence(*map(pdist, clouds), sigma) == pytest.approx(expected)


def test_density_of_two_clusters_is_analytic() -> None:
    # Far apart at distance 1 after scaling: density ∝ m + (n − m) e^{−1/σ} in a cluster of m.
    data = np.repeat([[0.0], [7.0]], [6, 2], axis=0)
    latents = np.repeat([[0.0], [7.0]], [4, 4], axis=0)
    far = np.exp(-1 / 0.5)
    p = np.repeat([6 + 2 * far, 2 + 6 * far], [6, 2])
    expected = (p / p.sum() * np.log(8 * p / p.sum())).sum()
    assert density_divergence(pdist(data), pdist(latents), 0.5) == pytest.approx(expected)


def test_a_collapsed_cloud_has_a_uniform_density_and_no_correlation(clouds) -> None:
    data = pdist(clouds[0])
    point, uniform = np.zeros_like(data), pdist(np.eye(40))
    assert density_divergence(data, point, 0.1) == pytest.approx(
        density_divergence(data, uniform, 0.1)
    )
    assert pearson(data, point) == 0
