"""Speed of the topology stage."""

from __future__ import annotations

import numpy as np
import torch

import topopert as tp
from topopert.backends import ripser_persistence
from topopert.extension import LandmarkExtension
from topopert.topology.distances import pairwise_distances

from .timing import ratio

__all__ = ["bench_extension", "bench_fit", "bench_landmarks", "lifted_torus"]

_BLOCK = 4096


def lifted_torus(n_points: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    points, _ = tp.datasets.torus(n_points, ambient_dim=50, noise=0.05, rng=rng)
    return points.astype(np.float32)


def bench_landmarks() -> None:
    points = lifted_torus(1_000_000)
    x, landmarks = torch.from_numpy(points), torch.from_numpy(points[:400].copy())
    norms = landmarks.square().sum(dim=1)

    def one_pass() -> None:
        for block in x.split(_BLOCK):
            sq_dist = torch.addmm(norms, block, landmarks.T, alpha=-2)
            sq_dist += block.square().sum(dim=1, keepdim=True)

    ratio(
        "400 landmarks of 1 000 000 × 50 / one pass of distances",
        lambda: tp.maxmin_landmarks(points, 400),
        one_pass,
        rounds=3,
    )


def bench_fit() -> None:
    points = lifted_torus(100_000)

    def parts() -> None:
        indices, _ = tp.maxmin_landmarks(points, 400)
        ripser_persistence(pairwise_distances(points[indices]), max_homology_dim=1)

    for layout in ("geodesic", "auto"):
        topology = tp.PersistentTopology(latent_dim=3, layout=layout)
        ratio(
            f"fit of 100 000 × 50, layout={layout} / landmarks + ripser",
            lambda t=topology: t.fit(points),
            parts,
            rounds=3,
        )


def bench_extension() -> None:
    generator = torch.Generator().manual_seed(0)
    x, landmarks = (torch.randn(n, 784, generator=generator) for n in (256, 400))
    extension = LandmarkExtension(landmarks, torch.randn(400, 2, generator=generator), 45.0)
    norms = landmarks.square().sum(dim=1)
    ratio(
        "extension of 256 × 784, 400 landmarks / its matrix product",
        lambda: [extension(x) for _ in range(50)],
        lambda: [torch.addmm(norms, x, landmarks.T) for _ in range(50)],
        rounds=9,
    )
