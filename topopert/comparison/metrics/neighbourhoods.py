"""Whether points that are near each other in the data are so in a latent space, and the reverse.

All three measures are means over neighbourhoods of k = 10, 20, …, 200 points, k below N/2 (if
N ≤ 20, of the one k = ⌊(N − 1)/2⌋).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import squareform

__all__ = [
    "NeighbourRanks",
    "mean_relative_rank_error",
    "neighbour_ranks",
    "neighbourhood_sizes",
    "trustworthiness",
]

_SIZES = range(10, 201, 10)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeighbourRanks:
    """Who is near whom: a point is its own neighbour of rank 0."""

    order: NDArray[np.intp]  # row i: the points by distance to i, (N, N)
    rank: NDArray[np.intp]  # [i, j]: the place of j in the order of i, (N, N)


def neighbour_ranks(distances: NDArray[np.float64]) -> NeighbourRanks:
    """The ranks of a cloud; points at equal distance are taken in their own order.

    Args:
        distances: As by `scipy.spatial.distance.pdist`, shape (N(N − 1)/2,).
    """
    square = squareform(distances)
    np.fill_diagonal(square, -1.0)  # a point comes before its duplicates
    order = np.argsort(square, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(len(order))[None], axis=1)
    return NeighbourRanks(order=order, rank=rank)


def neighbourhood_sizes(n_points: int) -> tuple[int, ...]:
    """The k that the measures take the mean over."""
    return tuple(k for k in _SIZES if 2 * k < n_points) or ((n_points - 1) // 2,)


def trustworthiness(data: NeighbourRanks, latents: NeighbourRanks) -> float:
    """1 if the nearest in the latent space are the nearest in the data, about 1/2 by chance.

    Continuity is the same with the arguments exchanged.

    References:
        Venna, Kaski, Neighborhood preservation in nonlinear projection methods (2001).
    """
    n = len(data.order)
    sizes = neighbourhood_sizes(n)
    rank = _ranks_of_nearest(data, latents, sizes[-1])
    scores = []
    for k in sizes:
        excess = np.maximum(rank[:, :k] - k, 0).sum()
        scores.append(1 - 2 * excess / (n * k * (2 * n - 3 * k - 1)))
    return float(np.mean(scores))


def mean_relative_rank_error(data: NeighbourRanks, latents: NeighbourRanks) -> float:
    """MRRE, the mean of both directions: 0 if all ranks agree, 1 for the reverse order.

    References:
        Lee, Verleysen, Nonlinear dimensionality reduction (2007).
        Moor, Horn, Rieck, Borgwardt, Topological autoencoders (2020), section 5.
    """
    n = len(data.order)
    sizes = np.array(neighbourhood_sizes(n))
    place = np.arange(1, sizes[-1] + 1)
    worst = n * np.cumsum(np.abs(2 * place - n - 1) / place)  # by k − 1
    errors = [
        np.cumsum((np.abs(_ranks_of_nearest(a, b, place[-1]) - place) / place).sum(axis=0))
        for a, b in ((data, latents), (latents, data))
    ]
    return float(np.mean([(error / worst)[sizes - 1] for error in errors]))


def _ranks_of_nearest(a: NeighbourRanks, b: NeighbourRanks, k: int) -> NDArray[np.intp]:
    """Ranks in a of the k nearest in b, nearest first, shape (N, k)."""
    return np.take_along_axis(a.rank, b.order[:, 1 : k + 1], axis=1)
