"""Functions whose width was guessed: grids are laid by how sharply they bend."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from topopert.hamiltonian import FunctionSurface, TiltedSurface, grid_spectrum, kramers_spectrum
from topopert.hamiltonian.grids.bending import bending_width
from topopert.hamiltonian.grids.grid import confining_box


def camelback(z: Tensor) -> Tensor:
    """Six humps, four deep minima, barriers of .8 and 1.3 nats and more."""
    x, y = z.T
    return (4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + (4 * y**2 - 4) * y**2


@pytest.mark.parametrize("temperature", [0.1, 0.05])
def test_cold_levels_do_not_depend_on_a_guessed_width(temperature: float) -> None:
    guessed = [
        grid_spectrum(FunctionSurface(camelback, 2, width=w), n_levels=4, temperature=temperature)
        for w in (0.35, 1.0, 5.0)
    ]
    for found in guessed[1:]:
        torch.testing.assert_close(found.levels, guessed[0].levels, rtol=1e-4, atol=1e-12)
    # A second method: three small levels, right to its own accuracy, of the order of T/barrier.
    surface = FunctionSurface(camelback, 2)
    kramers = kramers_spectrum(surface, n_levels=4, temperature=temperature)
    torch.testing.assert_close(guessed[0].levels, kramers.levels, rtol=temperature, atol=1e-12)


def test_the_width_is_that_of_the_stiffest_parabola() -> None:
    def bowl(z: Tensor) -> Tensor:
        return 0.5 * (z[:, 0] / 0.1).square() + 0.5 * (z[:, 1] / 3).square()

    surface = FunctionSurface(bowl, 2)
    width = bending_width(surface, confining_box(surface, 30.0))
    assert width == pytest.approx([0.1, 3.0], rel=1e-6)


def test_a_narrow_function_is_seen_beside_the_prior() -> None:
    """V = ½(z/w)² of width .05: U is a parabola of stiffness 1 + λ/w², and so is its level."""
    surface = TiltedSurface(lambda z: 200 * z[:, 0].square(), 1.0, 1)
    found = grid_spectrum(surface, n_levels=4)
    expected = 401.0 * torch.arange(4, dtype=torch.float64)
    torch.testing.assert_close(found.levels, expected, rtol=1e-4, atol=1e-9)


def test_a_pond_at_the_rim_is_no_second_ground_state() -> None:
    """½z² with a bump at 28 nats: what lies behind it, cut off, would have a level of 0."""
    surface = FunctionSurface(
        lambda z: 0.5 * z[:, 0].square() + 10 * (-0.5 * ((z[:, 0] - 7.5) / 0.3).square()).exp(), 1
    )
    expected = torch.arange(5, dtype=torch.float64)
    found = grid_spectrum(surface, n_levels=5).levels
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
