"""How degenerate the latent space of several runs is."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topopert._checks import check_latents, check_points
from topopert.comparison.statistics.estimate import jackknife_log_estimate, mean_estimate
from topopert.comparison.statistics.pair_estimate import pair_estimate, pair_log_estimate
from topopert.errors import InvalidInputError, TopopertWarning
from topopert.records import Estimate

from . import disparity as pairwise
from .distance_variation import distance_variation
from .metric_lines import metric_lines
from .subset import PAIR_ROWS, drawn_rows
from .udr import unsupervised_disentanglement

__all__ = ["DegeneracyMetrics", "active_units", "degeneracy", "effective_rank"]

_ACTIVE_VARIANCE = 0.01
_INFORMATIVE_KL = 0.01  # nats, as in the paper on UDR


@dataclass(frozen=True, slots=True, kw_only=True)
class DegeneracyMetrics:
    """Differences between the latents of runs with 95 % intervals.

    Means over pairs of seeds, except where said otherwise. The three disparities and
    `distance_variation` are 0 where all runs agree; the four similarities after them are 1 there.
    """

    disparity: Estimate  # gauge-dependent; about 1 for random relative rotations
    invariant_disparity: Estimate  # after the best orthogonal map
    cca_disparity: Estimate  # after the best linear map: 1 − mean squared canonical correlation
    cka: Estimate  # linear centred kernel alignment
    distance_correlation: Estimate  # Pearson's correlation of pairwise distances
    neighbour_overlap: Estimate  # share of common 10 nearest neighbours
    mcc: Estimate  # mean correlation coefficient of matched axes
    active_units: Estimate  # axes whose posterior mean varies by more than .01, mean over seeds
    effective_rank: Estimate  # exp of the entropy of the principal variances, mean over seeds
    udr: Estimate  # UDR_S: 1 for the same few axes in any order; the more axes, the lower its top
    distance_variation: Estimate  # deviation over seeds of a distance / its mean, over point pairs

    def __str__(self) -> str:
        return metric_lines(self)


def degeneracy(
    latents: Any, *, rng: np.random.Generator | None = None, kl_per_axis: Any = None
) -> DegeneracyMetrics:
    """How much the latents of K runs differ, and in which sense.

    Args:
        latents: Posterior means of the same N points in K runs, shape (K, N, d), K ≥ 3.
        rng: Chooses the at most 1000 rows on which ranks, distances and neighbours are compared;
            None is a fresh generator of fixed seed.
        kl_per_axis: KL divergence of each axis in each run, nats per point, shape (K, d): UDR
            counts the axes above .01 nats as informative. None, as latents alone do not have it:
            UDR counts the active units.

    Raises:
        InvalidInputError: If the latents or the divergences are not a finite array of that shape.

    References:
        The interval is a jackknife-t over seeds (`pair_estimate`), on the logarithm for
        disparities: a bootstrap would pair seeds with their own copies.
    """
    latents = check_latents(latents, min_runs=3)
    n_seeds, n_points, _ = latents.shape
    # A power of two takes no digit, and squares of 1e200 do not overflow, of 1e−200 not vanish.
    exponent = int(np.frexp(np.abs(latents).max())[1])
    latents = pairwise.centred(np.ldexp(latents, -exponent))
    active = latents.var(axis=1) > np.ldexp(_ACTIVE_VARIANCE, min(-2 * exponent, 10))
    informative = active if kl_per_axis is None else _is_informative(kl_per_axis, latents.shape)
    collapsed = np.flatnonzero(np.ptp(latents, axis=1).max(axis=1) == 0)
    if len(collapsed):
        warnings.warn(
            f"Run(s) {collapsed.tolist()} map all points to one: they agree in saying nothing.",
            TopopertWarning,
            stacklevel=2,
        )
    subset = latents if n_points <= PAIR_ROWS else latents[:, np.sort(drawn_rows(n_points, rng))]
    distances = pairwise.run_distances(subset)

    def similarity(pairs: NDArray[np.float64], low: float = 0.0) -> Estimate:
        return pair_estimate(pairs, low=low, high=1.0)

    def within(estimate: Estimate, high: float) -> Estimate:
        return replace(estimate, high=min(estimate.high, high))

    def distance(pairs: NDArray[np.float64], high: float) -> Estimate:
        return within(pair_log_estimate(pairs), high)

    return DegeneracyMetrics(
        disparity=distance(pairwise.gauge_disparity(latents), high=2.0),
        invariant_disparity=distance(pairwise.invariant_disparity(latents), high=1.0),
        cca_disparity=distance(pairwise.canonical_disparity(latents), high=1.0),
        cka=similarity(pairwise.linear_cka(latents)),
        distance_correlation=similarity(pairwise.correlation(distances), low=-1.0),
        neighbour_overlap=similarity(pairwise.neighbour_overlap(subset)),
        mcc=similarity(pairwise.axis_match_correlation(latents)),
        active_units=mean_estimate(active.sum(axis=1).astype(np.float64)),
        effective_rank=mean_estimate(effective_rank(latents)),
        udr=similarity(unsupervised_disentanglement(subset, informative)),
        distance_variation=within(
            jackknife_log_estimate(lambda seeds: distance_variation(distances, seeds), n_seeds),
            math.sqrt(n_seeds),
        ),
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


def _is_informative(kl_per_axis: Any, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which axes of each run have a divergence that counts, shape (K, d)."""
    n_seeds, _, latent_dim = shape
    kl_per_axis = check_points(kl_per_axis, name="kl_per_axis")
    if kl_per_axis.shape != (n_seeds, latent_dim):
        msg = (
            f"`kl_per_axis` must have a row per run and a column per axis of `latents`, "
            f"({n_seeds}, {latent_dim}), got {kl_per_axis.shape}."
        )
        raise InvalidInputError(msg)
    return kl_per_axis > _INFORMATIVE_KL
