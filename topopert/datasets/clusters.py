"""Gaussian clusters."""

from __future__ import annotations

import numpy as np

from topopert._checks import check_count
from topopert.errors import InvalidInputError

from ._dataset import Dataset, check_rng, embed

__all__ = ["clusters"]


def clusters(
    n_clusters: int = 5,
    n_points: int = 1000,
    *,
    ambient_dim: int = 20,
    noise: float = 0.05,
    rng: np.random.Generator,
) -> Dataset:
    """Gaussian clusters whose centres are the corners of a regular simplex, all at distance 2.

    Betti numbers: n_clusters, 0. Parameters: the label. Needs ambient_dim >= n_clusters.
    """
    n_clusters = check_count(n_clusters, name="n_clusters")
    if ambient_dim < n_clusters:
        msg = (
            f"{n_clusters} equidistant centres need `ambient_dim` >= {n_clusters}, "
            f"got {ambient_dim}."
        )
        raise InvalidInputError(msg)
    check_rng(rng)
    n_points = check_count(n_points, name="n_points")
    if n_points < n_clusters:
        msg = f"{n_clusters} clusters need `n_points` >= {n_clusters}, got {n_points}."
        raise InvalidInputError(msg)
    label = np.arange(n_points) % n_clusters
    centres = np.sqrt(2) * np.eye(n_clusters)
    return Dataset(
        points=embed(centres[label], ambient_dim=ambient_dim, noise=noise, rng=rng),
        parameters=label[:, None].astype(np.float64),
    )
