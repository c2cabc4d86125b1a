"""Overdamped Langevin dynamics against exact densities, known errors and the spectrum."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

import topopert as tp
from topopert.hamiltonian.dynamics import overdamped_langevin
from topopert.hamiltonian.grids import grid_spectrum
from topopert.hamiltonian.surfaces import (
    EnergySurface,
    FunctionSurface,
    MixtureSurface,
    TiltedSurface,
)


def double_well(z: Tensor) -> Tensor:
    return (z[:, 0].square() - 1).square() + 0.5 * z[:, 0]


def two_gaussians() -> MixtureSurface:
    means = torch.tensor([[-1.3, 0.0], [1.3, 0.4]], dtype=torch.float64)
    return MixtureSurface(means, torch.full_like(means, 0.5))


def three_wells() -> TiltedSurface:
    angle = 2 * math.pi * np.arange(3) / 3
    spec = tp.WellSpec(
        centers=1.3 * np.stack([np.cos(angle), np.sin(angle)], axis=1),
        depths=np.array([2.0, 2.5, 3.0]),
        widths=np.array([0.6, 0.6, 0.7]),
    )
    return TiltedSurface(tp.WellPotential(spec).double(), 1.0, 2)


def kolmogorov(draws: Tensor, surface: EnergySurface, temperature: float = 1.0) -> float:
    """√n times the largest distance from the exact distribution function, in d = 1."""
    axis = torch.linspace(-6, 6, 24001, dtype=torch.float64)
    density = (-surface.on_grid([axis]) / temperature).softmax(dim=0)
    exact = np.interp(draws.sort().values, axis, density.cumsum(dim=0) - 0.5 * density)
    ranks = (np.arange(len(draws)) + 0.5) / len(draws)
    return math.sqrt(len(draws)) * float(np.abs(exact - ranks).max())


# 1.63 is exceeded once in a hundred, 1.95 once in a thousand.
@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_metropolis_reaches_the_double_well_from_anywhere(generator, temperature: float) -> None:
    surface = FunctionSurface(double_well, 1, width=0.5)
    start = torch.linspace(-2, 2, 6_000, dtype=torch.float64)[:, None]
    walk = overdamped_langevin(
        surface,
        start,
        250,
        temperature=temperature,
        step_size=0.15,
        metropolis=True,
        every=250,
        generator=generator,
    )
    assert kolmogorov(walk.points[-1, :, 0], surface, temperature) < 1.63
    # The other temperature is another density.
    assert kolmogorov(walk.points[-1, :, 0], surface, 1.5 - temperature) > 5


def test_metropolis_keeps_the_density_at_steps_that_ruin_eulers(generator) -> None:
    surface = FunctionSurface(lambda z: z.square().sum(dim=1) + (2 * z[:, 0]).cos(), 1)
    start = surface_draws(surface, 10_000, generator)
    walks = [
        overdamped_langevin(
            surface, start, 20, step_size=0.25, metropolis=exact, every=20, generator=generator
        )
        for exact in (True, False)
    ]
    exact, euler = (kolmogorov(walk.points[-1, :, 0], surface) for walk in walks)
    assert exact < 1.63
    assert euler > 4
    assert 0.5 < float(walks[0].acceptance.mean()) < 0.95
    assert (walks[1].acceptance == 1).all()


def surface_draws(surface: EnergySurface, n: int, generator: torch.Generator) -> Tensor:
    """Exact draws in d = 1, by inverting the distribution function."""
    axis = torch.linspace(-6, 6, 24001, dtype=torch.float64)
    density = (-surface.on_grid([axis])).softmax(dim=0)
    levels = torch.rand(n, generator=generator, dtype=torch.float64)
    cumulated = density.cumsum(dim=0) - 0.5 * density
    return torch.from_numpy(np.interp(levels, cumulated, axis))[:, None]


def test_moments_of_wells_in_the_plane_are_those_of_a_grid(generator) -> None:
    surface = three_wells()
    axis = torch.linspace(-6, 6, 241, dtype=torch.float64)
    density = (-surface.on_grid([axis, axis])).flatten().softmax(dim=0)
    nodes = torch.cartesian_prod(axis, axis)
    start = torch.randn(5_000, 2, generator=generator, dtype=torch.float64)
    walk = overdamped_langevin(
        surface, start, 150, step_size=0.2, metropolis=True, every=150, generator=generator
    )
    z = walk.points[-1]

    def moments(z: Tensor) -> Tensor:
        x, y = z.unbind(dim=1)
        return torch.stack([x, y, x * x, x * y, y * y, x**3, x * x * y, surface.energy(z)], dim=1)

    expected = density @ moments(nodes)
    error = moments(z).std(dim=0) / math.sqrt(len(z))
    assert ((moments(z).mean(dim=0) - expected).abs() < 3.5 * error).all()


def test_detailed_balance_between_three_wells(generator) -> None:
    """Walkers at rest go from cell to cell as often as back, so nothing turns round the circle."""
    surface = three_wells()
    start = torch.randn(3_000, 2, generator=generator, dtype=torch.float64)
    walk = overdamped_langevin(
        surface, start, 400, step_size=0.2, metropolis=True, every=10, generator=generator
    )
    frames = walk.points[10:]
    cells = torch.atan2(frames[..., 1], frames[..., 0]) + math.pi / 3
    cells = torch.div(cells % (2 * math.pi), 2 * math.pi / 3, rounding_mode="floor").long()
    pairs = torch.bincount((3 * cells[:-1] + cells[1:]).flatten(), minlength=9).reshape(3, 3)
    forth, back = (pairs[[0, 1, 2], order].double() for order in ([1, 2, 0], [2, 0, 1]))
    back = back[[1, 2, 0]]  # from j to i beside from i to j
    assert (forth > 1000).all()
    # χ² of three pairs: 11.3 is exceeded once in a hundred.
    assert float(((forth - back).square() / (forth + back)).sum()) < 11.3
    assert abs(float((forth - back).sum())) < 2.6 * math.sqrt(float((forth + back).sum()))


def test_one_step_of_metropolis_is_reversible(generator) -> None:
    """E[f(z₀) g(z₁)] = E[g(z₀) f(z₁)] for draws z₀ of the density, whatever the step."""
    surface = two_gaussians()
    start = surface.sample(100_000, generator=generator)
    for step_size in (0.1, 0.8):
        walk = overdamped_langevin(
            surface, start, 1, step_size=step_size, metropolis=True, generator=generator
        )
        before, after = walk.points
        flux = before[:, 0] * after[:, 1].square() - after[:, 0] * before[:, 1].square()
        flux = torch.stack(
            [flux, before[:, 0] ** 3 * after[:, 0] - after[:, 0] ** 3 * before[:, 0]]
        )
        error = flux.std(dim=1) / math.sqrt(flux.shape[1])
        assert (flux.mean(dim=1).abs() < 3 * error).all()


@pytest.mark.parametrize("step_size", [0.1, 0.05])
def test_eulers_variance_in_a_parabola_is_too_large_by_half_the_step(
    generator, step_size: float
) -> None:
    """z' = (1 − hk)z + √(2Th) ξ has variance T/(k(1 − hk/2))."""
    stiffness, temperature = 4.0, 0.7
    surface = FunctionSurface(lambda z: 0.5 * stiffness * z.square().sum(dim=1), 2, width=0.5)
    start = torch.zeros(10_000, 2, dtype=torch.float64)
    walk = overdamped_langevin(
        surface,
        start,
        240,
        temperature=temperature,
        step_size=step_size,
        every=20,
        generator=generator,
    )
    expected = temperature / (stiffness * (1 - 0.5 * step_size * stiffness))
    # 10 frames of 20 000 coordinates, hardly correlated
    assert float(walk.points[3:].square().mean()) == pytest.approx(expected, rel=0.01)


@pytest.mark.slow
def test_eulers_averages_err_by_the_first_order_of_the_step(generator) -> None:
    surface = TiltedSurface(lambda z: (1.5 * z[:, 0]).cos(), 1.0, 1)
    axis = torch.linspace(-12, 12, 20001, dtype=torch.float64)
    exact = float((-surface.on_grid([axis])).softmax(dim=0) @ (2 * axis).cos())
    start = surface_draws(surface, 20_000, generator)
    errors = []
    for step_size in (0.3, 0.15):
        walk = overdamped_langevin(
            surface, start, 240, step_size=step_size, every=12, generator=generator
        )
        errors.append(float((2 * walk.points[5:]).cos().mean()) - exact)
    assert errors[0] == pytest.approx(0.153, abs=0.008)
    assert 1.8 < errors[0] / errors[1] < 2.4


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_modes_decay_at_the_rates_of_the_spectrum(generator, temperature: float) -> None:
    """E[f_k(z₀) f_k(z_t)] = e^{−E_k t} at rest, f_k and E_k from finite differences on a grid."""
    surface = three_wells()
    spectrum = grid_spectrum(surface, n_levels=4, temperature=temperature)
    start = torch.randn(12_000, 2, generator=generator, dtype=torch.float64)
    step_size = 0.02
    options = {"temperature": temperature, "metropolis": True, "generator": generator}
    start = overdamped_langevin(surface, start, 150, step_size=0.15, every=150, **options).points[
        -1
    ]
    n_steps = round(1 / float(spectrum.levels[1]) / step_size / 4) * 4
    walk = overdamped_langevin(
        surface, start, n_steps, step_size=step_size, every=n_steps // 4, **options
    )
    first = spectrum.modes(walk.points[0])[:, 1:]
    for time, z in zip(walk.times[1:], walk.points[1:], strict=True):
        products = first * spectrum.modes(z)[:, 1:]  # (B, 3)
        error = products.std(dim=0) / math.sqrt(len(z))
        expected = (-spectrum.levels[1:] * time).exp()
        assert ((products.mean(dim=0) - expected).abs() < 3.5 * error).all()
    assert float(walk.acceptance.mean()) > 0.98


def test_a_temperature_is_a_scale_of_energy_and_of_time(generator) -> None:
    """dz = −∇U dt + √(2T) dW is the dynamics of U/T at temperature 1, time T-fold."""
    surface = three_wells()
    start = torch.randn(50, 2, generator=generator, dtype=torch.float64)
    for metropolis in (False, True):
        walks = [
            overdamped_langevin(
                some,
                start,
                40,
                temperature=temperature,
                step_size=0.05 * 0.4 / temperature,
                metropolis=metropolis,
                generator=torch.Generator().manual_seed(1),
            )
            for some, temperature in ((surface, 0.4), (surface.tempered(0.4), 1.0))
        ]
        torch.testing.assert_close(walks[0].points, walks[1].points)
        torch.testing.assert_close(0.4 * walks[0].times, walks[1].times)


def test_the_generator_alone_decides() -> None:
    surface, start = two_gaussians(), torch.zeros(7, 2)
    before = torch.get_rng_state()

    def points(seed: int) -> Tensor:
        stream = torch.Generator().manual_seed(seed)
        return overdamped_langevin(surface, start, 12, metropolis=True, generator=stream).points

    assert torch.equal(points(3), points(3))
    assert not torch.equal(points(3), points(4))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("metropolis", [False, True])
def test_frames_that_are_left_out_change_nothing(metropolis: bool) -> None:
    surface, start = two_gaussians(), torch.zeros(7, 2, dtype=torch.float64)
    every, third = (
        overdamped_langevin(
            surface,
            start,
            12,
            metropolis=metropolis,
            every=k,
            generator=torch.Generator().manual_seed(0),
        )
        for k in (1, 3)
    )
    assert every.points.shape == (13, 7, 2)
    assert torch.equal(every.points[::3], third.points)
    assert torch.equal(every.times[::3], third.times)
    assert torch.equal(every.points[0], start)
    assert not start.any()


def test_trajectories_are_of_the_type_of_the_start(generator) -> None:
    walk = overdamped_langevin(two_gaussians(), torch.zeros(3, 2), 4, generator=generator)
    assert walk.points.dtype == torch.float32
    assert walk.times.tolist() == pytest.approx([k * walk.step_size for k in range(5)])


def test_no_steps_are_the_start(generator) -> None:
    start = torch.ones(3, 2)
    walk = overdamped_langevin(two_gaussians(), start, 0, metropolis=True, generator=generator)
    assert torch.equal(walk.points, start[None])
