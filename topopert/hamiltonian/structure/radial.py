"""Levels of a surface that rotations of all but a few axes leave as it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topopert.errors import InvalidInputError
from topopert.hamiltonian.grids.eigensolver import lowest_eigenpairs
from topopert.hamiltonian.grids.grid import EnergyGrid, confining_box
from topopert.hamiltonian.grids.interpolation import GridSpline, grid_spline
from topopert.hamiltonian.surfaces import EnergySurface, row_blocks

from .harmonics import n_harmonics
from .radial_eigenpairs import lanczos_eigenpairs
from .radial_operator import RadialGrid, RadialOperator, radial_grid, radial_operator
from .radial_surface import RadialSurface
from .symmetry import Subspace

__all__ = ["RadialFamily", "radial_families"]

_CUT = {1: 36.0, 2: 34.0, 3: 28.0}  # of r + 1 dimensions, nats
_SPACING = {1: 0.1, 2: 0.5, 3: 0.95}  # in units of the width to resolve
_COARSER = 1.4
# Errors fall by at least the fourth power of the spacing; see the tests.
_SHARE = 1 / (_COARSER**4 - 1)
_MAX_NODES = {1: 20_000, 2: 60_000, 3: 200_000}
_ROUNDING = 1e-13
_ACCURACY = {1: 1e-5, 2: 1e-4, 3: 1e-3}  # relative, for which a grid is refined
_MAX_REFINEMENTS = 4
_FIRST = 4  # levels of each angular momentum that are asked for at first
# √p below this share of its greatest, an eigenvector's rounding is all that a mode would hold.
_TRUSTED = 1e-5
_MAX_DEGREE = 12
_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RadialFamily:
    """The levels of angular momentum l; each stands for as many states as there are Y_l."""

    degree: int  # l
    multiplicity: int
    levels: NDArray[np.float64]  # of H for U/T, (K,)
    errors: NDArray[np.float64]  # (K,)
    heating: NDArray[np.float64]  # their derivatives in β of βU/T at β = 1, (K,)
    modes: GridSpline  # g on (z∥, ±ρ), (B, r + 1) to (B, K), so that E_p[(gY_l)²] = 1
    nodes: NDArray[np.float64]  # (z∥, ρ), (G, r + 1)
    weights: NDArray[np.float64]  # of p on them, sum 1, (G,)
    log_normalizer: float  # log Z


def radial_families(
    surface: EnergySurface, space: Subspace, *, width: float, n_levels: int
) -> list[RadialFamily] | None:
    """The angular momenta that hold the lowest levels, each with enough levels.

    The levels of angular momentum l grow with l, so that the first l whose lowest level is not
    needed is the last.

    Args:
        surface: U/T, unchanged by rotations of the complement.
        space: The axes left alone, r ≤ 2, and the complement, m ≥ 1.
        width: The length to resolve.
        n_levels: How many levels, with multiplicity.

    Returns:
        None if the grid would have too many nodes.

    Raises:
        BackendError: If an eigensolve did not converge.
    """
    solver = _Solver(surface, space, width)
    if solver.too_large:
        return None
    found = _lowest(solver, n_levels)
    for _ in range(_MAX_REFINEMENTS):
        finer = _Solver(surface, space, solver.width / _COARSER)
        if _accurate(found, n_levels, _ACCURACY[solver.dim]) or finer.too_large:
            break
        solver = finer
        found = _lowest(solver, n_levels)
    return [solver.family(own) for own in found]


def _lowest(solver: _Solver, n_levels: int) -> list[_Solution]:
    """The angular momenta needed, from 0 upwards, each with the levels needed."""
    last = 1 if solver.n_axes == 1 else _MAX_DEGREE
    first = min(_FIRST, n_levels)
    found: list[_Solution] = []
    while True:
        top = _nth_level(found, n_levels)
        complete = len(found) > last or (len(found) > 0 and found[-1].levels[0] > top)
        short = [
            k
            for k, own in enumerate(found)
            if own.levels[-1] < top and len(own.levels) * own.multiplicity < n_levels
        ]
        # Momenta before levels: most of the low levels are in multiplets.
        if not complete and (math.isinf(top) or not short):
            found.append(solver.solution(len(found), first))
        elif short:
            for k in short:
                found[k] = solver.solution(k, min(n_levels, 2 * len(found[k].levels)))
        else:
            break
    if last > 1 and len(found) > last and found[-1].levels[0] <= top:
        msg = f"`n_levels` is {n_levels}: angular momenta beyond {last} are not computed."
        raise InvalidInputError(msg)
    return found


def _accurate(found: list[_Solution], n_levels: int, accuracy: float) -> bool:
    top = _nth_level(found, n_levels)
    return all((own.errors <= accuracy * own.levels)[own.levels <= top].all() for own in found)


def _nth_level(found: list[_Solution], n_levels: int) -> float:
    """The n-th lowest level of those known; ∞ if they are fewer."""
    levels = [np.repeat(own.levels, own.multiplicity) for own in found]
    known = np.sort(np.concatenate([np.zeros(0), *levels]))
    return float(known[n_levels - 1]) if len(known) >= n_levels else math.inf


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Solution:
    """Eigenpairs of one angular momentum."""

    degree: int
    multiplicity: int
    grid: RadialGrid
    operator: RadialOperator
    levels: NDArray[np.float64]  # (K,)
    errors: NDArray[np.float64]  # (K,)
    vectors: NDArray[np.float64]  # orthonormal, (G, K)


class _Solver:
    """What the angular momenta have in common."""

    def __init__(self, surface: EnergySurface, space: Subspace, width: float) -> None:
        self.surface, self.parallel, self.width = surface, space.parallel, width
        self.across = space.complement[:, 0]
        self.n_axes = space.complement.shape[1]
        self.dim = space.rank + 1
        self.cut = _CUT[self.dim]
        self.spacing = _SPACING[self.dim] * width
        self.log_normalizer = math.nan

    @property
    def too_large(self) -> bool:
        """Whether the grid of l = 0 would have more nodes than allowed."""
        low, high = self._box(0)
        count = math.prod(((high[:-1] - low) / self.spacing).tolist()) * high[-1] / self.spacing
        # About what a ball is of a box.
        return count * (1.0, math.pi / 4, math.pi / 6)[self.dim - 1] > _MAX_NODES[self.dim]

    def solution(self, degree: int, n_levels: int) -> _Solution:
        """The n lowest levels of angular momentum l, errors by a second grid."""
        coarse_levels = self._solve(degree, n_levels, _COARSER * self.spacing)[2]
        grid, operator, levels, vectors = self._solve(degree, n_levels, self.spacing)
        n_both = min(len(levels), len(coarse_levels))
        levels, vectors = levels[:n_both], vectors[:, :n_both]
        rounding = _ROUNDING * float(operator.matrix.diagonal().max())
        errors = _SHARE * np.abs(levels - coarse_levels[:n_both]) + rounding
        if degree == 0:
            errors[0] = 0.0
        return _Solution(
            degree=degree,
            multiplicity=n_harmonics(self.n_axes, degree),
            grid=grid,
            operator=operator,
            levels=levels,
            errors=errors,
            vectors=vectors,
        )

    def family(self, own: _Solution) -> RadialFamily:
        """The solution as functions; that of l = 0 first, which has the normaliser."""
        grid, operator = own.grid, own.operator
        modes = own.vectors / np.sqrt(operator.mass)[:, None]
        heating = operator.heating(modes, own.levels)
        h = grid.spacing
        top = len(grid.axes[-1]) * h  # the unit of the weights' radius
        sphere = math.log(2) + 0.5 * self.n_axes * math.log(math.pi) - math.lgamma(self.n_axes / 2)
        power = self.n_axes - 1 + 2 * own.degree
        log_cell = self.dim * math.log(h) + sphere - grid.offset + power * math.log(top)
        if own.degree == 0:
            self.log_normalizer = log_cell + math.log(operator.mass.sum())
        modes = modes * math.exp(0.5 * (self.log_normalizer - log_cell))
        indices = np.nonzero(operator.kept)
        return RadialFamily(
            degree=own.degree,
            multiplicity=own.multiplicity,
            levels=own.levels,
            errors=own.errors,
            heating=heating,
            modes=_spline(grid, operator, modes, self.surface.device),
            nodes=np.stack([x[i] for x, i in zip(grid.axes, indices, strict=True)], axis=1),
            weights=operator.mass / operator.mass.sum(),
            log_normalizer=self.log_normalizer,
        )

    def _solve(
        self, degree: int, n_levels: int, spacing: float
    ) -> tuple[RadialGrid, RadialOperator, NDArray[np.float64], NDArray[np.float64]]:
        reduced = RadialSurface(self.surface, self.parallel, self.across)
        low, high = self._box(degree)
        grid = radial_grid(
            lambda y: _blocks(reduced.energy, y, reduced.device),
            lambda y: _blocks(reduced.pull, y, reduced.device) if degree else np.zeros(len(y)),
            low,
            high,
            spacing,
        )
        operator = radial_operator(grid, n_axes=self.n_axes, degree=degree, cut=self.cut)
        n_levels = min(n_levels, len(operator.mass))
        if self.dim < 3:
            levels, vectors = lowest_eigenpairs(
                operator.matrix, n_levels, scale=1.0, expected_top=math.nan, factorise=True
            )
        else:
            levels, vectors = lanczos_eigenpairs(operator.matrix, n_levels)
        if degree == 0:
            levels[0], vectors[:, 0] = 0.0, np.sqrt(operator.mass / operator.mass.sum())
        return grid, operator, levels, vectors

    def _box(self, degree: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        power = self.n_axes - 1 + 2 * degree
        reduced = RadialSurface(self.surface, self.parallel, self.across, power=power)
        box = confining_box(reduced, self.cut)
        return box.low[:-1], np.append(box.high[:-1], max(box.high[-1], -box.low[-1]))


def _blocks(
    function: Callable[[Tensor], Tensor], points: NDArray[np.float64], device: torch.device
) -> NDArray[np.float64]:
    z = torch.from_numpy(points).to(device)
    with torch.no_grad():
        parts = [function(z[rows]) for rows in row_blocks(len(z), _BLOCK)]
    return torch.cat(parts).cpu().numpy()


def _spline(
    grid: RadialGrid, operator: RadialOperator, modes: NDArray[np.float64], device: torch.device
) -> GridSpline:
    """The modes as functions of (z∥, ρ) with ρ of either sign, in which they are even."""
    kept = np.concatenate([operator.kept[..., ::-1], operator.kept], axis=-1)
    indices = np.full(operator.kept.shape, -1)
    indices[operator.kept] = np.arange(len(modes))
    both = np.concatenate([indices[..., ::-1], indices], axis=-1)[kept]
    energy = np.concatenate([grid.energy[..., ::-1], grid.energy], axis=-1)
    mirrored = EnergyGrid(
        axes=[*grid.axes[:-1], np.concatenate([-grid.axes[-1][::-1], grid.axes[-1]])],
        spacing=np.full(len(grid.axes), grid.spacing),
        energy=energy,
        kept=kept,
        offset=grid.offset,
    )
    root = np.sqrt(operator.mass)
    trusted = root > _TRUSTED * root.max()
    return grid_spline(mirrored, modes[both], trusted[both], device)
