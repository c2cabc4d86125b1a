"""Rates: our spectrum and our walkers against deeptime's chains, trajectories and Markov models.

deeptime's noise is dX = −∇V dt + σ dW, that of temperature T = σ²/2: σ² = kT/2 for its double well
in the plane, so T = 1/4, and σ = 1.09 for its triple well.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from topopert.hamiltonian.dynamics import overdamped_langevin
from topopert.hamiltonian.grids import grid_spectrum
from topopert.hamiltonian.surfaces import FunctionSurface

data = pytest.importorskip("deeptime.data")
markov = pytest.importorskip("deeptime.markov")
msm = pytest.importorskip("deeptime.markov.msm")

pytestmark = pytest.mark.integration


def double_well(z: Tensor) -> Tensor:
    x, y = z.unbind(dim=1)
    return (x**2 - 1) ** 2 + y**2


def triple_well(z: Tensor) -> Tensor:
    """Schütte & Sarich, Metastability and Markov State Models in Molecular Dynamics (2013)."""
    x, y = z.unbind(dim=1)
    return (
        3 * (-(x**2) - (y - 1 / 3) ** 2).exp()
        - 3 * (-(x**2) - (y - 5 / 3) ** 2).exp()
        - 5 * (-((x - 1) ** 2) - y**2).exp()
        - 5 * (-((x + 1) ** 2) - y**2).exp()
        + 0.2 * x**4
        + 0.2 * (y - 1 / 3) ** 4
    )


TRIPLE_TEMPERATURE = 1.09**2 / 2


def rates(
    trajectories: list[NDArray[np.float64]],
    edges: list[NDArray[np.float64]],
    *,
    frame: float,
    lag: int,
    n: int,
) -> NDArray[np.float64]:
    """The slowest rates by deeptime: cells of a grid, a reversible model, its timescales."""
    shape = [len(edge) + 1 for edge in edges]
    cells = [
        np.ravel_multi_index(
            [np.digitize(path[:, k], edge) for k, edge in enumerate(edges)], shape
        )
        for path in trajectories
    ]
    counts = markov.TransitionCountEstimator(lag, "sliding").fit_fetch(cells).submodel_largest()
    model = msm.MaximumLikelihoodMSM(reversible=True).fit_fetch(counts)
    return 1 / (model.timescales(n) * frame)


def starts(n: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    z = 0.3 * rng.normal(size=(n, 2))
    z[:, 0] += np.where(np.arange(n) % 2, 1.0, -1.0)
    return z


def test_levels_are_the_rates_of_a_fine_metropolis_chain() -> None:
    """Jumps to neighbours a distance h away, ¼ to either side: diffusion of constant h²/4.

    Metropolis' rule makes the error one of first order in h, which Richardson's removes.
    """

    def energy(z: Tensor) -> Tensor:
        return 4 * (z[:, 0] ** 2 - 1) ** 2 + z[:, 0]

    levels = grid_spectrum(FunctionSurface(energy, 1, width=0.3), n_levels=3).levels[1:]
    found = []
    for h in (0.02, 0.01):
        z = torch.arange(-1.75, 1.75 + h / 2, h, dtype=torch.float64)
        chain = msm.MarkovStateModel(data.tmatrix_metropolis1d(energy(z[:, None]).numpy(), d=0.5))
        found.append(1 / chain.timescales(2) / (0.25 * h**2))
    errors = [np.abs(f / levels.numpy() - 1) for f in found]
    np.testing.assert_allclose(errors[0] / errors[1], 2, atol=0.2)
    np.testing.assert_allclose(2 * found[1] - found[0], levels, rtol=2e-3)


def test_the_potentials_are_theirs() -> None:
    z = np.random.default_rng(0).normal(size=(50, 2))
    for system, own in (
        (data.double_well_2d(), double_well),
        (data.triple_well_2d(), triple_well),
    ):
        np.testing.assert_allclose(own(torch.from_numpy(z)), system.potential(z).ravel())


def test_the_double_wells_rate_from_their_trajectories_and_from_ours() -> None:
    surface = FunctionSurface(double_well, 2, width=0.3)
    level = float(grid_spectrum(surface, n_levels=2, temperature=0.25).levels[1])
    edges = [np.linspace(-1.6, 1.6, 21), np.linspace(-1.2, 1.2, 9)]
    theirs = data.double_well_2d(h=2e-3, n_steps=50).trajectory(
        starts(200), 1500, seed=3, n_jobs=1
    )
    ours = (
        overdamped_langevin(
            surface,
            torch.from_numpy(starts(1000)),
            15_000,
            temperature=0.25,
            step_size=0.01,
            every=10,
            generator=torch.Generator().manual_seed(0),
        )
        .points.transpose(0, 1)
        .numpy()
    )
    for paths in (theirs, ours):
        (rate,) = rates(list(paths), edges, frame=0.1, lag=10, n=1)
        # 200 walkers in 150 units of time relax some 900 times; ours are five times as many.
        assert rate == pytest.approx(level, rel=0.08 if paths is theirs else 0.04)


def test_the_triple_wells_rates_from_their_trajectories_and_from_ours() -> None:
    surface = FunctionSurface(triple_well, 2, width=0.5)
    levels = grid_spectrum(surface, n_levels=3, temperature=TRIPLE_TEMPERATURE).levels[1:]
    edges = [np.linspace(-2, 2, 21), np.linspace(-1.2, 2.2, 18)]
    theirs = data.triple_well_2d(h=1e-3, n_steps=100).trajectory(
        starts(100), 1500, seed=3, n_jobs=1
    )
    ours = (
        overdamped_langevin(
            surface,
            torch.from_numpy(starts(500)),
            15_000,
            temperature=TRIPLE_TEMPERATURE,
            step_size=5e-3,
            every=20,
            generator=torch.Generator().manual_seed(0),
        )
        .points.transpose(0, 1)
        .numpy()
    )
    for paths in (theirs, ours):
        found = rates(list(paths), edges, frame=0.1, lag=5, n=2)
        np.testing.assert_allclose(found, levels, rtol=0.08 if paths is theirs else 0.05)


def test_their_walkers_and_ours_are_distributed_alike() -> None:
    """Two-sample statistic of Kolmogorov and Smirnov, 1.95 being exceeded once in a thousand."""
    start = starts(4000)
    time = 1.0
    theirs = data.triple_well_2d(h=1e-3, n_steps=1000)(start, seed=5, n_jobs=1)
    ours = overdamped_langevin(
        FunctionSurface(triple_well, 2, width=0.5),
        torch.from_numpy(start),
        1000,
        temperature=TRIPLE_TEMPERATURE,
        step_size=time / 1000,
        every=1000,
        generator=torch.Generator().manual_seed(0),
    ).points[-1]
    for k in range(2):
        a, b = np.sort(theirs[:, k]), np.sort(ours[:, k].numpy())
        both = np.concatenate([a, b])
        gap = np.searchsorted(a, both, side="right") - np.searchsorted(b, both, side="right")
        assert np.abs(gap).max() / 4000 * np.sqrt(2000) < 1.95
