"""Rips persistence by ripser.py: fast, with representative cocycles, in float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ripser import ripser

from topopert.errors import BackendError
from topopert.records import PersistenceDiagram

from ._bars import diagram_from_bars

__all__ = ["RipsPersistence", "ripser_persistence"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RipsPersistence:
    """Diagrams and, bar by bar in the same order, representative cocycles of H1."""

    diagrams: tuple[PersistenceDiagram, ...]
    cocycles: tuple[NDArray[np.int64], ...]  # per finite H1 bar: rows (i, j, value mod prime)
    prime: int


def ripser_persistence(
    dist: NDArray[np.float64],
    *,
    max_homology_dim: int,
    prime: int = 47,
    threshold: float | None = None,
) -> RipsPersistence:
    """Rips diagrams of a distance matrix, with the cocycles of H1 mod a prime.

    Args:
        dist: Distances, shape (n, n), symmetric with zero diagonal.
        max_homology_dim: Highest homology dimension.
        prime: The field of coefficients is Z/prime.
        threshold: Longest edge; bars that die beyond it are called essential. None means all.

    Raises:
        BackendError: If ripser fails.

    References:
        Bauer, Ripser: efficient computation of Vietoris-Rips persistence barcodes (2021).
        Tralie, Saul, Bar-On, Ripser.py: a lean persistent homology library for Python (2018).
    """
    # ripser computes in float32: a scale of 1 keeps tiny and huge units away from its limits.
    unit = float(dist.max()) or 1.0
    try:
        answer: dict[str, Any] = ripser(
            dist / unit,
            distance_matrix=True,
            maxdim=max_homology_dim,
            coeff=prime,
            thresh=np.inf if threshold is None else threshold / unit,
            do_cocycles=max_homology_dim >= 1,
        )
    except Exception as err:
        msg = f"ripser failed on a distance matrix of shape {dist.shape}: {err}"
        raise BackendError(msg) from err
    diagrams, orders = zip(
        *(diagram_from_bars(bars * unit, dim) for dim, bars in enumerate(answer["dgms"])),
        strict=True,
    )
    cocycles: tuple[NDArray[np.int64], ...] = ()
    if max_homology_dim >= 1:
        loops = answer["cocycles"][1]
        cocycles = tuple(np.asarray(loops[k], dtype=np.int64) for k in orders[1])
    return RipsPersistence(diagrams=diagrams, cocycles=cocycles, prime=prime)
