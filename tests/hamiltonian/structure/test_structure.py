"""Potentials of few directions in many dimensions: whole numbers, symmetries, refusals."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from tests.hamiltonian.structure.eigen_equation import eigen_residual, frame
from topopert.errors import InvalidInputError
from topopert.hamiltonian.grids import grid_spectrum
from topopert.hamiltonian.structure.structure import structured_spectrum
from topopert.hamiltonian.surfaces import TiltedSurface


def quartic(axes: torch.Tensor):
    """A potential of two rotated directions that couples them."""

    def energy(z: torch.Tensor) -> torch.Tensor:
        a, b = z @ axes[:, 0], z @ axes[:, 1]
        return 0.2 * a.pow(4) - 0.8 * a.square() + 0.3 * a * b + 0.5 * torch.cos(2 * b)

    return energy


def test_a_spring_along_one_axis_adds_its_own_levels_to_whole_numbers() -> None:
    axis = frame(6)[:, 0]
    surface = TiltedSurface(lambda z: 0.35 * (z @ axis).square(), 1.0, 6)
    found = structured_spectrum(surface, n_levels=12)
    exact = sorted(
        n * math.sqrt(1.7) ** 2 + sum(free)
        for n in range(4)
        for free in itertools.product(range(4), repeat=5)
    )[:12]
    np.testing.assert_allclose(found.levels.numpy(), exact, atol=2e-4)
    assert found.degeneracies.tolist()[:7] == [1, 5, 5, 5, 5, 5, 1]
    assert found.method == "structure"


@pytest.mark.slow
def test_two_rotated_directions_are_a_grid_and_whole_numbers() -> None:
    energy = quartic(frame(6))
    found = structured_spectrum(TiltedSurface(energy, 1.0, 6), n_levels=15)
    plane = TiltedSurface(quartic(torch.eye(2, dtype=torch.float64)), 1.0, 2)
    reduced = grid_spectrum(plane, n_levels=15)
    sums = sorted(
        level + sum(free)
        for level in reduced.levels.tolist()
        for free in itertools.product(range(4), repeat=4)
    )[:15]
    np.testing.assert_allclose(found.levels.numpy(), sums, atol=2e-4)
    # The state that is excited in the plane alone decays as it does there.
    alone = int((found.levels - reduced.levels[1]).abs().argmin())
    torch.testing.assert_close(
        found.activation_energies[alone], reduced.activation_energies[1], rtol=1e-3, atol=1e-3
    )


def test_a_rotated_copy_has_the_same_levels() -> None:
    levels = [
        structured_spectrum(TiltedSurface(quartic(frame(7, seed)), 1.0, 7), n_levels=10).levels
        for seed in (0, 1)
    ]
    torch.testing.assert_close(*levels, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_modes_of_a_product_obey_the_eigenvalue_equation(temperature: float) -> None:
    surface = TiltedSurface(quartic(frame(5)), 1.0, 5)
    found = structured_spectrum(surface, n_levels=9, temperature=temperature)
    z = found.sample.nodes[:200]
    assert eigen_residual(found, z).abs().mean(dim=0).max() < 0.02
    moments = found.sample.modes.T @ (found.sample.weights[:, None] * found.sample.modes)
    torch.testing.assert_close(moments, torch.eye(9, dtype=torch.float64), rtol=0, atol=0.06)
    torch.testing.assert_close(found.modes(z), found.sample.modes[:200])


def test_states_are_modes_times_the_root_of_a_normalised_density() -> None:
    surface = TiltedSurface(quartic(frame(5)), 1.0, 5)
    found = structured_spectrum(surface, n_levels=4)
    stream = torch.Generator().manual_seed(0)
    z = 1.4 * torch.randn(200_000, 5, dtype=torch.float64, generator=stream)
    log_draw = -0.5 * (z / 1.4).square().sum(1) - 5 * math.log(1.4 * math.sqrt(2 * math.pi))
    squares = found.states(z).square() / log_draw.exp()[:, None]
    torch.testing.assert_close(
        squares.mean(dim=0), torch.ones(4, dtype=torch.float64), rtol=0, atol=0.05
    )


def test_without_a_potential_the_levels_are_whole_numbers_at_any_temperature() -> None:
    surface = TiltedSurface(lambda z: 0 * z[:, 0], 1.0, 6)
    for temperature in (1.0, 0.3):
        found = structured_spectrum(surface, n_levels=8, temperature=temperature)
        assert found.levels.tolist() == [0] + [1] * 6 + [2]
        assert found.degeneracies.tolist() == [1] + [6] * 6 + [21]
        z = found.sample.nodes[:50]
        assert eigen_residual(found, z).abs().max() < 1e-10


def test_free_modes_are_orthonormal_up_to_three_quanta() -> None:
    found = structured_spectrum(TiltedSurface(lambda z: 0 * z[:, 0], 1.0, 3), n_levels=20)
    assert found.levels.tolist() == [0] + [1] * 3 + [2] * 6 + [3] * 10
    moments = found.sample.modes.T @ (found.sample.weights[:, None] * found.sample.modes)
    torch.testing.assert_close(moments, torch.eye(20, dtype=torch.float64), rtol=0, atol=0.05)


def test_activation_energy_is_the_slope_in_inverse_temperature() -> None:
    surface = TiltedSurface(quartic(frame(5)), 1.0, 5)

    def levels(temperature: float) -> torch.Tensor:
        return structured_spectrum(surface, n_levels=8, temperature=temperature).levels

    found = structured_spectrum(surface, n_levels=8)
    step = 0.02
    slope = -(levels(1 / (1 + step))[1:].log() - levels(1 / (1 - step))[1:].log()) / (2 * step)
    torch.testing.assert_close(found.activation_energies[1:], slope, rtol=1e-2, atol=2e-3)


def test_a_potential_of_all_directions_has_no_structure() -> None:
    stiffness = torch.arange(1, 6, dtype=torch.float64)
    surface = TiltedSurface(lambda z: (z.square() * stiffness).sum(dim=1), 0.5, 5)
    assert structured_spectrum(surface, n_levels=5) is None


def test_a_single_precision_network_of_two_directions_is_reduced() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    stream = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(torch.randn(weight.shape, generator=stream))
    network.requires_grad_(False)

    class Plane(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return self.network(z[:, 1:3])[:, 0]

    found = structured_spectrum(TiltedSurface(Plane(), 0.5, 5), n_levels=6)
    assert ((found.levels - 1).abs() < 1e-6).sum() == 3


@pytest.mark.parametrize("bad", [{"n_levels": 0}, {"n_levels": 3, "temperature": 0.0}])
def test_numbers_out_of_range_are_refused(bad: dict) -> None:
    with pytest.raises(InvalidInputError):
        structured_spectrum(TiltedSurface(quartic(frame(5)), 1.0, 5), **bad)
