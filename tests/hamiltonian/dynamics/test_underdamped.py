"""Underdamped Langevin dynamics: conserved energy, order of convergence, stationary density."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

import topopert as tp
from topopert.hamiltonian.dynamics import PhaseTrajectory, underdamped_langevin
from topopert.hamiltonian.surfaces import FunctionSurface, MixtureSurface, TiltedSurface


def two_gaussians() -> MixtureSurface:
    means = torch.tensor([[-1.3, 0.0], [1.3, 0.4]], dtype=torch.float64)
    return MixtureSurface(means, torch.full_like(means, 0.5))


def energies(walk: PhaseTrajectory, surface: MixtureSurface) -> Tensor:
    kinetic = 0.5 * walk.velocities.square().sum(dim=2)
    return torch.stack([surface.energy(z) for z in walk.points]) + kinetic  # (n_frames, B)


def free_flight(surface: MixtureSurface, step_size: float, time: float) -> PhaseTrajectory:
    generator = torch.Generator().manual_seed(0)
    return underdamped_langevin(
        surface,
        surface.sample(20, generator=generator),
        round(time / step_size),
        friction=0.0,
        step_size=step_size,
        generator=generator,
    )


def test_without_friction_the_energy_oscillates_by_the_square_of_the_step() -> None:
    surface = two_gaussians()
    errors = []
    for step_size in (0.1, 0.05):
        total = energies(free_flight(surface, step_size, 20.0), surface)
        errors.append(float((total - total[0]).abs().amax(dim=0).mean()))
    assert errors[0] < 0.01
    assert 3.8 < errors[0] / errors[1] < 4.2


def test_without_friction_the_energy_does_not_drift() -> None:
    surface = two_gaussians()
    total = energies(free_flight(surface, 0.1, 200.0), surface)
    error = (total - total[0]).abs()
    assert float(error[1000:].max()) < 1.5 * float(error[:1000].max())


def test_without_friction_the_map_is_symmetric_in_time(generator) -> None:
    surface = two_gaussians()
    there = free_flight(surface, 0.1, 10.0)
    back = underdamped_langevin(
        surface,
        there.points[-1],
        100,
        friction=0.0,
        step_size=0.1,
        velocities=-there.velocities[-1],
        generator=generator,
    )
    torch.testing.assert_close(back.points, there.points.flip(0), rtol=0, atol=1e-9)
    torch.testing.assert_close(back.velocities, -there.velocities.flip(0), rtol=0, atol=1e-9)


def test_one_free_step_in_a_parabola_is_verlets(generator) -> None:
    """z' = (1 − h²k/2)z + hv, v' = (1 − h²k/2)v − hk(1 − h²k/4)z."""
    surface = FunctionSurface(lambda z: 0.5 * 3.0 * z.square().sum(dim=1), 2)
    z, v = (torch.randn(4, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    walk = underdamped_langevin(
        surface, z, 1, friction=0.0, step_size=0.2, velocities=v, generator=generator
    )
    a = 1 - 0.5 * 0.04 * 3
    torch.testing.assert_close(walk.points[1], a * z + 0.2 * v)
    torch.testing.assert_close(walk.velocities[1], a * v - 0.6 * (1 - 0.01 * 3) * z)


def test_in_a_parabola_the_positions_have_no_error_at_all(generator) -> None:
    """The variance of z is T/k at any stable step, that of v is T(1 − h²k/4)."""
    surface = FunctionSurface(lambda z: 2.0 * z.square().sum(dim=1), 2, width=0.5)
    walk = underdamped_langevin(
        surface,
        torch.zeros(10_000, 2, dtype=torch.float64),
        200,
        temperature=0.7,
        friction=1.0,
        step_size=0.5,
        every=10,
        generator=generator,
    )
    assert float(walk.points[5:].square().mean()) == pytest.approx(0.7 / 4, rel=0.01)
    expected = 0.7 * (1 - 0.25 * 4 / 4)
    assert float(walk.velocities[5:].square().mean()) == pytest.approx(expected, rel=0.01)


@pytest.mark.slow
def test_averages_err_by_the_second_order_of_the_step(generator) -> None:
    surface = TiltedSurface(lambda z: (1.5 * z[:, 0]).cos(), 1.0, 1)
    axis = torch.linspace(-12, 12, 20001, dtype=torch.float64)
    density = (-surface.on_grid([axis])).softmax(dim=0)
    exact = float(density @ (2 * axis).cos())
    start = np.random.default_rng(0).choice(axis, 40_000, p=density)
    errors = []
    for step_size in (0.7, 0.35):
        walk = underdamped_langevin(
            surface,
            torch.from_numpy(start)[:, None],
            round(63 / step_size),
            friction=1.0,
            step_size=step_size,
            every=3,
            generator=generator,
        )
        errors.append(float((2 * walk.points[5:]).cos().mean()) - exact)
    # The same average with Euler's scheme is off by .153 at h = .3, by .074 at .15.
    assert 0.012 < errors[0] < 0.03
    assert 3.4 < errors[0] / errors[1] < 6.5


def test_the_density_of_the_wells_is_reached(generator) -> None:
    surface = two_gaussians()
    walk = underdamped_langevin(
        surface,
        torch.zeros(8_000, 2, dtype=torch.float64),
        200,
        friction=1.0,
        step_size=0.3,
        every=200,
        generator=generator,
    )
    z = walk.points[-1]
    # Variance along the line of the means: that within, and that of the means.
    means = surface.means
    expected = torch.diag_embed(torch.full((2,), 0.5, dtype=torch.float64))
    expected = expected + means.T @ means / 2 - means.mean(dim=0).outer(means.mean(dim=0))
    torch.testing.assert_close(z.T.cov(), expected, rtol=0.05, atol=0.03)
    torch.testing.assert_close(z.mean(dim=0), means.mean(dim=0), rtol=0, atol=0.06)


def test_velocities_are_drawn_at_the_temperature(generator) -> None:
    start = torch.zeros(20_000, 2, dtype=torch.float64)
    walk = underdamped_langevin(
        two_gaussians(), start, 0, temperature=3.0, friction=1.0, generator=generator
    )
    assert float(walk.velocities.square().mean()) == pytest.approx(3.0, rel=0.02)
    assert walk.friction == 1.0


def test_the_step_is_a_twentieth_of_the_fastest_period(generator) -> None:
    parabola = FunctionSurface(lambda z: 8.0 * z.square().sum(dim=1), 2)
    walk = underdamped_langevin(parabola, torch.zeros(1, 2), 0, friction=1.0, generator=generator)
    assert walk.step_size == pytest.approx(0.3 / 4)
    assert 2 * math.pi / 4 / walk.step_size == pytest.approx(21, abs=0.1)


def test_the_generator_alone_decides_and_left_out_frames_change_nothing() -> None:
    surface, start = two_gaussians(), torch.zeros(7, 2)

    def walk(seed: int, every: int) -> PhaseTrajectory:
        stream = torch.Generator().manual_seed(seed)
        return underdamped_langevin(
            surface, start, 12, friction=0.5, every=every, generator=stream
        )

    assert torch.equal(walk(3, 1).points[::4], walk(3, 4).points)
    assert torch.equal(walk(3, 1).velocities[::4], walk(3, 4).velocities)
    assert not torch.equal(walk(3, 1).points, walk(4, 1).points)
    assert walk(3, 1).points.dtype == torch.float32


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"friction": -1.0}, "friction"),
        ({"velocities": torch.zeros(3, 1)}, "shape of `z0`"),
        ({"velocities": 0.0}, "shape of `z0`"),
        ({"velocities": torch.full((3, 2), math.nan)}, "NaN"),
        ({"step_size": -0.1}, "step_size"),
        ({"temperature": -1.0}, "temperature"),
    ],
)
def test_bad_arguments_are_refused(generator, options: dict, match: str) -> None:
    options = {"friction": 1.0, **options}
    with pytest.raises(tp.InvalidInputError, match=match):
        underdamped_langevin(
            two_gaussians(), torch.zeros(3, 2), 10, generator=generator, **options
        )


def test_a_step_that_is_too_large_is_named_with_one_that_would_do(generator) -> None:
    surface = FunctionSurface(lambda z: 50 * z.square().sum(dim=1), 2, width=0.1)
    start = torch.ones(3, 2)
    with pytest.raises(tp.InvalidInputError, match=r"`step_size` 0\.3\. .*step_size=0\.03`"):
        underdamped_langevin(
            surface, start, 1000, friction=1.0, step_size=0.3, generator=generator
        )
