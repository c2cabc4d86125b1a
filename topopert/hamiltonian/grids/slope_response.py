"""What the slopes of refined levels owe to the turning of the space they are refined in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .grid import EnergyGrid
from .operator import GridOperator
from .refinement import grid_laplacian

__all__ = ["slope_response"]

_MAX_STEPS = 400
# Of the response, which is itself a correction of about a thousandth.
_ACCURACY = 1e-5


def slope_response(
    grid: EnergyGrid,
    operator: GridOperator,
    levels: NDArray[np.float64],
    vectors: NDArray[np.float64],
    n_levels: int,
) -> NDArray[np.float64]:
    """What is to be added to `refined_slopes`, (G, n_levels).

    A refined level is a Ritz value of H_s = −Δ_s + Δ_sψ/ψ in the space of eigenvectors of the
    finite differences H, which turns with U. Its slope has, besides ⟨φ∣dH_s∣φ⟩, the part
    2⟨r∣dφ⟩ of the residual r = (H_s − E)φ, where dφ = −(H − E)⁺dHφ: that is 2⟨λ∣dH∣φ⟩ with
    (H − E)λ = −r off the space, an equation that is positive there.

    Args:
        grid: Where the vectors live.
        operator: H.
        levels: Refined ones, (n,), some beyond n_levels.
        vectors: Their Ritz vectors, (G, n).
        n_levels: For how many the response is wanted.
    """
    root = operator.root
    chosen = vectors[:, :n_levels]
    bent = grid_laplacian(grid, np.column_stack([root, chosen]))
    # f · Δ_sψ, with no division of what is small by ψ.
    residuals = chosen / root[:, None] * bent[:, :1] - bent[:, 1:] - chosen * levels[:n_levels]
    adjoint = _solve_off(operator.matrix, -residuals, levels[:n_levels], vectors)
    return root[:, None] * (operator.matrix @ (chosen * adjoint / root[:, None]))


def _solve_off(
    matrix: Any,
    right: NDArray[np.float64],
    shifts: NDArray[np.float64],
    vectors: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(H − E_k)x_k = b_k off the vectors, by conjugate gradients, all k at once."""

    def off(columns: NDArray[np.float64]) -> NDArray[np.float64]:
        return columns - vectors @ (vectors.T @ columns)

    remainder = off(right)
    solution = np.zeros_like(remainder)
    direction = remainder.copy()
    squares = (remainder**2).sum(axis=0)
    goal = _ACCURACY**2 * squares
    for _ in range(_MAX_STEPS):
        active = squares > goal
        if not active.any():
            break
        image = off(matrix @ direction - direction * shifts)
        curvature = (direction * image).sum(axis=0)
        # A column that is done, or whose curvature is rounding, stays where it is.
        step = np.where(active & (curvature > 0), squares / np.where(active, curvature, 1.0), 0.0)
        solution += step * direction
        remainder -= step * image
        before, squares = squares, (remainder**2).sum(axis=0)
        direction = remainder + direction * (squares / np.maximum(before, 1e-300))
    return solution
