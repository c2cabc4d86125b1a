"""Variation of distances over seeds, where it can be had with pen and paper."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import ortho_group, variation

import topopert as tp
from topopert.comparison.metrics.distance_variation import distance_variation
from topopert.comparison.statistics.estimate import jackknife_log_estimate


def test_rotations_and_shifts_do_not_vary(rng) -> None:
    z = rng.normal(size=(100, 3))
    turned = np.stack([z @ ortho_group.rvs(3, random_state=rng) + 7 for _ in range(5)])
    estimate = tp.degeneracy(turned).distance_variation
    assert (estimate.value, estimate.low, estimate.high) == (0.0, 0.0, 0.0)


def test_distances_one_three_and_one_vary_by_their_own_spread(rng) -> None:
    z = rng.normal(size=(50, 2))
    expected = math.sqrt(4 / 3) / (5 / 3)  # standard deviation with n − 1, over the mean
    metrics = tp.degeneracy(np.stack([z, 3 * z, z]))
    assert metrics.distance_variation.value == pytest.approx(expected)


def test_independent_planes_vary_as_rayleigh_distances() -> None:
    # Differences of two Gaussian points in the plane are Rayleigh: variance / mean² = 4/π − 1.
    z = np.random.default_rng(0).normal(size=(60, 300, 2))
    value = tp.degeneracy(z).distance_variation.value
    assert value == pytest.approx(math.sqrt(4 / math.pi - 1), abs=0.01)


def test_points_that_one_run_alone_tells_apart_vary_by_the_root_of_their_number(rng) -> None:
    z = np.zeros((4, 30, 2))
    z[2] = rng.normal(size=(30, 2))
    with pytest.warns(tp.TopopertWarning):
        value = tp.degeneracy(z).distance_variation.value
    assert value == pytest.approx(2)


def test_duplicates_do_not_vary(rng) -> None:
    distances = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    assert distance_variation(distances, np.arange(3)) == pytest.approx(0.5 / 2)


def test_value_is_scipys_over_all_blocks_of_pairs(rng) -> None:
    distances = rng.uniform(1, 2, size=(5, 10_000))
    seeds = np.array([0, 2, 3])
    expected = variation(distances[seeds], axis=0, ddof=1).mean()
    assert distance_variation(distances, seeds) == pytest.approx(expected)


def test_interval_is_the_jackknife_of_the_whole_statistic(rng) -> None:
    z = rng.normal(size=(80, 2)) * rng.uniform(0.5, 2, size=(6, 1, 1))
    z += 0.3 * rng.normal(size=z.shape)
    ours = tp.degeneracy(z).distance_variation
    distances = np.array([pdist(latent) for latent in z])
    expected = jackknife_log_estimate(
        lambda seeds: float(variation(distances[seeds], axis=0, ddof=1).mean()), 6
    )
    assert (ours.value, ours.low, ours.high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )
