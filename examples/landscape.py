"""The energy landscape of trained digits: its states, and the path over the pass between two."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

import topopert as tp
from topopert.rng import seeded_init, spawn_runs

SHADES = np.array(list(" .:-=+*#%@"))


def drawn(images: Tensor) -> str:
    """Images (n, 64) in [0, 1] side by side, as text."""
    grey = (images.clamp(0, 0.999) * len(SHADES)).long().numpy().reshape(-1, 8, 8)
    return "\n".join("  ".join("".join(SHADES[image[row]]) for image in grey) for row in range(8))


def main() -> None:
    points, labels = tp.datasets.digits()
    field = tp.AnchorPotential(tp.PersistentTopology(latent_dim=2).fit(points).anchors())
    hamiltonian = tp.Hamiltonian(field, tp.Adiabatic(10.0, off_at=0.7, power=3))
    x, runs = torch.tensor(points).float(), spawn_runs(0, 1)
    with seeded_init(runs[0].init):
        model = tp.models.MLPVAE(64, latent_dim=2)
    ensemble = tp.models.train_ensemble(
        [model], x, noise_variance=0.05, config=tp.TrainingConfig(n_steps=1000), streams=runs,
        energy=lambda m, logvar, x, progress: hamiltonian.energy(m, logvar, x, progress=progress),
    )  # fmt: skip
    (mean,), (logvar,) = ensemble.encode(x)
    landscape = tp.EnergyLandscape.from_posterior(mean, logvar)
    state = landscape.labels(mean)
    for k, energy in enumerate(landscape.energies):
        counts = np.bincount(labels[state == k, 0].astype(int), minlength=10)
        print(f"state {k}: {energy:.2f} nats, {counts.sum()} images, most a {counts.argmax()}")
    path = landscape.path(int(state[0]), int(state[6]))  # the first 0, the first 6
    shares = torch.linspace(0, 1, 201, dtype=torch.float64)[:, None]
    chord = torch.lerp(path.points[:1], path.points[-1:], shares)
    print(drawn(ensemble.decode(path.points[None, ::20].float())[0]))
    print(f"highest energy: straight on {landscape.energy(chord).max():.2f} nats, ", end="")
    print(f"over the pass {path.energies.max():.2f} nats")


if __name__ == "__main__":
    main()
