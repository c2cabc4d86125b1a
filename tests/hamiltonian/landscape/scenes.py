"""Surfaces whose landscapes are known."""

from __future__ import annotations

import numpy as np
import torch

from topopert.hamiltonian.surfaces import MixtureSurface


def camelback(z: torch.Tensor) -> torch.Tensor:
    """The six-hump camelback, topsearch's example."""
    x, y = z[:, 0], z[:, 1]
    return (4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + (-4 + 4 * y**2) * y**2


def camelback_critical_points() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All real critical points (n, 2), their energies and indices, from the roots of a polynomial.

    ∂f/∂y = 0 gives x = 8y − 16y³, which makes ∂f/∂x a polynomial of degree 15 in y.
    """
    y = np.polynomial.Polynomial([0, 1])
    x = 8 * y - 16 * y**3
    roots = (8 * x - 8.4 * x**3 + 2 * x**5 + y).roots()
    y = roots[np.abs(roots.imag) < 1e-7].real
    x = 8 * y - 16 * y**3
    energy = (4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + (-4 + 4 * y**2) * y**2
    hessian = np.zeros((len(y), 2, 2))
    hessian[:, 0, 0] = 8 - 25.2 * x**2 + 10 * x**4
    hessian[:, 0, 1] = hessian[:, 1, 0] = 1
    hessian[:, 1, 1] = -8 + 48 * y**2
    index = (np.linalg.eigvalsh(hessian) < 0).sum(axis=1)
    return np.column_stack([x, y]), energy, index


def cluster_mixture(
    seed: int, n: int, latent_dim: int, *, width: float, spread: float, n_clusters: int = 6
) -> MixtureSurface:
    """Means in clusters of spread .5, all posteriors of one width."""
    generator = torch.Generator().manual_seed(seed)
    draw = {"generator": generator, "dtype": torch.float64}
    centers = spread * torch.randn(n_clusters, latent_dim, **draw)
    means = centers[torch.arange(n) % n_clusters]
    means = means + 0.5 * torch.randn(n, latent_dim, **draw)
    return MixtureSurface(means, torch.full_like(means, width**2))


def double_well(barrier: float, tilt: float = 0.0):
    """U(x) = barrier · (x² − 1)² + tilt · x, one-dimensional."""
    return lambda z: barrier * (z[:, 0] ** 2 - 1) ** 2 + tilt * z[:, 0]
