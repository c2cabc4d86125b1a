"""Is my latent space degenerate? Ten seeds of a model that never heard of topology are asked."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

import topopert as tp
from topopert.rng import RunStreams, seeded_init, spawn_runs

N_SEEDS, N_STEPS = 10, 300


def train(x: Tensor, run: RunStreams) -> tuple[Tensor, Tensor]:
    """Anybody's VAE: all that is kept of it are its posterior's means and log-variances."""
    with seeded_init(run.init):
        model = tp.models.MLPVAE(x.shape[1], latent_dim=2)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    order, noise = run.order(), run.noise()
    for _ in range(N_STEPS):
        batch = x[order.choice(len(x), 128, replace=False)]
        mean, logvar = model.encode(batch)
        z = mean + (0.5 * logvar).exp() * torch.randn(mean.shape, generator=noise)
        loss = (batch - model.decode(z)).square().sum(dim=1) / (2 * 0.05)
        loss = (loss + tp.models.kl_divergence(mean, logvar)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return model.encode(x)


def main() -> None:
    points, _ = tp.datasets.clusters(5, 1000, rng=np.random.default_rng(0))
    x = torch.tensor(points).float()
    posteriors = [train(x, run) for run in spawn_runs(0, N_SEEDS)]
    found = tp.degeneracy(np.stack([mean for mean, _ in posteriors]))
    said = [tp.posterior_spectrum(*pair, n_levels=8).describe() for pair in posteriors[:4]]
    print(f"seed 0 is made of {said[0]}")
    counts = ", ".join(str(description.n_clusters) for description in said)
    print(f"what is seen is the same: clusters in four seeds {counts}")
    print(f"where it lies is not: disparity between ten seeds {found.disparity}")
    print(f"of which the best rotation leaves {found.invariant_disparity}")


if __name__ == "__main__":
    main()
