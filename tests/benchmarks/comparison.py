"""What a whole comparison takes beyond the training in it."""

from __future__ import annotations

import statistics

import numpy as np

import topopert as tp

from .timing import seconds

__all__ = ["bench_comparison"]


def bench_comparison() -> None:
    """Torus, five arms of ten seeds: topology, evaluation, metrics and intervals over training."""
    rng = np.random.default_rng(0)
    points = tp.datasets.torus(2000, ambient_dim=20, noise=0.05, rng=rng).points
    ratios = []
    for seed in range(3):
        trained = 0.0

        def run(seed: int = seed) -> None:
            nonlocal trained
            report = tp.compare(
                points, latent_dim=3, controls=("shuffled", "pca", "constant"), seed=seed
            )
            trained = sum(arm.seconds for arm in report.arms.values())

        ratios.append(seconds(run) / trained)
    name = "whole comparison / its training"
    print(f"{name:<72} {statistics.median(ratios):6.2f}", flush=True)
