"""Speed of the spectrum solvers."""

from __future__ import annotations

import torch
from scipy.sparse import linalg

from topopert.hamiltonian.grids.grid import EnergyGrid
from topopert.hamiltonian.grids.grid_solution import solve_on_grids
from topopert.hamiltonian.grids.operator import grid_operator
from topopert.hamiltonian.level_solver import surface_spectrum
from topopert.hamiltonian.surfaces import MixtureSurface

from .timing import ratio

__all__ = ["bench_spectrum"]

_N_LEVELS = 20


def posterior(latent_dim: int) -> MixtureSurface:
    """1000 components of standard deviations .2 to .5 about means of variance 1."""
    generator = torch.Generator().manual_seed(0)
    means = torch.randn(1000, latent_dim, generator=generator, dtype=torch.float64)
    spread = torch.rand(1000, latent_dim, generator=generator, dtype=torch.float64)
    return MixtureSurface(means, (0.2 + 0.3 * spread).square())


def parts(surface: MixtureSurface, grid: EnergyGrid) -> None:
    """Three energies of the whole grid and one shift-invert solve of its operator."""
    nodes = torch.cartesian_prod(*[torch.from_numpy(axis) for axis in grid.axes])
    with torch.no_grad():
        for _ in range(3):
            surface.energy(nodes)
    linalg.eigsh(grid_operator(grid).matrix, _N_LEVELS, sigma=-1e-3)


def bench_spectrum() -> None:
    plane = posterior(2)
    solution, errors = solve_on_grids(plane, _N_LEVELS)
    largest = (errors[1:_N_LEVELS] / solution.levels[1:_N_LEVELS]).max()
    ratio(
        f"20 levels, 1000 data, d = 2, to {largest:.0e} / 3 energies of the grid + 1 solve",
        lambda: surface_spectrum(plane, n_levels=_N_LEVELS),
        lambda: parts(plane, solution.grid),
        rounds=5,
    )
    space = posterior(8)
    ratio(
        "20 levels, 1000 data, d = 8 / the same of d = 2",
        lambda: surface_spectrum(space, n_levels=_N_LEVELS),
        lambda: parts(plane, solution.grid),
        rounds=3,
    )
