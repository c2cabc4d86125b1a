"""Estimates over seeds with intervals: the jackknife, seeds as the unit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from topopert.records import Estimate

__all__ = ["jackknife_estimate", "jackknife_log_estimate", "mean_estimate", "pair_mean"]

_LEVEL = 0.95


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
    everyone = np.arange(n_seeds)
    value = statistic(everyone)
    left_out = np.array([statistic(np.delete(everyone, k)) for k in everyone])
    variance = (n_seeds - 1) / n_seeds * ((left_out - left_out.mean()) ** 2).sum()
    half = float(student_t.ppf(0.5 + _LEVEL / 2, n_seeds - 1) * np.sqrt(variance))
    return Estimate(value, max(value - half, low), min(value + half, high))


def jackknife_log_estimate(
    statistic: Callable[[NDArray[np.intp]], float], n_seeds: int
) -> Estimate:
    """The same for a statistic ≥ 0 whose spread is relative: the interval is made on the log.

    Exactly 0 has no logarithm and no spread: it comes back as [0, 0].
    """
    # Rounding leaves −1e-17 or 1e-17 where equal latents have disparity 0.
    tiny = 1e-14

    def logarithm(seeds: NDArray[np.intp]) -> float:
        return float(np.log(max(statistic(seeds), tiny)))

    estimate = jackknife_estimate(logarithm, n_seeds)
    if estimate.value <= np.log(tiny):
        return Estimate(0.0, 0.0, 0.0)
    return Estimate(*(float(np.exp(x)) for x in (estimate.value, estimate.low, estimate.high)))


def mean_estimate(per_seed: NDArray[np.float64]) -> Estimate:
    """The mean of one number per seed, shape (K,), and its t interval."""
    return jackknife_estimate(lambda seeds: float(per_seed[seeds].mean()), len(per_seed))
