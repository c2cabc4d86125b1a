"""From a backend's list of bars to our record."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from topopert.records import PersistenceDiagram

__all__ = ["diagram_from_bars"]


def diagram_from_bars(
    bars: NDArray[np.floating[Any]], homology_dim: int
) -> tuple[PersistenceDiagram, NDArray[np.intp]]:
    """The diagram, longest bar first, and the index in `bars` of each of its finite pairs.

    Args:
        bars: (birth, death), shape (K, 2), deaths may be infinite.
        homology_dim: Homology dimension of the bars.
    """
    bars = np.asarray(bars, dtype=np.float64).reshape(-1, 2)
    finite = np.flatnonzero(np.isfinite(bars[:, 1]))
    births, deaths = bars[finite].T
    # Ties by birth: the order must not depend on the order of the points.
    order = finite[np.lexsort((births, births - deaths))]
    diagram = PersistenceDiagram(
        pairs=bars[order],
        essential=np.sort(bars[~np.isfinite(bars[:, 1]), 0]),
        homology_dim=homology_dim,
    )
    return diagram, order
