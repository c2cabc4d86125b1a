from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import kstest, permutation_test

from topopert.comparison.metrics.disparity import centred, gauge_disparity
from topopert.comparison.statistics.permutation import (
    disparity_permutation_test,
    paired_permutation_test,
)


def brute_force(pairs: np.ndarray) -> float:
    """All swaps one by one: two groups of K runs, the means over their pairs compared."""
    n = len(pairs) // 2
    baseline, arm = np.arange(n), np.arange(n, 2 * n)

    def mean(runs: np.ndarray) -> float:
        return pairs[np.ix_(runs, runs)][np.triu_indices(n, 1)].mean()

    differences = []
    for swapped in itertools.product([False, True], repeat=n):
        ours = np.where(swapped, baseline, arm)
        differences.append(mean(ours) - mean(np.where(swapped, arm, baseline)))
    return float(np.mean(np.array(differences) <= differences[0] + 1e-12))


def symmetric(rng, n: int) -> np.ndarray:
    half = rng.random((n, n))
    return half + half.T


@pytest.mark.parametrize("n_seeds", [3, 4, 7])
def test_swapping_runs_is_flipping_signs(rng, n_seeds: int) -> None:
    for _ in range(5):
        pairs = symmetric(rng, 2 * n_seeds)
        assert disparity_permutation_test(pairs, rng=rng) == pytest.approx(brute_force(pairs))


def test_runs_of_one_seed_are_never_compared(rng) -> None:
    pairs = symmetric(rng, 10)
    other = pairs.copy()
    k = np.arange(5)
    other[k, k + 5] = other[k + 5, k] = other[k, k] = other[k + 5, k + 5] = 99.0
    one, two = (disparity_permutation_test(p, rng=rng) for p in (pairs, other))
    assert one == two


def test_three_seeds_by_hand(rng) -> None:
    """Differences −1, −2 and 1: of the 8 sums −4, −2, −2, 0, 0, 2, 2 and 4, three reach −2."""
    arm, baseline = np.array([4.0, 3.0, 6.0]), np.array([5.0, 5.0, 5.0])
    assert paired_permutation_test(arm, baseline, rng=rng) == 3 / 8
    assert paired_permutation_test(baseline, arm, rng=rng) == 7 / 8


def test_arm_that_agrees_among_scattered_runs_has_the_least_p_value(rng) -> None:
    pairs = np.ones((12, 12))
    pairs[6:, 6:] = 0.0
    assert disparity_permutation_test(pairs, rng=rng) == 2.0**-6
    assert disparity_permutation_test(pairs[::-1, ::-1], rng=rng) == 1.0


def test_thirteen_seeds_need_no_draws(rng) -> None:
    """Of the 2^13 ways only one is as low as all differences of one sign."""
    assert paired_permutation_test(-np.arange(1.0, 14), np.zeros(13), rng=rng) == 2.0**-13


def test_beyond_thirteen_seeds_swaps_are_drawn_from_the_generator() -> None:
    rng = np.random.default_rng(5)
    arm, baseline = rng.normal(-0.3, 1, size=14), rng.normal(size=14)
    drawn = [
        paired_permutation_test(arm, baseline, rng=np.random.default_rng(s)) for s in (0, 0, 1)
    ]
    exact = permutation_test(
        (arm - baseline,),
        lambda x, axis: x.mean(axis=axis),
        permutation_type="samples",
        alternative="less",
        n_resamples=2**14,
        vectorized=True,
    ).pvalue
    assert drawn[0] == drawn[1] != drawn[2]
    np.testing.assert_allclose(drawn, exact, atol=4 * np.sqrt(exact * (1 - exact) / 9999))


def test_drawn_p_value_is_never_zero(rng) -> None:
    assert paired_permutation_test(np.zeros(20), np.ones(20), rng=rng) == pytest.approx(1e-4)


def test_p_value_is_uniform_if_the_arm_is_but_a_label(rng) -> None:
    """Seeds of unequal spread, both runs of a seed alike: 2^−8 is the step of the p-value."""
    cloud = rng.normal(size=(20, 2))
    p_values = []
    for _ in range(300):
        spread = np.tile(rng.lognormal(size=8), 2)[:, None, None]
        latents = centred(cloud + spread * rng.normal(size=(16, 20, 2)))
        p_values.append(disparity_permutation_test(gauge_disparity(latents), rng=rng))
    assert kstest(p_values, "uniform").pvalue > 0.01
    assert 0.02 < np.mean(np.array(p_values) <= 0.05) < 0.08


def test_smaller_spread_is_found(rng) -> None:
    """Eight seeds, the arm's noise variance a third of the baseline's: found nearly always."""
    cloud = rng.normal(size=(20, 2))
    found = 0
    for _ in range(50):
        noise = np.repeat([1.0, np.sqrt(1 / 3)], 8)[:, None, None]
        latents = centred(cloud + noise * rng.normal(size=(16, 20, 2)))
        found += disparity_permutation_test(gauge_disparity(latents), rng=rng) <= 0.05
    assert found >= 45
