"""How far the barcodes of a latent space are from those of the data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

from topopert.backends import gudhi_persistence, wasserstein_distance
from topopert.records import PersistenceDiagram

__all__ = ["barcode_distance", "unit_diagrams"]


def unit_diagrams(points: NDArray[np.float64]) -> tuple[PersistenceDiagram, ...]:
    """Rips diagrams of H0 and H1 of a cloud divided by its RMS radius.

    A cloud collapsed to a point has no finite bar.

    Args:
        points: Shape (n, D).
    """
    distances = pdist(points)
    radius = np.sqrt(points.var(axis=0).sum())
    if distances.max() > 0:
        distances /= radius
    return gudhi_persistence(squareform(distances), max_homology_dim=1)


def barcode_distance(
    data: tuple[PersistenceDiagram, ...],
    latents: tuple[PersistenceDiagram, ...],
    homology_dim: int,
) -> float:
    """Order-2 Wasserstein distance (ground metric L∞) of the diagrams in one dimension.

    In units of the RMS radius: the distance that layouts are chosen by (theory, section 5.6).
    Trofimov et al. have order 1, ground metric L1, and the 90 % quantile of distances as the unit.

    References:
        Trofimov et al., Learning topology-preserving data representations (2023), section 5.
    """
    return wasserstein_distance(data[homology_dim], latents[homology_dim])
