"""An autoencoder has neither noise nor prior: what brings its seeds to agree are the anchors."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

import topopert as tp
from topopert.rng import RunStreams, seeded_init, spawn_runs

N_STEPS = 600


def build(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n_in, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, n_out)
    )


def train(
    x: torch.Tensor, run: RunStreams, hamiltonian: tp.Hamiltonian | None
) -> tuple[np.ndarray, float]:
    with seeded_init(run.init):
        encoder, decoder = build(x.shape[1], 2), build(2, x.shape[1])
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=2e-3)
    order = run.order()
    for step in range(N_STEPS):
        batch = x[order.choice(len(x), 128, replace=False)]
        z = encoder(batch)
        loss = (batch - decoder(z)).square().sum(dim=1) / (2 * 0.05)
        if hamiltonian is not None:
            loss = loss + hamiltonian.energy(z, None, batch, progress=step / N_STEPS)
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
    with torch.no_grad():
        z = encoder(x)
        return z.numpy(), (x - decoder(z)).square().sum(dim=1).mean().item()


def main() -> None:
    rng = np.random.default_rng(0)
    points, _ = tp.datasets.figure_eight(1000, ambient_dim=20, noise=0.02, rng=rng)
    topology = tp.PersistentTopology(latent_dim=2).fit(points)
    field = tp.AnchorPotential(topology.anchors())
    hamiltonian = tp.Hamiltonian(field, tp.Adiabatic(10.0, off_at=0.6))
    x = torch.from_numpy(points).float()
    for name, energy in (("baseline", None), ("perturbed", hamiltonian)):
        runs = [train(x, run, energy) for run in spawn_runs(0, 3)]
        error = np.mean([error for _, error in runs])
        disparity = tp.degeneracy(np.stack([z for z, _ in runs])).disparity
        print(f"{name}: squared error {error:.4f}, disparity between three seeds {disparity}")


if __name__ == "__main__":
    main()
