"""In one's own training loop, two seeds that disagree are brought to agree by one added term."""

from __future__ import annotations

import numpy as np
import torch

import topopert as tp
from topopert.rng import RunStreams, seeded_init, spawn_runs

N_STEPS = 1000


def train(x: torch.Tensor, run: RunStreams, hamiltonian: tp.Hamiltonian | None) -> np.ndarray:
    with seeded_init(run.init):
        model = tp.models.MLPVAE(x.shape[1], latent_dim=2)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    order, noise = run.order(), run.noise()
    for step in range(N_STEPS):
        batch = x[order.choice(len(x), 128, replace=False)]
        mean, logvar = model.encode(batch)
        draw = torch.randn(mean.shape, generator=noise)
        decoded = model.decode(tp.models.reparameterize(mean, logvar, draw))
        loss = tp.models.gaussian_reconstruction(batch, decoded, 0.05)
        loss = loss + tp.models.kl_divergence(mean, logvar)
        if hamiltonian is not None:
            loss = loss + hamiltonian.energy(mean, logvar, batch, progress=step / N_STEPS)
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
    with torch.no_grad():
        return model.encode(x)[0].numpy()


def main() -> None:
    rng = np.random.default_rng(0)
    points, _ = tp.datasets.swiss_roll(1000, ambient_dim=20, noise=0.02, rng=rng)
    topology = tp.PersistentTopology(latent_dim=2).fit(points)
    coupling = tp.Adiabatic(10.0, off_at=0.6)
    hamiltonian = tp.Hamiltonian(tp.AnchorPotential(topology.anchors()), coupling)
    x = torch.from_numpy(points).float()
    for name, energy in (("baseline", None), ("perturbed", hamiltonian)):
        latents = np.stack([train(x, run, energy) for run in spawn_runs(0, 3)])
        print(f"{name}: disparity between three seeds {tp.degeneracy(latents).disparity}")


if __name__ == "__main__":
    main()
