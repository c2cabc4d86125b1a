"""Persistence of a function on a grid, by GUDHI's cubical complexes."""

from __future__ import annotations

from typing import Any

import gudhi
import numpy as np
from numpy.typing import NDArray

from topopert.errors import BackendError, InvalidInputError
from topopert.records import PersistenceDiagram

from ._bars import diagram_from_bars

__all__ = ["sublevel_diagrams"]


def sublevel_diagrams(
    values: NDArray[np.floating[Any]], *, max_homology_dim: int | None = None
) -> tuple[PersistenceDiagram, ...]:
    """Diagrams of the sublevel sets {U ≤ u} of a function on a grid, index = homology dimension.

    The nodes are the vertices of the complex and a cube enters with its last vertex, so that
    bars are differences of values at nodes: they converge with the square of the spacing.

    Args:
        values: The function at the nodes of a rectangular grid, one array axis per coordinate,
            at least 2 nodes along each. +∞ marks nodes that never enter; a bar that only they
            would end is essential.
        max_homology_dim: Highest homology dimension; None means one below the grid's.

    Returns:
        Bars in the unit of the function.

    Raises:
        InvalidInputError: If a value is NaN or −∞, none is finite, or an axis has one node.
        BackendError: If GUDHI fails.

    References:
        Wagner, Chen, Vucini, Efficient computation of persistent homology for cubical data (2012).
    """
    values = np.asarray(values, dtype=np.float64)
    _check_values(values)
    top = values.ndim - 1 if max_homology_dim is None else max_homology_dim
    try:
        complex_ = gudhi.CubicalComplex(vertices=values)
        # Any field will do: a subset of R^d, d ≤ 3, has no torsion.
        complex_.compute_persistence(homology_coeff_field=2)
        bars = [complex_.persistence_intervals_in_dimension(k) for k in range(top + 1)]
    except Exception as err:
        msg = f"GUDHI failed on a grid of shape {values.shape}: {err}"
        raise BackendError(msg) from err
    return tuple(diagram_from_bars(b, k)[0] for k, b in enumerate(bars))


def _check_values(values: NDArray[np.float64]) -> None:
    if values.ndim == 0 or min(values.shape) < 2:
        msg = (
            f"`values` must be a grid with at least 2 nodes along each axis, got {values.shape}. "
            "Leave out an axis of one node."
        )
        raise InvalidInputError(msg)
    bad = np.isnan(values) | np.isneginf(values)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        msg = (
            f"`values` is {values[where]} at node {where}. Only finite values and +∞, for nodes "
            "that never enter, have an order."
        )
        raise InvalidInputError(msg)
    if np.isposinf(values).all():
        msg = "`values` is +∞ at every node, so there is no sublevel set. Lay the grid elsewhere."
        raise InvalidInputError(msg)
