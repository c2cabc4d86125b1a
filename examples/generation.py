"""Samples of the tilted prior keep to the loop that the data have; those of N(0, I) fill it."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.distance import cdist
from torch import Tensor

import topopert as tp
from topopert.rng import seeded_init, spawn_runs

N_SEEDS, COUPLING = 3, 3.0


def energy_distance(a: np.ndarray, b: np.ndarray) -> float:
    """0 iff both are drawn from one distribution, for as many draws as it takes."""
    return 2 * cdist(a, b).mean() - cdist(a, a).mean() - cdist(b, b).mean()


def decoded(x: Tensor, z: Tensor, hamiltonian: tp.Hamiltonian | None) -> list[np.ndarray]:
    """What decoders make of the codes z, trained with that Hamiltonian, λ constant, or none."""
    models, runs = [], spawn_runs(0, N_SEEDS)
    for run in runs:
        with seeded_init(run.init):
            models.append(tp.models.MLPVAE(x.shape[1], latent_dim=2))

    def energy(mean: Tensor, logvar: Tensor, x: Tensor, progress: float) -> Tensor:
        return hamiltonian.energy(mean, logvar, x, progress=progress)

    ensemble = tp.models.train_ensemble(
        models, x, noise_variance=0.05, streams=runs, energy=energy if hamiltonian else None,
        config=tp.TrainingConfig(n_steps=500, learning_rate=5e-3),
    )  # fmt: skip
    return [images.numpy() for images in ensemble.decode(z.float().expand(N_SEEDS, -1, -1))]


def main() -> None:
    rng, draw = np.random.default_rng(0), torch.Generator().manual_seed(0)
    points, _ = tp.datasets.circle(2000, ambient_dim=20, noise=0.05, rng=rng)
    known, held_out = points[:1000], points[1000:]
    topology = tp.PersistentTopology(latent_dim=2).fit(known)
    hamiltonian = tp.Hamiltonian(tp.WellPotential(topology.wells()), COUPLING)
    gaussian = torch.randn(1000, 2, generator=draw)
    tilted = hamiltonian.prior().sample((1000,), draw)
    x = torch.tensor(known).float()
    print(f"the data themselves: energy distance {energy_distance(known, held_out):.4f}")
    for name, z, perturbation in (("Gaussian", gaussian, None), ("tilted", tilted, hamiltonian)):
        found = [energy_distance(new, held_out) for new in decoded(x, z, perturbation)]
        print(f"{name} prior: energy distance to held-out data {np.mean(found):.4f}")


if __name__ == "__main__":
    main()
