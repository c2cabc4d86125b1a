"""A training function that one cannot change is perturbed from outside, and its seeds agree."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

import topopert as tp
from topopert.rng import RunStreams, seeded_init, spawn_runs

N_STEPS = 600


def train(model: nn.Module, x: torch.Tensor, run: RunStreams) -> None:
    """Somebody else's loop: it knows nothing of topology."""
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    order, noise = run.order(), run.noise()
    for _ in range(N_STEPS):
        batch = x[order.choice(len(x), 128, replace=False)]
        mean, logvar = model.encoder(batch).chunk(2, dim=-1)
        z = mean + (0.5 * logvar).exp() * torch.randn(mean.shape, generator=noise)
        loss = (batch - model.decoder(z)).square().sum(dim=1) / (2 * 0.05)
        loss = loss - 0.5 * (1 + logvar - mean.square() - logvar.exp()).sum(dim=1)
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()


def codes(x: torch.Tensor, run: RunStreams, hamiltonian: tp.Hamiltonian | None) -> np.ndarray:
    with seeded_init(run.init):
        model = tp.models.MLPVAE(x.shape[1], latent_dim=2)
    if hamiltonian is None:
        train(model, x, run)
    else:
        read = {"encoder": "encoder", "posterior": lambda output: output.chunk(2, dim=-1)}
        with tp.attach(model, hamiltonian, n_steps=N_STEPS, **read):
            train(model, x, run)
    with torch.no_grad():
        return model.encode(x)[0].numpy()


def main() -> None:
    rng = np.random.default_rng(0)
    points, _ = tp.datasets.figure_eight(1000, ambient_dim=20, noise=0.02, rng=rng)
    topology = tp.PersistentTopology(latent_dim=2).fit(points)
    field = tp.AnchorPotential(topology.anchors())
    hamiltonian = tp.Hamiltonian(field, tp.Adiabatic(10.0, off_at=0.6))
    x = torch.from_numpy(points).float()
    for name, energy in (("baseline", None), ("attached", hamiltonian)):
        latents = np.stack([codes(x, run, energy) for run in spawn_runs(0, 3)])
        print(f"{name}: disparity between three seeds {tp.degeneracy(latents).disparity}")


if __name__ == "__main__":
    main()
