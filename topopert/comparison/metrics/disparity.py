"""How far the latents of two runs lie apart, for all pairs of runs at once.

Every function takes centred latents of shape (K, N, d) and returns a symmetric (K, K) matrix.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import pdist
from sklearn.neighbors import NearestNeighbors

__all__ = [
    "axis_match_correlation",
    "canonical_disparity",
    "centred",
    "cross_products",
    "distance_correlation",
    "gauge_disparity",
    "invariant_disparity",
    "linear_cka",
    "neighbour_overlap",
    "run_distances",
]

# Axes with less than this share of the leading singular value carry nothing.
_RANK_TOLERANCE = 1e-6


def centred(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """The latents with the mean of each run taken out."""
    return latents - latents.mean(axis=1, keepdims=True)


def gauge_disparity(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """‖Z_k − Z_l‖² / (‖Z_k‖² + ‖Z_l‖²): 0 for equal latents, about 1 for random rotations."""
    traces = np.trace(cross_products(latents), axis1=2, axis2=3)
    return _relative_distance(traces, latents)


def invariant_disparity(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same after the best orthogonal map: what no rotation or reflection removes.

    References:
        Schönemann, A generalized solution of the orthogonal Procrustes problem (1966).
    """
    nuclear = np.linalg.svd(cross_products(latents), compute_uv=False).sum(axis=2)
    return _relative_distance(nuclear, latents)


def canonical_disparity(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 − mean squared canonical correlation: what no invertible linear map removes.

    The mean is over the larger of the two ranks, so an axis that one run lacks counts as 0.
    """
    left, singular, _ = np.linalg.svd(latents, full_matrices=False)
    kept = singular > _RANK_TOLERANCE * np.maximum(singular[:, :1], np.finfo(float).tiny)
    squared = (cross_products(left * kept[:, None, :]) ** 2).sum(axis=(2, 3))
    rank = kept.sum(axis=1)
    return 1 - squared / np.maximum(np.maximum(rank[:, None], rank), 1)


def linear_cka(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear centred kernel alignment, 1 for latents equal up to rotation and scale.

    References:
        Kornblith, Norouzi, Lee, Hinton, Similarity of neural network representations revisited
        (2019).
    """
    squared = (cross_products(latents) ** 2).sum(axis=(2, 3))
    own = np.sqrt(np.diagonal(squared))
    return squared / np.maximum(np.outer(own, own), np.finfo(float).tiny)


def distance_correlation(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's correlation of the pairwise distances, 1 for equal shapes.

    A run that has collapsed to a point has no shape: its correlation with any other is 0.
    """
    distances = run_distances(latents)
    distances -= distances.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(distances, axis=1, keepdims=True)
    distances /= np.maximum(norms, np.finfo(float).tiny)
    return distances @ distances.T


def run_distances(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Euclidean distances of each run's pairs of points, shape (K, N(N − 1)/2)."""
    return np.array([pdist(z) for z in latents], dtype=np.float64)


def neighbour_overlap(
    latents: NDArray[np.float64], *, n_neighbours: int = 10
) -> NDArray[np.float64]:
    """Mean share of a point's nearest neighbours that two runs have in common."""
    k, n, _ = latents.shape
    n_neighbours = min(n_neighbours, n - 1)
    near = np.zeros((k, n, n), dtype=np.float32)
    for run, z in enumerate(latents):
        search = NearestNeighbors(n_neighbors=n_neighbours).fit(z)
        indices = search.kneighbors(return_distance=False)  # a point is not its own neighbour
        np.put_along_axis(near[run], indices, 1.0, axis=1)
    flat = near.reshape(k, -1)
    return (flat @ flat.T).astype(np.float64) / (n * n_neighbours)


def axis_match_correlation(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean absolute correlation of the axes after the best one-to-one matching (MCC).

    References:
        Khemakhem, Kingma, Monti, Hyvärinen, Variational autoencoders and nonlinear ICA (2020).
    """
    k, _, d = latents.shape
    norms = np.linalg.norm(latents, axis=1)[:, None, :]
    correlation = np.abs(cross_products(latents / np.maximum(norms, np.finfo(float).tiny)))
    answer = np.ones((k, k))
    for a in range(k):
        for b in range(a):
            rows, cols = linear_sum_assignment(correlation[a, b], maximize=True)
            answer[a, b] = answer[b, a] = correlation[a, b][rows, cols].sum() / d
    return answer


def cross_products(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Z_kᵀ Z_l of all pairs, shape (K, K, d, d), by one matrix product."""
    k, n, d = latents.shape
    flat = latents.transpose(1, 0, 2).reshape(n, k * d)
    return (flat.T @ flat).reshape(k, d, k, d).transpose(0, 2, 1, 3)


def _relative_distance(
    overlap: NDArray[np.float64], latents: NDArray[np.float64]
) -> NDArray[np.float64]:
    sq_norms = (latents**2).sum(axis=(1, 2))
    total = np.maximum(sq_norms[:, None] + sq_norms, np.finfo(float).tiny)
    # Two collapsed runs (all norms 0) are equal, and rounding must not make a distance negative.
    return np.where(total > np.finfo(float).tiny, (1 - 2 * overlap / total).clip(min=0), 0.0)
