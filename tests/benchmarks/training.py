"""Speed of training many seeds at once."""

from __future__ import annotations

import torch

import topopert as tp
from topopert.models import MLPVAE, train_ensemble
from topopert.rng import seeded_init, spawn_runs

from .timing import ratio
from .topology import lifted_torus

__all__ = ["bench_training"]


def bench_training() -> None:
    points = torch.from_numpy(lifted_torus(2000)[:, :20].copy())
    config = tp.TrainingConfig(n_steps=100)
    streams = spawn_runs(0, 10)
    models = []
    for run in streams:
        with seeded_init(run.init):
            models.append(MLPVAE(20, 2))

    def train(n_seeds: int) -> None:
        train_ensemble(
            models[:n_seeds], points, noise_variance=0.1, config=config, streams=streams[:n_seeds]
        )

    ratio("ten seeds of the reference VAE / one", lambda: train(10), lambda: train(1), rounds=5)
