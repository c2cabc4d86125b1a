"""Other intervals for a mean over pairs of seeds, each on the log as ours is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student_t

from topopert.comparison.statistics.estimate import pair_mean

from .scenes import Draw

__all__ = ["RIVALS", "Ends"]

Ends = tuple[float, float]  # of the interval for the logarithm
N_BOOTSTRAP = 600


def _logarithm(draw: Draw, weights: NDArray[np.float64], *, copies: bool = False) -> NDArray:
    """Log of the weighted mean over pairs, or of the ratio; a row of weights per answer.

    With copies a seed drawn twice is paired with itself.
    """

    def mean(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
        pairs = np.where(np.eye(len(pairs), dtype=bool), 0.0, pairs)
        n = weights.sum(axis=1)
        n_pairs = n * (n - 1) if copies else n**2 - (weights**2).sum(axis=1)
        return ((weights @ pairs) * weights).sum(axis=1) / n_pairs

    own = np.log(mean(draw.pairs))
    return own if draw.baseline is None else own - np.log(mean(draw.baseline))


def _value(draw: Draw) -> float:
    return float(_logarithm(draw, np.ones((1, len(draw.pairs))))[0])


def _left_out(draw: Draw) -> NDArray[np.float64]:
    n = len(draw.pairs)
    return _logarithm(draw, 1 - np.eye(n))


def _resampled(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    weights = rng.multinomial(n, np.full(n, 1 / n), size=N_BOOTSTRAP).astype(float)
    return weights[(weights > 0).sum(axis=1) > 1]  # one seed alone has no pair


def _quantiles(values: NDArray[np.float64], levels: NDArray[np.float64] | list[float]) -> Ends:
    low, high = np.quantile(values, levels)
    return float(low), float(high)


def bootstrap_with_copies(draw: Draw, rng: np.random.Generator) -> Ends:
    weights = _resampled(len(draw.pairs), rng)
    return _quantiles(_logarithm(draw, weights, copies=True), [0.025, 0.975])


def bias_corrected_bootstrap(draw: Draw, rng: np.random.Generator) -> Ends:
    """BCa (Efron, 1987); a seed drawn twice counts twice but is not paired with itself."""
    value, left_out = _value(draw), _left_out(draw)
    resampled = _logarithm(draw, _resampled(len(draw.pairs), rng))
    bias = norm.ppf(np.clip((resampled < value).mean(), 0.001, 0.999))
    influence = left_out.mean() - left_out
    acceleration = (influence**3).sum() / (6 * (influence**2).sum() ** 1.5)
    z = bias + norm.ppf([0.025, 0.975])
    return _quantiles(resampled, norm.cdf(bias + z / (1 - acceleration * z)))


def half_samples(draw: Draw, rng: np.random.Generator) -> Ends:
    """Subsampling (Politis, Romano, 1994) of half the seeds without replacement."""
    n = len(draw.pairs)
    size = (n + 1) // 2
    chosen = np.argsort(rng.random((N_BOOTSTRAP, n)), axis=1) < size
    value = _value(draw)
    deviations = _logarithm(draw, chosen.astype(float)) - value
    low, high = _quantiles(deviations * np.sqrt(size / (n - size)), [0.025, 0.975])
    return value - high, value - low


def plain_jackknife(draw: Draw, rng: np.random.Generator) -> Ends:
    n, left_out = len(draw.pairs), _left_out(draw)
    variance = (n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()
    return _student(_value(draw), variance, n - 1)


def two_way_model(draw: Draw, rng: np.random.Generator) -> Ends:
    """Pairs are mean + a_k + a_l + noise, linearised on the log; the variance is the model's."""
    n = len(draw.pairs)
    pairs = draw.pairs / pair_mean(draw.pairs, np.arange(n))
    if draw.baseline is not None:
        pairs = pairs - draw.baseline / pair_mean(draw.baseline, np.arange(n))
    mean = pair_mean(pairs, np.arange(n))
    upper = np.triu_indices(n, 1)
    effects = (pairs.sum(axis=1) - np.diag(pairs) - (n - 1) * mean) / (n - 2)
    residuals = (pairs - mean - effects[:, None] - effects)[upper]
    noise = (residuals**2).sum() / (n * (n - 3) / 2)
    of_seeds = max((effects**2).sum() / (n - 1) - noise / (n - 2), 0.0)
    return _student(_value(draw), 4 * of_seeds / n + 2 * noise / (n * (n - 1)), n - 1)


def cubic_transformation(draw: Draw, rng: np.random.Generator) -> Ends:
    """Jackknife-t whose skewness a cubic takes out (Hall, 1992, section 3.9)."""
    n, left_out = len(draw.pairs), _left_out(draw)
    influence = (n - 1) * (left_out.mean() - left_out)
    skewness = (influence**3).mean() / (influence**2).mean() ** 1.5 / np.sqrt(n)
    error, t = influence.std(ddof=1) / np.sqrt(n), student_t.ppf(0.975, n - 1)
    ends = (3 / skewness * (np.cbrt(1 + skewness * (x - skewness / 6)) - 1) for x in (t, -t))
    low, high = (_value(draw) - x * error for x in ends)
    return float(low), float(high)


def _student(value: float, variance: float, freedom: int) -> Ends:
    half = float(student_t.ppf(0.975, freedom) * np.sqrt(variance))
    return value - half, value + half


RIVALS: dict[str, Callable[[Draw, np.random.Generator], Ends]] = {
    "bootstrap with copies": bootstrap_with_copies,
    "BCa without copies": bias_corrected_bootstrap,
    "half-samples": half_samples,
    "two-way model, t": two_way_model,
    "jackknife, t": plain_jackknife,
    "jackknife, Hall": cubic_transformation,
}
