"""The spectrum of a surface on a grid, d ≤ 3: the public record of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topopert._checks import check_count, check_real
from topopert.errors import InvalidInputError
from topopert.hamiltonian.spectra.degeneracy import degeneracies, level_groups
from topopert.hamiltonian.spectra.functions import Modes, States
from topopert.hamiltonian.spectra.mode_signs import mode_signs
from topopert.hamiltonian.spectra.record import Spectrum, WeightedNodes
from topopert.hamiltonian.surfaces import EnergySurface

from .activation import activation_energies
from .grid_solution import MAX_GRID_DIM, TOLERANCE, GridSolution, solve_on_grids
from .interpolation import grid_spline
from .refinement import refined_slopes

__all__ = ["grid_spectrum"]

# Modes are trusted where ψ is above this share of its greatest value.
_TRUSTED = 1e-6


def grid_spectrum(
    surface: EnergySurface,
    *,
    n_levels: int,
    temperature: float = 1.0,
    accuracy: float | None = None,
) -> Spectrum:
    """The lowest levels of a surface in one, two or three dimensions.

    H is put on a grid by finite differences of order 6 that are matched to the ground state, so
    that level 0 is exactly 0; the levels are then those of the exact Laplacian of the grid in the
    space of the states found. Errors are estimated by a second, coarser grid, and the grid is
    refined while they are above the accuracy and it is not too large. States are splines of degree
    5 through the modes; beyond the nodes, where p is below e^(−24), modes stay constant. With
    another number of threads levels and states differ by rounding, some 1e-15.

    Args:
        surface: U, d ≤ 3.
        n_levels: How many levels, the ground level included.
        temperature: T > 0.
        accuracy: The relative error of levels that is aimed at; None takes 1e-4, in three
            dimensions 5e-3.

    Raises:
        InvalidInputError: If the surface does not confine, is NaN somewhere, has d > 3 or would
            need too many nodes, or an argument is out of range.
        BackendError: If the eigensolver did not converge.

    Warns:
        TopopertWarning: If the surface grows so slowly that levels depend on where the grid ends.
    """
    n_levels = check_count(n_levels, name="n_levels")
    temperature = check_real(temperature, name="temperature", low=0.0, low_open=True)
    if accuracy is not None:
        accuracy = check_real(accuracy, name="accuracy", low=0.0, low_open=True)
    d = surface.latent_dim
    if d > MAX_GRID_DIM:
        msg = (
            f"A grid needs d ≤ 3, got d = {d}. Take method='marginal' for a posterior, "
            "'structure' for wells, or 'ritz'."
        )
        raise InvalidInputError(msg)
    solution, errors = solve_on_grids(surface.tempered(temperature), n_levels, accuracy=accuracy)
    return _record(solution, errors, n_levels, surface, temperature)


def _record(
    solution: GridSolution,
    errors: NDArray[np.float64],
    n_levels: int,
    surface: EnergySurface,
    temperature: float,
) -> Spectrum:
    grid, operator, device = solution.grid, solution.operator, surface.device
    groups = level_groups(solution.levels, errors, TOLERANCE)
    weights = operator.root**2
    modes = solution.vectors / operator.root[:, None]
    modes = modes * mode_signs(grid.nodes(), weights, modes)
    modes[:, 0] = 1.0
    modes = modes[:, :n_levels]
    # Further out the solver's rounding is all that a mode holds.
    trusted = operator.root > _TRUSTED * operator.root.max()
    functions = Modes(surface, grid_spline(grid, modes, trusted, device))
    log_normalizer = -grid.offset + math.log(grid.cell * np.exp(-grid.energy[grid.kept]).sum())
    levels = solution.levels[:n_levels]
    slopes = refined_slopes(grid, operator.root, solution.vectors[:, :n_levels])
    activation = activation_energies(grid.energy[grid.kept], slopes, levels) * temperature

    def tensor(values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)

    return Spectrum(
        levels=tensor(temperature * levels),
        degeneracies=tensor(degeneracies(groups)[:n_levels]),
        errors=tensor(temperature * errors[:n_levels]),
        activation_energies=tensor(activation),
        states=States(modes=functions, temperature=temperature, log_normalizer=log_normalizer),
        modes=functions,
        sample=WeightedNodes(
            nodes=tensor(grid.nodes()), weights=tensor(weights), modes=tensor(modes)
        ),
        surface=surface,
        temperature=temperature,
        method="grid",
        error_kind="grid of other spacing",
        tolerance=TOLERANCE,
    )
