"""H on a grid: finite differences of order 6 that are matched to the ground state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .grid import EnergyGrid

__all__ = ["GridOperator", "grid_operator"]

# −Δ of order 6 is order 2 plus two corrections, each of which vanishes on straight lines.
_TRIPLE = 3 / 20
_QUADRUPLE = 1 / 90
# Up to there the corrections keep H a sum of squares; see `_axis_couplings`.
_STIFFEST = 3.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridOperator:
    """H = −Δ_h + diag(Δ_hψ/ψ) on the kept nodes, G of them."""

    matrix: sparse.csc_array  # (G, G), symmetric, positive semidefinite, Hψ = 0
    root: NDArray[np.float64]  # ψ at the kept nodes, of norm 1, (G,)


def grid_operator(grid: EnergyGrid) -> GridOperator:
    """The operator on a grid.

    H is −Σ w_ij over pairs of nodes on a line, and on the diagonal Σ_j w_ij ψ_j/ψ_i, so that
    φᵀHφ = Σ w_ij ψ_iψ_j (f_i − f_j)², f = φ/ψ: the ground state is exact for any w.
    """
    n = grid.n_nodes
    index = np.full(grid.kept.shape, -1, dtype=np.int32)
    index[grid.kept] = np.arange(n, dtype=np.int32)
    diagonal = np.zeros(n)
    rows, columns, values = [], [], []
    for axis in range(index.ndim):
        shape = (index.shape[axis], -1)
        place = np.moveaxis(index, axis, 0).reshape(shape)
        energy = np.moveaxis(grid.energy, axis, 0).reshape(shape)
        kept = np.moveaxis(grid.kept, axis, 0).reshape(shape)
        for distance, coupling in _axis_couplings(energy, kept):
            used = coupling != 0
            i, j = place[:-distance][used], place[distance:][used]
            weight = coupling[used] / grid.spacing[axis] ** 2
            # What is not kept has infinite energy and is never used.
            rise = energy[distance:][used] - energy[:-distance][used]
            pull, push = weight * np.exp(-0.5 * rise), weight * np.exp(0.5 * rise)
            diagonal += np.bincount(i, pull, n) + np.bincount(j, push, n)
            rows.append(i)
            columns.append(j)
            values.append(-weight)
    upper = sparse.coo_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(n, n)
    ).tocsc()
    matrix = sparse.csc_array(upper + upper.T + sparse.diags_array(diagonal, format="csc"))
    root = np.exp(-0.5 * grid.energy[grid.kept])
    return GridOperator(matrix=matrix, root=root / np.linalg.norm(root))


def _axis_couplings(
    energy: NDArray[np.float64], kept: NDArray[np.bool_]
) -> list[tuple[int, NDArray[np.float64]]]:
    """The weights w of pairs at distance 1, 2 and 3 along the first axis, in units of 1/h².

    With a, b, c the differences of f along neighbouring edges and P, Q, … the products ψψ' of
    their ends, order 6 is Σ P a² over edges, plus 3/20 (2Pa² + 2Qb² − S(a + b)²) over triples, S
    the product of the outer ends, plus 1/90 (S'(a + b + c)² − 3(Pa² + Qb² + Rc²)) over fours.
    Giving each triple half of 9/10 of its edges makes it (9/20 + 3θ/10)(Pa² + Qb²) − 3θ/20
    S(a + b)² ≥ 0 iff θ(r − 2) ≤ 3, where r = (ψ₋ + ψ₊)/ψ: r − 2 is h² times the order-2
    diagonal. So θ = min(1, 3/(r − 2)) turns the corrections down just where order 6 would turn
    indefinite: where the grid does not resolve U, and far out, where there is no density.
    """
    n = len(energy)
    edge = (kept[1:] & kept[:-1]).astype(np.float64)
    if n < 3:
        return [(1, edge)]
    whole = kept[2:] & kept[1:-1] & kept[:-2]
    middle = energy[1:-1]
    with np.errstate(over="ignore", invalid="ignore"):
        stiffness = (
            np.exp(0.5 * (middle - energy[2:])) + np.exp(0.5 * (middle - energy[:-2])) - 2.0
        )
        share = np.where(whole, np.minimum(1.0, _STIFFEST / np.maximum(stiffness, 1e-300)), 0.0)
    share[stiffness <= 0] = whole[stiffness <= 0]
    edge[:-1] += 2 * _TRIPLE * share
    edge[1:] += 2 * _TRIPLE * share
    couplings = [(1, edge), (2, -_TRIPLE * share)]
    if n > 3:
        both = np.minimum(share[1:], share[:-1])  # 0 where one of the four is not kept
        for s in range(3):
            edge[s : n - 3 + s] -= 3 * _QUADRUPLE * both
        couplings.append((3, _QUADRUPLE * both))
    return couplings
