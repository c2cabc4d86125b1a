"""Surfaces that grow slowly or lie in narrow valleys: levels say what the box has done to them."""

from __future__ import annotations

import pytest
import torch

import topopert as tp
from topopert.hamiltonian.grids import grid_spectrum
from topopert.hamiltonian.surfaces import FunctionSurface


def linear(slope: float) -> FunctionSurface:
    # ¼U'² − ½U'' tends to ¼ slope²: from there on the spectrum is continuous.
    return FunctionSurface(lambda z: slope * (1 + z[:, 0].square()).sqrt(), 1)


# Steep enough, it holds one bound state besides the ground.
@pytest.mark.parametrize(("slope", "n_bound"), [(0.5, 1), (1.0, 2), (1.5, 2)])
def test_where_the_spectrum_is_continuous_errors_reach_down_to_its_bottom(
    slope: float, n_bound: int
) -> None:
    with pytest.warns(tp.TopopertWarning, match="continuous"):
        found = grid_spectrum(linear(slope), n_levels=6)
    above = found.levels - slope**2 / 4
    assert (above[:n_bound] < 0).all()
    assert (above[n_bound:] > 0).all()
    assert (above[n_bound:] < found.errors[n_bound:]).all()


def test_high_levels_that_end_by_themselves_are_no_such_case() -> None:
    surface = FunctionSurface(lambda z: 0.5 * z[:, 0].square(), 1)
    found = grid_spectrum(surface, n_levels=30)
    assert ((found.levels - torch.arange(30)).abs() <= found.errors).all()


def test_a_valley_too_narrow_for_any_grid_is_an_error_of_ours() -> None:
    def energy(z: torch.Tensor) -> torch.Tensor:
        along = 0.5 * (1 + z[:, 0].square()).sqrt()
        return along + 8 * (z[:, 1] - 0.3 * z[:, 0].square()).square()

    with pytest.raises(tp.InvalidInputError, match="ritz"):
        grid_spectrum(FunctionSurface(energy, 2), n_levels=4)
