"""Which levels count as one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["degeneracies", "level_groups"]


def level_groups(
    levels: NDArray[np.float64], errors: NDArray[np.float64], tolerance: float
) -> NDArray[np.int64]:
    """The group that each level belongs to, numbered from 0, (n,).

    Neighbours are of one group if they are closer than the tolerance times the greater one, or
    than their errors together: what the solver cannot tell apart is not called apart.

    Args:
        levels: Ascending, (n,).
        errors: Absolute, (n,).
        tolerance: Relative.
    """
    gaps = np.diff(levels)
    near = np.maximum(tolerance * np.abs(levels[1:]), errors[1:] + errors[:-1])
    # The ground state of a confining surface is alone, however small level 1 is.
    apart = gaps > near
    apart[:1] = True
    return np.concatenate([[0], np.cumsum(apart)]).astype(np.int64)[: len(levels)]


def degeneracies(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """The size of the group that each level belongs to, (n,)."""
    return np.bincount(groups)[groups]
