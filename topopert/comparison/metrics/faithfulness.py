"""How faithful the latent space of each run is to the data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topopert._checks import check_latents, check_not_constant, check_points
from topopert.comparison.statistics.estimate import jackknife_estimate
from topopert.errors import InvalidInputError
from topopert.records import Estimate

from .barcodes import barcode_distance
from .cloud import Cloud, cloud
from .distortion import density_divergence, distance_rmse, pearson
from .metric_lines import metric_lines
from .neighbourhoods import mean_relative_rank_error, trustworthiness
from .subset import drawn_rows
from .triplets import draw_triplets, triplet_accuracy

__all__ = ["FaithfulnessMetrics", "faithfulness"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaithfulnessMetrics:
    """Latents against data: means over seeds with 95 % intervals, NaN below 3 seeds.

    Faithful is 0 for divergences, `mrre`, `distance_rmse` and barcode distances, and 1 for the
    others; a latent space collapsed to a point has 1/2 (chance) in `trustworthiness`, `continuity`
    and `triplet_accuracy`, and 0 in `distance_correlation`.
    """

    density_divergence_001: Estimate  # KL_σ(data‖latents) of densities, σ = .01, nats
    density_divergence_01: Estimate  # σ = .1
    density_divergence_1: Estimate  # σ = 1
    trustworthiness: Estimate  # the nearest in the latent space are so in the data
    continuity: Estimate  # the nearest in the data are so in the latent space
    mrre: Estimate  # mean relative rank error, mean of both directions
    distance_rmse: Estimate  # of distances as they are: depends on the unit of the data
    distance_correlation: Estimate  # Pearson's correlation of pairwise distances
    triplet_accuracy: Estimate  # which of two points is nearer to a third
    barcode_distance_h0: Estimate  # Wasserstein distance of diagrams, units of the RMS radius
    barcode_distance_h1: Estimate

    def __str__(self) -> str:
        return metric_lines(self)


def faithfulness(
    points: Any, latents: Any, *, rng: np.random.Generator | None = None
) -> FaithfulnessMetrics:
    """How faithful the latent spaces of K runs are to the data.

    Neighbourhoods, distances and densities are of at most 1000 rows, the same for all runs,
    barcodes of at most 200 of them, triplets 100 000 random ones. Neighbourhood measures are means
    over k = 10, 20, …, 200 (below half the number of rows). With another number of threads the
    figures differ by rounding, some 1e-15.

    Args:
        points: Data, shape (N, D).
        latents: Posterior means of the same points, in K runs, shape (K, N, d), or in one, (N, d).
        rng: Draws rows and triplets; None is a fresh generator of fixed seed.

    Returns:
        Means over the runs. With one or two runs their spread says nothing: `low` and `high` are
        NaN.

    Raises:
        InvalidInputError: If the points or latents are not finite arrays of those shapes, or all
            points are equal.

    References:
        Moor, Horn, Rieck, Borgwardt, Topological autoencoders (2020), section 5.
        Trofimov et al., Learning topology-preserving data representations (2023), section 5.
    """
    points = check_points(points)
    check_not_constant(points)
    is_one_run = getattr(latents, "ndim", None) == 2
    latents = check_latents(latents[None] if is_one_run else latents, min_runs=1)
    if latents.shape[1] != len(points):
        msg = (
            f"`points` has {len(points)} rows and `latents` {latents.shape[1]} per run: pass the "
            "points that the latents were encoded from, in the same order."
        )
        raise InvalidInputError(msg)
    rng = np.random.default_rng(0) if rng is None else rng
    rows = drawn_rows(len(points), rng)
    triplets = draw_triplets(len(rows), rng)
    data = cloud(np.asarray(points[rows], dtype=np.float64), triplets)
    scores = np.array(  # (K, number of measures)
        [
            [measure.of(data, own) for measure in _MEASURES.values()]
            for own in (cloud(z[rows], triplets) for z in latents)
        ]
    )
    return FaithfulnessMetrics(
        **{
            name: _over_seeds(per_seed, measure)
            for (name, measure), per_seed in zip(_MEASURES.items(), scores.T, strict=True)
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    of: Callable[[Cloud, Cloud], float]  # of data and latents
    low: float = 0.0  # the least value there is
    high: float = math.inf  # the largest


def _density_divergence(sigma: float) -> _Measure:
    return _Measure(of=lambda x, z: density_divergence(x.distances, z.distances, sigma))


def _barcode_distance(homology_dim: int) -> _Measure:
    return _Measure(of=lambda x, z: barcode_distance(x.diagrams, z.diagrams, homology_dim))


_MEASURES: Mapping[str, _Measure] = MappingProxyType(
    {
        "density_divergence_001": _density_divergence(0.01),
        "density_divergence_01": _density_divergence(0.1),
        "density_divergence_1": _density_divergence(1.0),
        "trustworthiness": _Measure(
            of=lambda x, z: trustworthiness(x.neighbours, z.neighbours), high=1.0
        ),
        "continuity": _Measure(
            of=lambda x, z: trustworthiness(z.neighbours, x.neighbours), high=1.0
        ),
        "mrre": _Measure(of=lambda x, z: mean_relative_rank_error(x.neighbours, z.neighbours)),
        "distance_rmse": _Measure(of=lambda x, z: distance_rmse(x.distances, z.distances)),
        "distance_correlation": _Measure(
            of=lambda x, z: pearson(x.distances, z.distances), low=-1.0, high=1.0
        ),
        "triplet_accuracy": _Measure(
            of=lambda x, z: triplet_accuracy(x.triplet_order, z.triplet_order), high=1.0
        ),
        "barcode_distance_h0": _barcode_distance(0),
        "barcode_distance_h1": _barcode_distance(1),
    }
)


def _over_seeds(per_seed: NDArray[np.float64], measure: _Measure) -> Estimate:
    if len(per_seed) < 3:
        return Estimate(float(per_seed.mean()), math.nan, math.nan)
    return jackknife_estimate(
        lambda seeds: float(per_seed[seeds].mean()),
        len(per_seed),
        low=measure.low,
        high=measure.high,
    )
