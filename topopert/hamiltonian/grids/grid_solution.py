"""Eigenpairs of H on grids fine enough, d ≤ 3, and their errors."""

from __future__ import annotations

import dataclasses
import math
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topopert.errors import InvalidInputError, TopopertWarning
from topopert.hamiltonian.spectra.degeneracy import level_groups
from topopert.hamiltonian.surfaces import EnergySurface

from .eigensolver import lowest_eigenpairs
from .grid import EnergyGrid, NodeLimitError
from .grid_errors import convergence_rate, grid_errors, truncation_errors
from .grid_frame import Frame, FramedGrid, GridSettings, connected_grid, framed_grid
from .operator import GridOperator, grid_operator
from .refinement import refined_levels

__all__ = ["MAX_GRID_DIM", "TOLERANCE", "GridSolution", "solve_on_grids"]


# Errors of a barrier's level fall by the sixth power of the spacing: measured in the tests.
_SETTINGS = {
    1: GridSettings(
        spacing=0.6,
        coarser=1.4,
        cuts=(36.0, 48.0, 60.0, 72.0),
        accuracy=1e-4,
        max_nodes=400_000,
        refine_nodes=100_000,
    ),
    2: GridSettings(
        spacing=0.8,
        coarser=1.3,
        cuts=(30.0, 40.0, 52.0, 64.0),
        accuracy=1e-4,
        max_nodes=120_000,
        refine_nodes=40_000,
    ),
    3: GridSettings(
        spacing=1.0,
        coarser=1.25,
        cuts=(24.0, 32.0, 44.0),
        accuracy=5e-3,
        max_nodes=400_000,
        refine_nodes=100_000,
    ),
}
MAX_GRID_DIM = 3
_MAX_REFINEMENTS = 5
# How much coarser a grid may begin because little accuracy is asked for.
_COARSEST = 1.3
# Errors that fall by less than this from grid to grid are not chased.
_HOPELESS = 0.6
# Of the levels, relative to the largest entry of H.
_ROUNDING = 1e-14
# So many times that is not rounding any more.
_MANY = 100.0
# Levels closer than this, relative, count as one.
TOLERANCE = 1e-3
# So many levels beyond those asked for are found where their group seems to have no end.
_MOST_EXTRA = 256
# A grid coarser than the features ask for, because no finer one fits, is taken up to this error.
_TOO_COARSE = 0.05
# What levels owe to the end of the grid is worth a warning above this share of them.
_UNSETTLED = 5e-3
# In a valley without end a state's share at the end falls by less than this from cut to cut.
_STAYS = 0.3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridSolution:
    """Eigenpairs on one grid."""

    frame: Frame
    grid: EnergyGrid
    operator: GridOperator
    levels: NDArray[np.float64]  # of H for U/T, (n,), the ground level 0 included
    vectors: NDArray[np.float64]  # orthonormal, (G, n)
    truncation: NDArray[np.float64]  # what the levels owe to the cut, relative, (n,)

    @property
    def n_levels(self) -> int:
        """How many there are."""
        return len(self.levels)


def solve_on_grids(
    surface: EnergySurface, n_levels: int, *, n_extra: int = 4, accuracy: float | None = None
) -> tuple[GridSolution, NDArray[np.float64]]:
    """Eigenpairs on the finest grid taken, some more than asked for, and their estimated errors.

    Args:
        surface: U/T, d ≤ 3.
        n_levels: How many levels are asked for.
        n_extra: How many are found beyond them at least, so that the last group is seen whole.
            The states err by what couples them to states not found, so that more make them better.
        accuracy: The relative error of levels up to which grids are refined; None takes 1e-4, in
            three dimensions 5e-3.

    Raises:
        InvalidInputError: As `grid_spectrum` does.
        BackendError: If the eigensolver did not converge.

    Warns:
        TopopertWarning: If the surface grows so slowly that levels depend on where the grid ends.
    """
    settings = _SETTINGS[surface.latent_dim]
    if accuracy is not None:
        # The first grid is coarser or finer by what sixth order says.
        factor = min((accuracy / settings.accuracy) ** (1 / 6), _COARSEST)
        settings = dataclasses.replace(
            settings, accuracy=accuracy, spacing=factor * settings.spacing
        )
    found = _converged(surface, settings, n_levels, n_levels + n_extra)
    fine, history = found.fine, found.history
    errors = _errors(fine, history)
    extra = n_extra
    while _last_group_is_open(fine, errors, n_levels) and extra < _MOST_EXTRA:
        extra *= 4
        fine = _solved(fine.frame, fine.grid, n_levels + extra, float(fine.levels[-1]))
        errors = _errors(fine, [*history[:-1], fine.levels])
    if fine.n_levels < n_levels:
        msg = (
            f"`n_levels` is {n_levels}, but the grid has {fine.n_levels} nodes to hold them. Ask "
            "for fewer levels."
        )
        raise InvalidInputError(msg)
    if found.limit is not None and (errors > _TOO_COARSE * fine.levels)[1:n_levels].any():
        raise found.limit
    return fine, _with_drift(errors, fine, found.drift, n_levels)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Convergence:
    """Levels on ever finer grids, and what had to be left undone."""

    fine: GridSolution
    history: list[NDArray[np.float64]]  # levels on each grid, coarse to fine
    limit: NodeLimitError | None  # of nodes, if there would have been too many
    drift: NDArray[np.float64] | None  # how far levels are from where a larger cut takes them


def _drift(narrow: GridSolution, wide: GridSolution) -> NDArray[np.float64]:
    """What a cut without end would take off the levels, if they are those of a long valley, (n,).

    Where U grows only linearly along a valley, its end is as far away as the cut is high, and a
    level nears its limit, the bottom of a continuous spectrum, as one over the square of that.
    Where U grows faster, states end by themselves, and little of them is left at a larger cut.
    """
    n = min(narrow.n_levels, wide.n_levels)
    moved = np.abs(narrow.levels[:n] - wide.levels[:n])
    stays = wide.truncation[:n] > _STAYS * narrow.truncation[:n]
    return np.where(stays, moved / ((wide.frame.cut / narrow.frame.cut) ** 2 - 1), 0.0)


def _with_drift(
    errors: NDArray[np.float64],
    fine: GridSolution,
    drift: NDArray[np.float64] | None,
    n_levels: int,
) -> NDArray[np.float64]:
    if drift is None:
        return errors
    n = min(len(drift), len(errors))
    errors = errors.copy()
    errors[:n] += drift[:n]
    moving = np.flatnonzero(drift[:n_levels] > _UNSETTLED * fine.levels[: len(drift[:n_levels])])
    if len(moving):
        share = drift[moving] / fine.levels[moving]
        msg = (
            f"{len(moving)} of {n_levels} levels still move by up to {share.max():.2g} of "
            "themselves as the grid is extended: the surface grows too slowly along some "
            "direction. If it grows only linearly there, the spectrum is continuous, and these "
            "are levels of the grid's box. Their errors say so; ask for fewer levels, or add a "
            "confining term."
        )
        warnings.warn(msg, TopopertWarning, stacklevel=4)
    return errors


def _converged(
    surface: EnergySurface, settings: GridSettings, n_levels: int, n_wanted: int
) -> _Convergence:
    growth = settings.coarser**surface.latent_dim
    fit = connected_grid(surface, settings)
    coarse = _solved_coarse(surface, fit, settings, n_wanted)
    drift = None
    for cut in settings.cuts:
        if fit.limit is not None or _is_settled(coarse, settings, n_levels):
            break
        if cut <= fit.frame.cut:
            continue
        try:
            wider = framed_grid(surface, settings, cut)
        except NodeLimitError:
            break
        if wider.limit is not None:
            break
        narrower, fit = coarse, wider
        coarse = _solved_coarse(surface, fit, settings, n_wanted)
        drift = None if _is_settled(coarse, settings, n_levels) else _drift(narrower, coarse)
    fine = _solved(fit.frame, fit.grid, n_wanted, float(coarse.levels[-1]))
    history = [coarse.levels, fine.levels]
    for _ in range(_MAX_REFINEMENTS):
        enough = fine.n_levels >= n_levels
        wanted = settings.accuracy * fine.levels[1:n_levels]
        accurate = enough and (grid_errors(history)[1:n_levels] <= wanted).all()
        # A surface with kinks or walls converges so slowly that no grid is fine enough.
        # Twice in a row: where barriers are not yet resolved, levels swing.
        rates = (convergence_rate(history), convergence_rate(history[:-1]))
        hopeless = enough and min(rates) > _HOPELESS
        if accurate or hopeless or growth * fine.grid.n_nodes > settings.refine_nodes:
            break
        finer = fine.frame.scaled(1 / settings.coarser)
        grid = finer.grid(surface, settings)
        fine = _solved(finer, grid, n_wanted, float(fine.levels[-1]))
        history.append(fine.levels)
    return _Convergence(fine=fine, history=history, limit=fit.limit, drift=drift)


def _is_settled(coarse: GridSolution, settings: GridSettings, n_levels: int) -> bool:
    """Whether the cut is no concern."""
    return bool((coarse.truncation[:n_levels] <= settings.accuracy).all())


def _solved_coarse(
    surface: EnergySurface, fit: FramedGrid, settings: GridSettings, n_wanted: int
) -> GridSolution:
    coarse = fit.frame.scaled(settings.coarser)
    return _solved(coarse, coarse.grid(surface, settings), n_wanted, 0.0)


def _errors(fine: GridSolution, history: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    rounding = _ROUNDING * float(fine.operator.matrix.diagonal().max())
    errors = grid_errors(history) + fine.truncation * fine.levels + rounding
    errors[0] = 0.0
    return errors


def _last_group_is_open(
    solution: GridSolution, errors: NDArray[np.float64], n_levels: int
) -> bool:
    """Whether the degeneracy of the last level asked for may go on beyond those found."""
    groups = level_groups(solution.levels, errors, TOLERANCE)
    more = solution.n_levels < solution.grid.n_nodes
    return more and n_levels <= len(groups) and bool(groups[n_levels - 1] == groups[-1])


def _solved(frame: Frame, grid: EnergyGrid, n_wanted: int, expected_top: float) -> GridSolution:
    operator = grid_operator(grid)
    n_wanted = min(n_wanted, grid.n_nodes)
    coarse_levels, vectors = lowest_eigenpairs(
        operator.matrix,
        n_wanted,
        scale=_level_scale(grid, operator),
        expected_top=max(_weyl_level(grid, operator, n_wanted), expected_top),
        factorise=grid.kept.ndim < 3,
    )
    levels, sharper = refined_levels(grid, operator.root, vectors)
    # Where the grid does not resolve the surface the sharper form may turn negative; H cannot.
    rounding = _ROUNDING * float(operator.matrix.diagonal().max())
    if (levels < -_MANY * rounding).any():
        levels, sharper = coarse_levels, vectors
        sharper[:, 0] = operator.root
    levels = np.maximum(levels, 0.0)
    levels[0] = 0.0
    return GridSolution(
        frame=frame,
        grid=grid,
        operator=operator,
        levels=levels,
        vectors=sharper,
        truncation=truncation_errors(grid.energy[grid.kept], frame.cut, sharper),
    )


def _level_scale(grid: EnergyGrid, operator: GridOperator) -> float:
    """An upper bound of level 1: 1/variance, the quotient of a coordinate as a mode."""
    nodes, weights = grid.nodes(), operator.root**2
    variance = weights @ nodes**2 - (weights @ nodes) ** 2
    return float(1 / max(variance.max(), grid.spacing.min() ** 2))


def _weyl_level(grid: EnergyGrid, operator: GridOperator, n_levels: int) -> float:
    """The energy below which the phase space holds n_levels cells: level n, roughly.

    References:
        Reed & Simon, Methods of Modern Mathematical Physics IV (1978), section XIII.15.
    """
    d = grid.kept.ndim
    potential = operator.matrix @ np.ones(grid.n_nodes)  # Δ_hψ/ψ
    ball = math.pi ** (d / 2) / math.gamma(d / 2 + 1) / (2 * math.pi) ** d * grid.cell
    low, high = 0.0, float(operator.matrix.diagonal().max())
    for _ in range(30):
        middle = 0.5 * (low + high)
        count = ball * (np.maximum(middle - potential, 0.0) ** (d / 2)).sum()
        low, high = (middle, high) if count < n_levels else (low, middle)
    return high
