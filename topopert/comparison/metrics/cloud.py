"""What the metrics of faithfulness compare of a cloud of points: data or latents alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from topopert.records import PersistenceDiagram

from .barcodes import unit_diagrams
from .neighbourhoods import NeighbourRanks, neighbour_ranks
from .subset import BARCODE_ROWS
from .triplets import triplet_order

__all__ = ["Cloud", "cloud"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cloud:
    """Views of one cloud, computed once."""

    distances: NDArray[np.float64]  # as by `scipy.spatial.distance.pdist`, (N(N − 1)/2,)
    neighbours: NeighbourRanks
    triplet_order: NDArray[np.int8]  # which of two points is nearer to a third, (T,)
    diagrams: tuple[PersistenceDiagram, ...]  # H0 and H1 of the first 200 points


def cloud(points: NDArray[np.float64], triplets: NDArray[np.intp]) -> Cloud:
    """The views of points, shape (N, D); triplets as by `draw_triplets`."""
    distances = np.asarray(pdist(points), dtype=np.float64)
    return Cloud(
        distances=distances,
        neighbours=neighbour_ranks(distances),
        triplet_order=triplet_order(distances, triplets),
        diagrams=unit_diagrams(points[:BARCODE_ROWS]),
    )
