"""How far the latents of two runs lie apart, for all pairs of runs at once.

Every function takes centred latents of shape (K, N, d) and returns a symmetric (K, K) matrix.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import pdist
from sklearn.neighbors import NearestNeighbors

__all__ = [
    "axis_match_correlation",
    "canonical_disparity",
    "centred",
    "correlation",
    "distance_correlation",
    "gauge_disparity",
    "invariant_disparity",
    "linear_cka",
    "neighbour_overlap",
    "over_pairs",
    "run_distances",
]

# Axes with less than this share of the leading singular value carry nothing.
_RANK_TOLERANCE = 1e-6
_ENTRIES = 1 << 23  # of products of runs, or of neighbourhoods, at once
_COLUMNS = 1 << 16


def centred(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """The latents with the mean of each run taken out."""
    return latents - latents.mean(axis=1, keepdims=True)


def gauge_disparity(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """‖Z_k − Z_l‖² / (‖Z_k‖² + ‖Z_l‖²): 0 for equal latents, about 1 for random rotations."""
    flat = latents.reshape(len(latents), -1)
    return _relative_distance(flat @ flat.T, latents)  # tr Z_kᵀ Z_l


def invariant_disparity(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same after the best orthogonal map: what no rotation or reflection removes.

    References:
        Schönemann, A generalized solution of the orthogonal Procrustes problem (1966).
    """
    nuclear = over_pairs(latents, lambda m: np.linalg.svd(m, compute_uv=False).sum(axis=2))
    return _relative_distance(nuclear, latents)


def canonical_disparity(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 − mean squared canonical correlation: what no invertible linear map removes.

    The mean is over the larger of the two ranks, so an axis that one run lacks counts as 0.
    """
    left, singular, _ = np.linalg.svd(latents, full_matrices=False)
    kept = singular > _RANK_TOLERANCE * np.maximum(singular[:, :1], np.finfo(float).tiny)
    squared = over_pairs(left * kept[:, None, :], _squared_norm)
    rank = kept.sum(axis=1)
    return 1 - squared / np.maximum(np.maximum(rank[:, None], rank), 1)


def linear_cka(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear centred kernel alignment, 1 for latents equal up to rotation and scale.

    References:
        Kornblith, Norouzi, Lee, Hinton, Similarity of neural network representations revisited
        (2019).
    """
    squared = over_pairs(latents, _squared_norm)
    own = np.sqrt(np.diagonal(squared))
    return squared / np.maximum(np.outer(own, own), np.finfo(float).tiny)


def distance_correlation(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's correlation of the pairwise distances, 1 for equal shapes.

    A run that has collapsed to a point has no shape: its correlation with any other is 0.
    """
    return correlation(run_distances(latents))


def correlation(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's correlation of the rows (K, n) with each other; 0 with a row that is constant."""
    mean = rows.mean(axis=1, keepdims=True)
    products = np.zeros((len(rows), len(rows)))
    for start in range(0, rows.shape[1], _COLUMNS):
        centred_rows = rows[:, start : start + _COLUMNS] - mean
        products += centred_rows @ centred_rows.T
    norms = np.sqrt(np.diagonal(products))
    return products / np.maximum(np.outer(norms, norms), np.finfo(float).tiny)


def run_distances(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Euclidean distances of each run's pairs of points, shape (K, N(N − 1)/2)."""
    return np.array([pdist(z) for z in latents], dtype=np.float64)


def neighbour_overlap(
    latents: NDArray[np.float64], *, n_neighbours: int = 10
) -> NDArray[np.float64]:
    """Mean share of a point's nearest neighbours that two runs have in common."""
    k, n, _ = latents.shape
    n_neighbours = min(n_neighbours, n - 1)
    indices = np.stack(  # (K, N, n_neighbours); a point is not its own neighbour
        [
            NearestNeighbors(n_neighbors=n_neighbours).fit(z).kneighbors(return_distance=False)
            for z in latents
        ]
    )
    common = np.zeros((k, k))
    size = max(1, _ENTRIES // (k * n))
    for start in range(0, n, size):
        block = indices[:, start : start + size]
        near = np.zeros((k, block.shape[1], n), dtype=np.float32)
        np.put_along_axis(near, block, 1.0, axis=2)
        flat = near.reshape(k, -1)
        common += flat @ flat.T
    return common / (n * n_neighbours)


def axis_match_correlation(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean absolute correlation of the axes after the best one-to-one matching (MCC).

    References:
        Khemakhem, Kingma, Monti, Hyvärinen, Variational autoencoders and nonlinear ICA (2020).
    """
    n_runs, _, latent_dim = latents.shape
    norms = np.linalg.norm(latents, axis=1)[:, None, :]
    unit = latents / np.maximum(norms, np.finfo(float).tiny)
    answer = np.ones((n_runs, n_runs))
    for a in range(n_runs):
        similarity = np.abs(unit[a].T @ unit[:a])  # (a, d, d)
        for b in range(a):
            rows, cols = linear_sum_assignment(similarity[b], maximize=True)
            answer[a, b] = answer[b, a] = similarity[b][rows, cols].sum() / latent_dim
    return answer


def over_pairs(
    latents: NDArray[np.float64], of: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """A number for each pair of runs, shape (K, K), from its product Z_kᵀ Z_l.

    Args:
        latents: Shape (K, N, d).
        of: From the products of some runs with others, shape (k, l, d, d), to their numbers, shape
            (k, l), the same for a product and its transpose. All at once would be K²d² numbers.
    """
    k, n, d = latents.shape
    flat = latents.transpose(1, 0, 2).reshape(n, k * d)
    size = max(1, _ENTRIES // (k * d * d))
    answer = np.empty((k, k))
    for first in range(0, k, size):
        last = min(first + size, k)
        products = flat[:, first * d : last * d].T @ flat[:, first * d :]
        products = products.reshape(-1, d, k - first, d).transpose(0, 2, 1, 3)
        answer[first:last, first:] = of(products)
        answer[last:, first:last] = answer[first:last, last:].T
    return answer


def _squared_norm(products: NDArray[np.float64]) -> NDArray[np.float64]:
    return (products**2).sum(axis=(2, 3))


def _relative_distance(
    overlap: NDArray[np.float64], latents: NDArray[np.float64]
) -> NDArray[np.float64]:
    sq_norms = (latents**2).sum(axis=(1, 2))
    total = np.maximum(sq_norms[:, None] + sq_norms, np.finfo(float).tiny)
    # Two collapsed runs (all norms 0) are equal, and rounding must not make a distance negative.
    return np.where(total > np.finfo(float).tiny, (1 - 2 * overlap / total).clip(min=0), 0.0)
