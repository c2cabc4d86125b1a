"""Speed of the comparison's metrics, for twenty seeds on 10 000 points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import procrustes
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

import topopert as tp
from topopert.comparison.metrics import disparity
from topopert.comparison.metrics.cloud import cloud
from topopert.comparison.metrics.neighbourhoods import neighbourhood_sizes, trustworthiness
from topopert.comparison.metrics.triplets import draw_triplets

from .timing import ratio, seconds

__all__ = ["bench_metrics"]

_N_SEEDS, _N_POINTS, _LATENT_DIM, _DATA_DIM = 20, 10_000, 32, 50
_GOAL = 20  # seconds, all metrics of an arm, on two cores


def bench_metrics() -> None:
    """The whole of it in seconds, and parts against the libraries pair by pair, k by k."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(_N_POINTS, _LATENT_DIM))
    points = shared @ rng.normal(size=(_LATENT_DIM, _DATA_DIM))
    latents = shared + rng.normal(size=(_N_SEEDS, _N_POINTS, _LATENT_DIM))
    of_runs = seconds(lambda: tp.degeneracy(latents))
    of_data = seconds(lambda: tp.faithfulness(points, latents))
    print(
        f"metrics of {latents.shape} latents, {_DATA_DIM} features (at most {_GOAL} s together): "
        f"degeneracy {of_runs:.2f} s + faithfulness {of_data:.2f} s",
        flush=True,
    )
    _bench_disparity(latents)
    _bench_trustworthiness(points[:1000], latents[0, :1000])


def _bench_disparity(latents: NDArray[np.float64]) -> None:
    centred = disparity.centred(latents)
    ratio(
        "invariant disparities of all pairs of seeds / scipy's procrustes",
        lambda: disparity.invariant_disparity(centred),
        lambda: [procrustes(a, b) for k, a in enumerate(latents) for b in latents[:k]],
        rounds=3,
    )


def _bench_trustworthiness(points: NDArray[np.float64], latents: NDArray[np.float64]) -> None:
    triplets = draw_triplets(len(points), np.random.default_rng(0))
    sizes = neighbourhood_sizes(len(points))
    data, own = cloud(points, triplets), cloud(latents, triplets)
    ours = trustworthiness(data.neighbours, own.neighbours)
    theirs = [sklearn_trustworthiness(points, latents, n_neighbors=k) for k in sizes]
    ratio(
        f"all views of a seed and its trustworthiness at {len(sizes)} k / scikit-learn's",
        lambda: trustworthiness(data.neighbours, cloud(latents, triplets).neighbours),
        lambda: [sklearn_trustworthiness(points, latents, n_neighbors=k) for k in sizes],
        rounds=5,
    )
    print(f"    trustworthiness {ours:.6f}, theirs {np.mean(theirs):.6f}")
