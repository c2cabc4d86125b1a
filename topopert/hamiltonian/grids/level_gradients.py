"""Levels that can be differentiated: a spectral gap as a training target."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topopert._checks import check_count, check_strided
from topopert.errors import InvalidInputError
from topopert.hamiltonian.couplings import Constant
from topopert.hamiltonian.posterior import check_posterior
from topopert.hamiltonian.potentials.potential import Potential
from topopert.hamiltonian.spectra.degeneracy import level_groups
from topopert.hamiltonian.surfaces import (
    EnergySurface,
    MixtureSurface,
    TiltedSurface,
    posterior_surface,
)

from .grid_solution import MAX_GRID_DIM, TOLERANCE, solve_on_grids
from .refinement import refined_slopes
from .slope_response import slope_response

__all__ = ["differentiable_levels", "differentiable_posterior_levels"]

# Nodes whose slopes are below this share of the greatest are left out: they are at the rim.
_NEGLIGIBLE = 1e-14
# Slopes err by a state's own error, levels by its square: states are to be better here.
_EXTRA = 24
_ACCURACY = {1: 1e-6, 2: 1e-6, 3: 5e-4}


def differentiable_levels(
    potential: Potential | Callable[[Tensor], Tensor],
    *,
    coupling: float | Constant | Tensor,
    latent_dim: int,
    n_levels: int,
) -> Tensor:
    """The lowest levels of H_λ with their gradients, shape (n_levels,), double precision.

    The gradient of E_k is E_p[(E_k f_k² − ∣∇f_k∣²) ∂U] in whatever V depends on, and in λ
    (Hellmann and Feynman), in the form that is exact for the levels of the grid. Each level of a
    degenerate group gets the gradient of the group's mean: single levels have none there. The
    graph is good for one derivative; V is evaluated with it once, at all nodes of the grid. With
    another number of threads the levels differ by rounding, some 1e-15.

    Args:
        potential: V, which depends on the code alone; a function of codes (B, d) is one.
        coupling: λ ≥ 0; a tensor of one value gets a gradient too.
        latent_dim: d ≤ 3.
        n_levels: How many levels, the ground level included.

    Raises:
        InvalidInputError: If d > 3 or as `grid_spectrum` does.
        BackendError: If the eigensolver did not converge.
    """
    if isinstance(coupling, Tensor):
        check_strided(coupling, name="coupling")
        if coupling.numel() != 1 or coupling.is_complex():
            msg = (
                f"`coupling` must hold one real value, got {coupling.dtype} of shape "
                f"{tuple(coupling.shape)}."
            )
            raise InvalidInputError(msg)
        strength: float | Constant = float(coupling.detach())
    else:
        strength = coupling
    surface = TiltedSurface(potential, strength, latent_dim)  # checks it
    if isinstance(coupling, Tensor):
        factor = coupling.reshape(()).double()
    else:
        value = coupling.value if isinstance(coupling, Constant) else coupling
        factor = torch.tensor(value, dtype=torch.float64)
    unit = TiltedSurface(potential, 1.0, latent_dim)

    def energy(z: Tensor) -> Tensor:
        prior = 0.5 * z.square().sum(dim=1)
        return prior + factor.to(z.device) * (unit.energy(z) - prior)

    return _with_gradients(surface, energy, n_levels)


def differentiable_posterior_levels(mean: Tensor, logvar: Tensor, *, n_levels: int) -> Tensor:
    """The lowest levels of −log q̄ with gradients in mean and logvar, shape (n_levels,), double.

    q̄ is the aggregated posterior (1/N) Σᵢ N(μᵢ, diag σᵢ²). See `differentiable_levels`.

    Args:
        mean: μ, shape (N, d), d ≤ 3.
        logvar: log σ², shape (N, d).
        n_levels: How many levels, the ground level included.

    Raises:
        InvalidInputError: If a shape is wrong, a value not finite, d > 3, or as `grid_spectrum`
            does.
        BackendError: If the eigensolver did not converge.
    """
    check_posterior(mean, logvar)
    surface = posterior_surface(mean, logvar)
    mixture = MixtureSurface(mean.double(), logvar.double().exp())
    return _with_gradients(surface, mixture.energy, n_levels)


def _with_gradients(
    surface: EnergySurface, energy: Callable[[Tensor], Tensor], n_levels: int
) -> Tensor:
    n_levels = check_count(n_levels, name="n_levels")
    if surface.latent_dim > MAX_GRID_DIM:
        msg = (
            f"Differentiable levels need a grid, so d ≤ {MAX_GRID_DIM}, got "
            f"{surface.latent_dim}. Project the codes first."
        )
        raise InvalidInputError(msg)
    with torch.no_grad():
        solution, errors = solve_on_grids(
            surface, n_levels, n_extra=_EXTRA, accuracy=_ACCURACY[surface.latent_dim]
        )
    groups = level_groups(solution.levels, errors, TOLERANCE)
    grid, operator = solution.grid, solution.operator
    # Whole groups, so that their means can be taken; the levels beyond are those of the space.
    n_whole = int((groups <= groups[n_levels - 1]).sum())
    slopes = refined_slopes(grid, operator.root, solution.vectors[:, :n_whole])
    slopes += slope_response(grid, operator, solution.levels, solution.vectors, n_whole)
    slopes = _group_means(slopes, groups[:n_whole])[:, :n_levels]
    size = np.abs(slopes).max(axis=1)
    counted = size > _NEGLIGIBLE * max(size.max(), np.finfo(np.float64).tiny)
    device = surface.device
    nodes = torch.from_numpy(grid.nodes()[counted]).to(device)
    weights = torch.from_numpy(slopes[counted].T.copy()).to(device)
    levels = torch.from_numpy(solution.levels[:n_levels].copy()).to(device)
    at_nodes = energy(nodes)
    # Its value is 0 and its derivative that of the levels.
    return levels + weights @ (at_nodes - at_nodes.detach())


def _group_means(slopes: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each column replaced by the mean over its group."""
    member = groups[:, None] == np.arange(groups[-1] + 1)  # (n, groups)
    return (slopes @ (member / member.sum(axis=0)))[:, groups]
