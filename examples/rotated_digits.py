"""Sevens turned by every angle: the angle is read off the data, and off the latent space."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from sklearn.datasets import load_digits

import topopert as tp
from topopert.rng import seeded_init, spawn_runs

N_ORIGINALS, N_IMAGES = 20, 1000


def turned_sevens(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sevens, because no half turn makes a seven of one: of a 2 it makes nearly a 2."""
    images, labels = load_digits(return_X_y=True)
    originals = images[labels == 7][:N_ORIGINALS].reshape(-1, 8, 8) / 16
    framed = np.pad(originals, ((0, 0), (2, 2), (2, 2)))  # no corner is lost in turning
    large = ndimage.zoom(framed, (1, 4 / 3, 4 / 3), order=1)  # (20, 16, 16)
    degrees = rng.uniform(0, 360, N_IMAGES)
    pairs = zip(large[rng.integers(N_ORIGINALS, size=N_IMAGES)], degrees, strict=True)
    turned = [ndimage.rotate(image, angle, reshape=False, order=1) for image, angle in pairs]
    return np.reshape(turned, (N_IMAGES, -1)), np.deg2rad(degrees)


def agreement(found: np.ndarray, true: np.ndarray) -> float:
    """Mean resultant length: 1 if the angles differ by their origin and their sense alone."""
    return max(abs(np.exp(1j * (found + sense * true)).mean()) for sense in (-1, 1))


def main() -> None:
    points, angle = turned_sevens(np.random.default_rng(0))
    topology = tp.PersistentTopology(latent_dim=2).fit(points)
    found = topology.circular_coordinates(points)[:, 0]
    print(f"data: {len(topology.features_)} loop, ", end="")
    print(f"agreement of its coordinate with the true angle {agreement(found, angle):.3f}")
    field = tp.AnchorPotential(topology.anchors())
    hamiltonian = tp.Hamiltonian(field, tp.Adiabatic(10.0, off_at=0.7, power=3))
    x, runs = torch.tensor(points).float(), spawn_runs(0, 1)
    with seeded_init(runs[0].init):
        model = tp.models.MLPVAE(points.shape[1], latent_dim=2)
    ensemble = tp.models.train_ensemble(
        [model], x, noise_variance=0.05, config=tp.TrainingConfig(n_steps=1000), streams=runs,
        energy=lambda m, logvar, x, progress: hamiltonian.energy(m, logvar, x, progress=progress),
    )  # fmt: skip
    (mean,), (logvar,) = ensemble.encode(x)
    said = tp.posterior_spectrum(mean, logvar, n_levels=8).describe()
    read = agreement(said.loops[0].angle(mean).numpy(), angle)
    print(f"latent space: {len(said.loops)} loop, ", end="")
    print(f"agreement of its doublet's phase with the true angle {read:.3f}")


if __name__ == "__main__":
    main()
