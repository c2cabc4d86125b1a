"""The rows that metrics of pairs of points look at: enough to be exact, few enough to be fast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BARCODE_ROWS", "PAIR_ROWS", "drawn_rows"]

# Rank, neighbour and distance metrics look at this many rows at most, the same ones for all runs.
PAIR_ROWS = 1000
# Barcodes look at the first so many of them.
BARCODE_ROWS = 200


def drawn_rows(n_points: int, rng: np.random.Generator | None) -> NDArray[np.intp]:
    """Indices of at most 1000 rows in random order; all of them if there are no more.

    The order is random because ties between distances go to the earlier row: in the order of the
    data, which is often sorted, a latent collapsed to a point would seem to know its neighbours.

    Args:
        n_points: Number N of rows.
        rng: Draws them; None is a fresh generator of fixed seed.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    return rng.permutation(n_points)[:PAIR_ROWS]
