"""Whether a latent space agrees with the data on which of two points is nearer to a third."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_triplets", "triplet_accuracy", "triplet_order"]

# The standard error of the accuracy is then at most .0016.
_TRIPLETS = 100_000


def draw_triplets(n_points: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Random triplets of three different points, as the two distances to compare, shape (2, T).

    Args:
        n_points: Number N of points, at least 3.
        rng: Draws them.

    Returns:
        Where the distances of the first point to the second and to the third stand in the order of
        `scipy.spatial.distance.pdist`.
    """
    first = rng.integers(n_points, size=_TRIPLETS)
    steps = np.stack(
        [rng.integers(1, n_points, size=_TRIPLETS), rng.integers(1, n_points - 1, size=_TRIPLETS)]
    )
    steps[1] += steps[1] >= steps[0]
    others = (first + steps) % n_points
    low, high = np.minimum(first, others), np.maximum(first, others)
    return n_points * low - low * (low + 1) // 2 + high - low - 1


def triplet_order(distances: NDArray[np.float64], triplets: NDArray[np.intp]) -> NDArray[np.int8]:
    """−1 where the second point is nearer to the first than the third is, 1 where farther, else 0.

    Args:
        distances: Shape (N(N − 1)/2,).
        triplets: As by `draw_triplets`.
    """
    return np.sign(distances[triplets[0]] - distances[triplets[1]]).astype(np.int8)


def triplet_accuracy(data: NDArray[np.int8], latents: NDArray[np.int8]) -> float:
    """Share of triplets in the same order in both, shape (T,) each; 1/2 by chance.

    A tie on one side only counts 1/2, so that a latent collapsed to a point is at chance.

    References:
        Wang, Huang, Rudin, Shaposhnik, Understanding how dimension reduction tools work (2021).
        Trofimov et al., Learning topology-preserving data representations (2023), section 5.
    """
    return float(1 - np.abs(data - latents).mean() / 2)
