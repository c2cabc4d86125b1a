"""What a sequence of ever finer grids says of the error of the last."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["convergence_rate", "grid_errors", "truncation_errors"]

# A smooth surface's errors fall at least fourfold from one grid to the next (ratio 1.25 to 1.4 of
# spacings, order 6): then the difference is three times the error of the finer, and two are safe.
_SAFETY = 2.0
# No rate is believed to be slower: the sum of what is still to come would have no end.
_SLOWEST = 0.9
# In place of a level that is 0 to rounding.
_TINY = 1e-300
# Nats; a coarse grid has no node in a thinner shell.
_SHELL = 6.0


def grid_errors(history: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The errors of the levels on the last grid, absolute, (n,); ∞ where there is no other grid.

    The difference to the grid before, halved, or more if the last three grids converge more
    slowly than a smooth surface's do. A level may agree by chance, so that no difference is taken
    to be relatively below the median of all, nor below the one before times the rate.

    Args:
        history: The levels on each grid, coarse to fine; a coarse grid may have had fewer.
    """
    last = history[-1]
    shared = min(len(last), len(history[-2])) if len(history) > 1 else 0
    if shared < 2:
        errors = np.full(len(last), np.inf)
        errors[0] = 0.0
        return errors
    differences = np.abs(history[-2][:shared] - last[:shared])
    rate = convergence_rate(history)
    if rate > 0:
        earlier = np.abs(history[-3][:shared] - history[-2][: len(history[-3])][:shared])
        differences[: len(earlier)] = np.maximum(differences[: len(earlier)], rate * earlier)
    usual = np.median(differences[1:] / np.maximum(last[1:shared], _TINY))
    differences = np.maximum(np.append(differences, np.zeros(len(last) - shared)), usual * last)
    errors = differences * max(1 / _SAFETY, rate / (1 - rate))
    errors[0] = 0.0
    return errors


def convergence_rate(history: list[NDArray[np.float64]]) -> float:
    """By what the error falls from grid to grid, from the last three of them; 0 of fewer."""
    if len(history) < 3:
        return 0.0
    shared = min(len(levels) for levels in history[-3:])
    if shared < 2:
        return 0.0
    first, second, third = (np.maximum(levels[1:shared], _TINY) for levels in history[-3:])
    # Relative, so that no level outweighs the others.
    before = np.median(np.abs(first - second) / third)
    after = np.median(np.abs(second - third) / third)
    if after <= 1e-10:  # rounding has no rate
        return 0.0
    return float(min(after / max(before, 1e-300), _SLOWEST))


def truncation_errors(
    energy: NDArray[np.float64], cut: float, vectors: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What the levels owe to the wall around the kept nodes, relative, (n,).

    A wall that moves by a changes a level by a times the density of E f² − ∣∇f∣² at it: relative
    to the level, by about the share of f²p within the last nat. Measured on oscillators, from
    1e-9 to 1e-2, the estimate is 1 to 10 times the error.

    Args:
        energy: U/T at the kept nodes, minimum 0, (G,).
        cut: Where they end.
        vectors: φ, orthonormal, (G, n).
    """
    shell = energy > cut - _SHELL
    return (vectors[shell] ** 2).sum(axis=0) / _SHELL
