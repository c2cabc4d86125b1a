"""A swiss roll is lifted in part: seeds agree within families, and not from one to the other."""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import connected_components

import topopert as tp

ALIKE = 0.05  # of two seeds: as a share of the size of their latents


def main() -> None:
    rng = np.random.default_rng(0)
    points, _ = tp.datasets.swiss_roll(2000, ambient_dim=20, noise=0.05, rng=rng)
    training = tp.TrainingConfig(n_steps=800)
    report = tp.compare(points, latent_dim=2, n_seeds=6, controls=(), training=training)
    print(f"verdict: {report.verdict}")
    for name, arm in report.arms.items():
        z = arm.latents - arm.latents.mean(axis=1, keepdims=True)
        sizes = (z**2).sum(axis=(1, 2))
        between = ((z[:, None] - z) ** 2).sum(axis=(2, 3)) / (sizes[:, None] + sizes)
        n_families, family = connected_components(between < ALIKE)
        losses = [f"{arm.neg_elbo[family == k].mean():.2f}" for k in range(n_families)]
        members = ", ".join(str(count) for count in np.bincount(family))
        print(f"{name}: families of {members} seeds of six, −ELBO {', '.join(losses)}")


if __name__ == "__main__":
    main()
