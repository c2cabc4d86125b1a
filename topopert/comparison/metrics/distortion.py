"""How far the distances in a latent space are those of the data.

Distances are as by `scipy.spatial.distance.pdist`, shape (N(N − 1)/2,).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import squareform

__all__ = ["density_divergence", "distance_rmse", "pearson"]


def density_divergence(
    data: NDArray[np.float64], latents: NDArray[np.float64], sigma: float
) -> float:
    """KL_σ, the divergence KL(data‖latents) of the points' densities, in nats.

    Distances are divided by their largest; the density of a point is ∝ Σ_j exp(−d_ij²/σ), the
    point itself included, and sums to 1 over the points. A cloud collapsed to a point has a
    uniform density.

    References:
        Chazal, Cohen-Steiner, Mérigot, Geometric inference for probability measures (2011).
        Moor, Horn, Rieck, Borgwardt, Topological autoencoders (2020), section 5.
    """
    p, q = (_density(distances, sigma) for distances in (data, latents))
    return max(float((p * np.log(p / q)).sum()), 0.0)  # rounding leaves −1e-17 for equal clouds


def distance_rmse(data: NDArray[np.float64], latents: NDArray[np.float64]) -> float:
    """Root mean square of the differences of distances, as they are, over all N² pairs.

    References:
        Moor, Horn, Rieck, Borgwardt, Topological autoencoders (2020), section 5.
    """
    n = _n_points(data)
    return float(np.sqrt(2 * ((data - latents) ** 2).sum()) / n)


def pearson(data: NDArray[np.float64], latents: NDArray[np.float64]) -> float:
    """Pearson's correlation; 0 if one side is constant, as in a cloud collapsed to a point."""
    a, b = data - data.mean(), latents - latents.mean()
    norms = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / max(norms, np.finfo(float).tiny))


def _density(distances: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    largest = distances.max()
    scaled = distances / largest if largest > 0 else distances
    density = 1 + squareform(np.exp(-(scaled**2) / sigma)).sum(axis=1)  # 1: the point itself
    return density / density.sum()


def _n_points(distances: NDArray[np.float64]) -> int:
    return (1 + round(np.sqrt(1 + 8 * len(distances)))) // 2
