"""How degenerate the latent space of several runs is."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topopert._checks import check_latents
from topopert.errors import TopopertWarning
from topopert.records import Estimate

from . import disparity as pairwise
from .estimate import jackknife_estimate, jackknife_log_estimate, mean_estimate, pair_mean

__all__ = ["DegeneracyMetrics", "active_units", "degeneracy", "effective_rank"]

# Rank, neighbour and distance metrics look at this many rows at most, the same ones for all runs.
_SUBSET = 1000
_ACTIVE_VARIANCE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class DegeneracyMetrics:
    """Differences between the latents of runs: means over pairs of seeds with 95 % intervals.

    The first three are 0 where all runs agree; the next four are 1 there. The last two are means
    over seeds.
    """

    disparity: Estimate  # gauge-dependent; about 1 for random relative rotations
    invariant_disparity: Estimate  # after the best orthogonal map
    cca_disparity: Estimate  # after the best linear map: 1 − mean squared canonical correlation
    cka: Estimate  # linear centred kernel alignment
    distance_correlation: Estimate  # Pearson's correlation of pairwise distances
    neighbour_overlap: Estimate  # share of common 10 nearest neighbours
    mcc: Estimate  # mean correlation coefficient of matched axes
    active_units: Estimate  # axes whose posterior mean varies by more than .01
    effective_rank: Estimate  # exponential of the entropy of the principal variances

    def __str__(self) -> str:
        names = [field.name for field in fields(self)]
        width = max(map(len, names))
        return "\n".join(f"{name:<{width}}  {getattr(self, name)}" for name in names)


def degeneracy(latents: Any, *, rng: np.random.Generator | None = None) -> DegeneracyMetrics:
    """How much the latents of K runs differ, and in which sense.

    Args:
        latents: Posterior means of the same N points in K runs, shape (K, N, d), K ≥ 3.
        rng: Chooses the at most 1000 rows on which pairwise distances and neighbours are compared;
            None is a fresh generator of fixed seed.

    Raises:
        InvalidInputError: If the latents are not a finite array of that shape.

    References:
        The interval is a jackknife-t over seeds, on the logarithm for disparities: a bootstrap
        would pair seeds with their own copies.
    """
    latents = pairwise.centred(check_latents(latents, min_runs=3))
    n_seeds, n_points, _ = latents.shape
    collapsed = np.flatnonzero(np.ptp(latents, axis=1).max(axis=1) == 0)
    if len(collapsed):
        warnings.warn(
            f"Run(s) {collapsed.tolist()} map all points to one: they agree in saying nothing.",
            TopopertWarning,
            stacklevel=2,
        )
    subset = latents
    if n_points > _SUBSET:
        rng = np.random.default_rng(0) if rng is None else rng
        subset = latents[:, np.sort(rng.choice(n_points, _SUBSET, replace=False))]

    def similarity(pairs: NDArray[np.float64], low: float = 0.0) -> Estimate:
        return jackknife_estimate(
            lambda seeds: pair_mean(pairs, seeds), n_seeds, low=low, high=1.0
        )

    def distance(measure: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Estimate:
        pairs = measure(latents)
        return jackknife_log_estimate(lambda seeds: pair_mean(pairs, seeds), n_seeds)

    return DegeneracyMetrics(
        disparity=distance(pairwise.gauge_disparity),
        invariant_disparity=distance(pairwise.invariant_disparity),
        cca_disparity=distance(pairwise.canonical_disparity),
        cka=similarity(pairwise.linear_cka(latents)),
        distance_correlation=similarity(pairwise.distance_correlation(subset), low=-1.0),
        neighbour_overlap=similarity(pairwise.neighbour_overlap(subset)),
        mcc=similarity(pairwise.axis_match_correlation(latents)),
        active_units=mean_estimate(active_units(latents)),
        effective_rank=mean_estimate(effective_rank(latents)),
    )


def active_units(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Number of axes per run whose posterior mean has variance above .01, shape (K,).

    References:
        Burda, Grosse, Salakhutdinov, Importance weighted autoencoders (2016).
    """
    return (latents.var(axis=1) > _ACTIVE_VARIANCE).sum(axis=1).astype(np.float64)


def effective_rank(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exponential of the entropy of the normalised principal variances of each run, shape (K,).

    References:
        Roy, Vetterli, The effective rank: a measure of effective dimensionality (2007).
    """
    variances = np.linalg.svd(pairwise.centred(latents), compute_uv=False) ** 2  # (K, d)
    total = variances.sum(axis=1, keepdims=True)
    share = variances / np.maximum(total, np.finfo(float).tiny)
    return np.exp(-(share * np.log(np.maximum(share, np.finfo(float).tiny))).sum(axis=1))
