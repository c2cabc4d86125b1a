"""The data sets of the paper's tables, each with the latent dimension that its topology needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from topopert import datasets

N_POINTS, AMBIENT_DIM, NOISE = 2000, 20, 0.05

Generator = np.random.Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A data set and the latent dimension it is compared in."""

    name: str
    load: Callable[[Generator], datasets.Dataset]
    latent_dim: int
    is_toy: bool

    @property
    def slug(self) -> str:
        """The name as a file's."""
        return self.name.replace(" ", "_").replace(",", "")


def manifold(kind: str, latent_dim: int) -> Case:
    def load(rng: Generator) -> datasets.Dataset:
        settings = {"ambient_dim": AMBIENT_DIM, "noise": NOISE, "rng": rng}
        return getattr(datasets, kind)(n_points=N_POINTS, **settings)

    return Case(name=kind.replace("_", " "), load=load, latent_dim=latent_dim, is_toy=True)


CASES = (
    manifold("circle", 2),
    manifold("clusters", 2),
    manifold("swiss_roll", 2),
    manifold("linked_circles", 2),
    manifold("torus", 3),
    manifold("figure_eight", 2),
    manifold("sphere", 3),
    Case(name="digits, d = 2", load=lambda rng: datasets.digits(), latent_dim=2, is_toy=False),
    Case(name="digits, d = 8", load=lambda rng: datasets.digits(), latent_dim=8, is_toy=False),
    Case(
        name="image patches",
        load=lambda rng: datasets.image_patches(N_POINTS, rng=rng),
        latent_dim=2,
        is_toy=False,
    ),
)
