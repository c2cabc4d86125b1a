"""Draws from surfaces of each kind against their exact distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

import topopert as tp
from topopert.hamiltonian.dynamics import sample_surface
from topopert.hamiltonian.dynamics.chains import converged_chains
from topopert.hamiltonian.surfaces import (
    EnergySurface,
    FunctionSurface,
    MixtureSurface,
    TiltedSurface,
)


def check_marginals(draws: Tensor, surface: EnergySurface, low: float, high: float) -> None:
    """Kolmogorov's statistic along each axis, 1.95 being exceeded once in a thousand."""
    d = draws.shape[1]
    axis = torch.linspace(low, high, {1: 8001, 2: 801}[d], dtype=torch.float64)
    density = (-surface.on_grid([axis] * d)).flatten().softmax(dim=0).reshape([len(axis)] * d)
    ranks = (np.arange(len(draws)) + 0.5) / len(draws)
    for k in range(d):
        marginal = density if d == 1 else density.sum(dim=1 - k)
        exact = np.interp(draws[:, k].sort().values, axis, marginal.cumsum(dim=0) - 0.5 * marginal)
        assert math.sqrt(len(draws)) * np.abs(exact - ranks).max() < 1.95


def wells() -> tp.WellPotential:
    spec = tp.WellSpec(
        centers=np.array([[-1.5, 0.5], [1.2, -0.3]]),
        depths=np.array([2.0, 1.5]),
        widths=np.array([0.5, 0.6]),
    )
    return tp.WellPotential(spec)


def test_mixtures_are_drawn_from_exactly(generator) -> None:
    means = torch.tensor([[-1.0, 0.0], [2.0, 1.0]], dtype=torch.float64)
    weights = torch.tensor([0.8, 0.2], dtype=torch.float64)
    surface = MixtureSurface(means, torch.full_like(means, 0.3), weights)
    check_marginals(sample_surface(surface, 20_000, generator=generator), surface, -5, 6)


def test_tilted_priors_are_drawn_from_exactly(generator) -> None:
    surface = TiltedSurface(wells(), 1.0, 2)
    draws = sample_surface(surface, 20_000, generator=generator)
    assert draws.dtype == torch.float64
    check_marginals(draws, surface, -6, 6)


def camel(z: Tensor) -> Tensor:
    """Six minima; Dixon & Szegö (1978)."""
    x, y = z.unbind(dim=1)
    return (4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + (4 * y**2 - 4) * y**2


@pytest.mark.slow
def test_functions_in_the_plane_are_drawn_from(generator) -> None:
    surface = FunctionSurface(camel, 2, width=0.5)
    check_marginals(sample_surface(surface, 10_000, generator=generator), surface, -4, 4)


def test_functions_are_drawn_from_wherever_they_are(generator) -> None:
    double_well = FunctionSurface(lambda z: 4 * (z[:, 0] ** 2 - 1) ** 2, 1, width=0.3)
    check_marginals(sample_surface(double_well, 5_000, generator=generator), double_well, -3, 3)
    narrow = FunctionSurface(lambda z: 0.5 * ((z[:, 0] - 5) / 0.01) ** 2, 1, width=0.01)
    check_marginals(sample_surface(narrow, 5_000, generator=generator), narrow, 4.9, 5.1)


def test_colder_and_hotter_mixtures_are_drawn_from(generator) -> None:
    means = torch.tensor([[-1.0], [1.5]], dtype=torch.float64)
    surface = MixtureSurface(means, torch.full_like(means, 0.3))
    for temperature in (0.5, 2.0):
        tempered = surface.tempered(temperature)
        check_marginals(sample_surface(tempered, 5_000, generator=generator), tempered, -8, 8)


@pytest.mark.slow
def test_products_of_double_wells_in_four_dimensions(generator) -> None:
    surface = FunctionSurface(lambda z: 2 * (z**2 - 1).square().sum(dim=1), 4, width=0.5)
    draws = sample_surface(surface, 4_000, generator=generator)
    line = FunctionSurface(lambda z: 2 * (z[:, 0] ** 2 - 1) ** 2, 1)
    for k in range(4):
        check_marginals(draws[::2, k, None], line, -3, 3)
    signs = draws.sign()
    assert float((signs.T @ signs / len(draws) - torch.eye(4)).abs().max()) < 0.07


def test_chains_that_do_not_meet_are_said(generator) -> None:
    surface = FunctionSurface(lambda z: 30 * (z**2 - 1).square().sum(dim=1), 4, width=0.3)
    with pytest.warns(tp.TopopertWarning, match=r"R̂ is .* 512 steps, .* weights of the basins"):
        converged_chains(surface, 10, generator=generator, max_steps=512)


def test_the_generator_alone_decides() -> None:
    surface = FunctionSurface(lambda z: z.square().sum(dim=1).square(), 1)
    before = torch.get_rng_state()
    draws = [
        sample_surface(surface, 20, generator=torch.Generator().manual_seed(k)) for k in (0, 0, 1)
    ]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("n", [-1, 2.5, True])
def test_a_number_of_draws_is_wanted(generator, n) -> None:
    with pytest.raises(tp.InvalidInputError, match="`n`"):
        sample_surface(TiltedSurface(wells(), 1.0, 2), n, generator=generator)


def test_no_draws_are_an_empty_tensor(generator) -> None:
    means = torch.zeros(1, 2, dtype=torch.float64)
    for surface in (TiltedSurface(wells(), 1.0, 2), MixtureSurface(means, means + 1)):
        assert sample_surface(surface, 0, generator=generator).shape == (0, 2)


def test_energies_that_are_infinite_everywhere_are_refused(generator) -> None:
    surface = FunctionSurface(lambda z: torch.full_like(z[:, 0], math.inf), 1)
    with pytest.raises(tp.InvalidInputError, match="infinite wherever"):
        sample_surface(surface, 10, generator=generator)


@pytest.mark.parametrize("seed", [None, 0, np.random.default_rng(0)])
def test_randomness_is_a_torch_generator_everywhere(seed) -> None:
    mean = np.array([[-1.5, 0.0], [1.5, 0.0]])
    landscape = tp.EnergyLandscape.from_posterior(mean, np.full((2, 2), -2.0))
    start = torch.zeros(3, 2)
    for draw in (
        lambda: landscape.simulate(start, 4, generator=seed),
        lambda: landscape.simulate(start, 4, dynamics="underdamped", generator=seed),
        lambda: landscape.sample(4, generator=seed),
    ):
        with pytest.raises(tp.InvalidInputError, match=r"must be a torch\.Generator"):
            draw()
