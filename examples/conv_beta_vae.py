"""A convolutional β-VAE on images of digits: three seeds agree once its encoder is attached."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

import topopert as tp
from topopert.rng import RunStreams, seeded_init, spawn_runs

N_STEPS, BETA = 300, 2.0


class ConvVAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.SiLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.SiLU(), nn.Flatten(), nn.Linear(64, 4),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Linear(2, 64), nn.SiLU(), nn.Unflatten(1, (16, 2, 2)),
            nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1), nn.SiLU(),
            nn.ConvTranspose2d(8, 1, 4, stride=2, padding=1),
        )  # fmt: skip


def train(images: Tensor, run: RunStreams, hamiltonian: tp.Hamiltonian) -> np.ndarray:
    with seeded_init(run.init):
        model = ConvVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    order, noise = run.order(), run.noise()
    read = {"posterior": lambda h: h.chunk(2, dim=1), "inputs": lambda x: x.flatten(1)}
    with tp.attach(model, hamiltonian, encoder="encoder", n_steps=N_STEPS, **read):
        for _ in range(N_STEPS):
            batch = images[order.choice(len(images), 128, replace=False)]
            mean, logvar = model.encoder(batch).chunk(2, dim=1)
            z = mean + (0.5 * logvar).exp() * torch.randn(mean.shape, generator=noise)
            error = (batch - model.decoder(z)).square().sum(dim=(1, 2, 3)) / 0.1
            loss = (error + BETA * tp.models.kl_divergence(mean, logvar)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        return model.encoder(images)[:, :2].numpy()


def main() -> None:
    points, _ = tp.datasets.digits()
    field = tp.AnchorPotential(tp.PersistentTopology(latent_dim=2).fit(points).anchors())
    images = torch.tensor(points).float().unflatten(1, (1, 8, 8))
    for name, coupling in (("baseline", 0.0), ("attached", tp.Adiabatic(10.0, 0.7, power=3))):
        hamiltonian = tp.Hamiltonian(field, coupling)
        latents = np.stack([train(images, run, hamiltonian) for run in spawn_runs(0, 3)])
        print(f"{name}: disparity between three seeds {tp.degeneracy(latents).disparity}")


if __name__ == "__main__":
    main()
