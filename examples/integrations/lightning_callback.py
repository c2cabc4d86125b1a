"""A LightningModule trained as it stands: one callback more, and its seeds agree."""

from __future__ import annotations

import logging
import warnings

import lightning
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import topopert as tp


class VAE(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(20, 64), nn.SiLU(), nn.Linear(64, 4))
        self.decoder = nn.Sequential(nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, 20))

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        mean, logvar = self.encoder(batch[0]).chunk(2, dim=1)
        decoded = self.decoder(mean + (0.5 * logvar).exp() * torch.randn_like(mean))
        loss = tp.models.gaussian_reconstruction(batch[0], decoded, 0.05)
        return (loss + tp.models.kl_divergence(mean, logvar)).mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=2e-3)


def train(x: Tensor, seed: int, callbacks: list[lightning.Callback]) -> np.ndarray:
    lightning.seed_everything(seed, verbose=False)
    model, loader = VAE(), DataLoader(TensorDataset(x), batch_size=128, shuffle=True)
    settings = {"max_epochs": 80, "accelerator": "cpu", "barebones": True}
    lightning.Trainer(**settings, callbacks=callbacks).fit(model, loader)
    with torch.no_grad():
        return model.encoder(x)[:, :2].numpy()


def main() -> None:
    warnings.simplefilter("ignore")  # Lightning's advice on data loaders
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    rng = np.random.default_rng(0)
    points, _ = tp.datasets.figure_eight(1000, ambient_dim=20, noise=0.02, rng=rng)
    field = tp.AnchorPotential(tp.PersistentTopology(latent_dim=2).fit(points).anchors())
    hamiltonian = tp.Hamiltonian(field, tp.Adiabatic(10.0, off_at=0.6))
    callback = tp.integrations.lightning.TopologicalPerturbation(
        hamiltonian, encoder="encoder", posterior=lambda output: output.chunk(2, dim=1)
    )
    for name, callbacks in (("baseline", []), ("perturbed", [callback])):
        latents = np.stack([train(torch.tensor(points).float(), k, callbacks) for k in range(3)])
        print(f"{name}: disparity between three seeds {tp.degeneracy(latents).disparity}")


if __name__ == "__main__":
    main()
