"""Activation energies of levels, each from its own eigenpair at one temperature."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["activation_energies"]


def activation_energies(
    energy: NDArray[np.float64], slopes: NDArray[np.float64], levels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """−d log E_k/d(1/T) in units of T, NaN for the ground level, (n,).

    E_k is T · Λ_k, Λ_k a level of H for U/T = βu, so that this is 1 − d log Λ_k/d log β: the
    slopes of Λ_k in U/T at each node, times U/T, over Λ_k. In the limit it is
    T + ⟨U⟩ over ∣∇f∣²p minus ⟨U⟩ over f²p.

    Args:
        energy: U/T at the nodes, up to a constant, (G,).
        slopes: Of the levels in it, (G, n).
        levels: Λ, (n,).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        energies = 1.0 - energy @ slopes / levels
    energies[0] = np.nan
    return energies
