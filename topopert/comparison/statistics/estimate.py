"""Estimates over seeds with intervals: the jackknife, seeds as the unit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from topopert.records import Estimate

__all__ = [
    "TINY",
    "exponential",
    "jackknife_estimate",
    "jackknife_log_estimate",
    "mean_estimate",
    "pair_mean",
    "skewed_estimate",
]

_LEVEL = 0.95
# Rounding leaves −1e-17 or 1e-17 where equal latents have disparity 0: taken as 0 below this.
TINY = 1e-14


def pair_mean(pairs: NDArray[np.float64], seeds: NDArray[np.intp]) -> float:
    """Mean of a symmetric matrix over the pairs of different seeds among those given.

    Args:
        pairs: One number per pair of seeds, shape (K, K).
        seeds: Which seeds to take, at least two.
    """
    chosen = pairs[np.ix_(seeds, seeds)]
    n = len(seeds)
    return float((chosen.sum() - np.trace(chosen)) / (n * (n - 1)))


def jackknife_estimate(
    statistic: Callable[[NDArray[np.intp]], float],
    n_seeds: int,
    *,
    low: float = -np.inf,
    high: float = np.inf,
) -> Estimate:
    """A statistic of the seeds and its jackknife-t interval, cut to [low, high].

    Each seed is left out in turn, so no seed is ever paired with a copy of itself, as a bootstrap
    over seeds would do.

    Args:
        statistic: From indices of seeds to a number.
        n_seeds: Number K of seeds, at least 3.
        low: Least value the statistic can take.
        high: Largest value it can take.

    References:
        Efron, Stein, The jackknife estimate of variance (1981).
    """
    value, left_out = _leaving_out(statistic, n_seeds)
    half = _quantile(n_seeds) * float((n_seeds - 1) * left_out.std(ddof=1) / np.sqrt(n_seeds))
    return Estimate(value, max(value - half, low), min(value + half, high))


def jackknife_log_estimate(
    statistic: Callable[[NDArray[np.intp]], float], n_seeds: int
) -> Estimate:
    """The same for a statistic ≥ 0 whose spread is relative and skewed.

    The interval is made on the log by `skewed_estimate`. Exactly 0 has no logarithm and no spread:
    it comes back as [0, 0].
    """
    value, left_out = _leaving_out(lambda seeds: np.log(max(statistic(seeds), TINY)), n_seeds)
    return exponential(skewed_estimate(value, left_out))


def mean_estimate(per_seed: NDArray[np.float64]) -> Estimate:
    """The mean of one number per seed, shape (K,), and its t interval."""
    return jackknife_estimate(lambda seeds: float(per_seed[seeds].mean()), len(per_seed))


def skewed_estimate(
    value: float,
    left_out: NDArray[np.float64],
    *,
    double_counted: float = 0.0,
    least_variance: float = 0.0,
) -> Estimate:
    """The jackknife-t interval with its end on the side of the longer tail pushed outwards.

    A few seeds far off make the true value lie beyond that end more often than the level says. The
    end moves by Johnson's correction ``|g| (1 + 2t²) / 6√K`` standard errors, g the skewness of
    the seeds' influences and t Student's quantile. The other end, which the correction would move
    inwards, stays.

    Args:
        value: The statistic of all seeds.
        left_out: The statistic with each seed left out, shape (K,).
        double_counted: What the jackknife's variance has too much, taken off it.
        least_variance: The variance is never below this.

    References:
        Johnson, Modified t tests and confidence intervals for asymmetrical populations (1978).
    """
    n = len(left_out)
    # A seed that is high lowers what is left when it goes.
    influences = (n - 1) * (left_out.mean() - left_out)
    jackknife = influences.var(ddof=1) / n
    variance = max(jackknife - double_counted, least_variance)
    third_cumulant = n / ((n - 1) * (n - 2)) * (influences**3).sum()
    # Where the seeds bring in less than that least variance, their skewness is little of it.
    cubed = (n * max(jackknife, variance)) ** 1.5
    skewness = third_cumulant / cubed if cubed > 0 else 0.0
    quantile = _quantile(n)
    shift = skewness * (1 + 2 * quantile**2) / (6 * np.sqrt(n))
    error = float(np.sqrt(variance))
    low = value - (quantile + max(-shift, 0.0)) * error
    return Estimate(value, float(low), float(value + (quantile + max(shift, 0.0)) * error))


def exponential(estimate: Estimate) -> Estimate:
    """An estimate made on the log, back on its scale; [0, 0] where it is 0 up to rounding."""
    if estimate.value <= np.log(TINY):
        return Estimate(0.0, 0.0, 0.0)
    return Estimate(*(float(np.exp(x)) for x in (estimate.value, estimate.low, estimate.high)))


def _leaving_out(
    statistic: Callable[[NDArray[np.intp]], float], n_seeds: int
) -> tuple[float, NDArray[np.float64]]:
    everyone = np.arange(n_seeds)
    left_out = np.array([statistic(np.delete(everyone, k)) for k in everyone])
    return float(statistic(everyone)), left_out


def _quantile(n_seeds: int) -> float:
    return float(student_t.ppf(0.5 + _LEVEL / 2, n_seeds - 1))
