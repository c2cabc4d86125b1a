"""Which edges create and destroy the bars of a Rips filtration, through ripser.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from ripser import ripser
from scipy.spatial.distance import squareform

from topopert.errors import BackendError, InvalidInputError

__all__ = ["rips_pairs"]

# ripser.py computes in float32, which holds each whole number up to here.
_MAX_EDGES = 2**24


def rips_pairs(
    lengths: NDArray[np.float64], *, max_homology_dim: int
) -> tuple[NDArray[np.int64], ...]:
    """The edges at which the finite bars are born and die, from H1 on; each of shape (K, 2).

    A simplex enters the filtration with its longest edge, so only the order of the edges matters.
    ripser.py is given their ranks in place of lengths: births and deaths come back as ranks, each
    the rank of one edge, with nothing lost to single precision.

    Args:
        lengths: As for `spanning_tree_edges`.
        max_homology_dim: Highest homology dimension, at least 1.

    Returns:
        For each homology dimension from 1 on, the places of the two edges among all edges. Bars of
        length 0, which ties in the lengths bring, are left out.

    Raises:
        InvalidInputError: If there are too many edges to number them in single precision.
        BackendError: If ripser fails.

    References:
        Bauer, Ripser: efficient computation of Vietoris-Rips persistence barcodes (2021).
    """
    if len(lengths) > _MAX_EDGES:
        msg = (
            f"{len(lengths)} edges are more than ripser can tell apart ({_MAX_EDGES}). Take a "
            "smaller batch, or `max_homology_dim=0`."
        )
        raise InvalidInputError(msg)
    order = np.argsort(lengths, kind="stable")
    ranks = np.empty(len(lengths))
    ranks[order] = np.arange(1, len(lengths) + 1)
    try:
        answer: dict[str, Any] = ripser(
            squareform(ranks), distance_matrix=True, maxdim=max_homology_dim
        )
    except Exception as err:
        msg = f"ripser failed on {len(lengths)} distances: {err}"
        raise BackendError(msg) from err
    pairs = []
    for bars in answer["dgms"][1:]:
        finite = bars[np.isfinite(bars[:, 1])].astype(np.int64)
        births, deaths = order[finite.T - 1]
        real = lengths[deaths] > lengths[births]
        pairs.append(np.column_stack([births[real], deaths[real]]))
    return tuple(pairs)
