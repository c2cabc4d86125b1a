"""Speed of the energy landscape."""

from __future__ import annotations

import torch

from topopert.hamiltonian.landscape import EnergyLandscape
from topopert.hamiltonian.surfaces import MixtureSurface

from .timing import ratio

__all__ = ["bench_landscape", "clustered_posterior"]


def clustered_posterior(n: int, latent_dim: int, *, width: float) -> MixtureSurface:
    """Six clusters of means of spread .5, as a trained model's latents often look."""
    generator = torch.Generator().manual_seed(0)
    draw = {"generator": generator, "dtype": torch.float64}
    centers = 1.5 * torch.randn(6, latent_dim, **draw)
    means = centers[torch.arange(n) % 6] + 0.5 * torch.randn(n, latent_dim, **draw)
    return MixtureSurface(means, torch.full_like(means, width**2))


def bench_landscape() -> None:
    for latent_dim, width in ((2, 0.4), (8, 0.6)):
        surface = clustered_posterior(1000, latent_dim, width=width)
        n_minima = len(EnergyLandscape.from_surface(surface).network.minima)
        ratio(
            f"landscape of 1000 components, d = {latent_dim}, {n_minima} minima / derivatives",
            lambda s=surface: EnergyLandscape.from_surface(s),
            lambda s=surface: s.derivatives(s.means),
            rounds=5,
        )
