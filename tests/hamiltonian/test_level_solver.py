from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from topopert.errors import InvalidInputError
from topopert.hamiltonian.level_solver import posterior_spectrum, spectrum, surface_spectrum
from topopert.hamiltonian.perturbation import splitting_matrix
from topopert.hamiltonian.potentials.well_potential import WellPotential
from topopert.hamiltonian.surfaces import FunctionSurface, MixtureSurface, TiltedSurface
from topopert.records import WellSpec


def wells(d: int, depth: float = 1.0) -> WellPotential:
    centers = np.zeros((2, d))
    centers[0, 0], centers[1, 0] = 1.0, -1.0
    return WellPotential(
        WellSpec(centers=centers, depths=np.full(2, depth), widths=np.full(2, 0.8))
    )


def test_the_method_is_chosen_by_dimension_and_structure_and_named() -> None:
    zeros = torch.zeros(3, 4, dtype=torch.float64)
    assert spectrum(wells(2), coupling=1.0, latent_dim=2, n_levels=2).method == "grid"
    assert posterior_spectrum(zeros, zeros, n_levels=2).method == "marginal"
    assert "structure" in spectrum(wells(5), coupling=1.0, latent_dim=5, n_levels=2).method


@pytest.mark.slow
@pytest.mark.parametrize(("latent_dim", "method"), [(8, "perturbation"), (64, "ritz")])
def test_weak_wells_without_structure_have_levels_in_any_dimension(
    rng, latent_dim: int, method: str
) -> None:
    """Their splitting to first order is .02 at most; that of a draw is in its error."""
    centers = 0.3 * rng.normal(size=(6, latent_dim))
    weak = WellPotential(WellSpec(centers=centers, depths=np.full(6, 0.1), widths=np.full(6, 3.0)))
    found = spectrum(weak, coupling=1.0, latent_dim=latent_dim, n_levels=4)
    assert method in found.method
    first = 1 + torch.linalg.eigvalsh(splitting_matrix(weak, latent_dim))[:3]
    assert ((found.levels[1:] - first).abs() <= 3 * found.errors[1:] + 0.02).all()


@pytest.mark.parametrize("method", ["grid", "perturbation", "ritz"])
def test_a_forced_method_gives_the_same_levels_to_its_accuracy(method: str) -> None:
    arguments = {"coupling": 0.2, "latent_dim": 2, "n_levels": 4}
    forced = spectrum(wells(2), method=method, **arguments)
    automatic = spectrum(wells(2), **arguments)
    assert method in forced.method
    torch.testing.assert_close(forced.levels, automatic.levels, rtol=0.2, atol=1e-8)
    assert ((forced.levels - automatic.levels).abs()[1:] <= 3 * forced.errors[1:] + 1e-4).all()


def test_structure_in_three_dimensions_agrees_with_the_grid() -> None:
    arguments = {"coupling": 1.0, "latent_dim": 3, "n_levels": 5}
    structured = spectrum(wells(3), method="structure", **arguments)
    grid = spectrum(wells(3), method="grid", **arguments)
    torch.testing.assert_close(structured.levels, grid.levels, rtol=5e-3, atol=1e-8)


def test_levels_below_rounding_come_from_the_barriers() -> None:
    means = torch.tensor([[-9.0], [9.0]], dtype=torch.float64)
    found = surface_spectrum(MixtureSurface(means, torch.ones_like(means)), n_levels=3)
    assert "kramers" in found.method
    assert 0 < found.levels[1] < 1e-16
    assert found.levels[2] == pytest.approx(1, rel=1e-2)
    # The mode tells the wells apart.
    signs = found.modes(means)[:, 1].sign()
    assert signs[0] == -signs[1]
    assert found.sample.modes.shape == (len(found.sample.nodes), 3)


def test_levels_of_a_deterministic_code_take_the_bandwidth() -> None:
    generator = torch.Generator().manual_seed(0)
    codes = torch.randn(50, 2, generator=generator)
    given = posterior_spectrum(codes, None, n_levels=3, bandwidth=0.5)
    same = posterior_spectrum(codes, torch.full_like(codes, 2 * math.log(0.5)), n_levels=3)
    torch.testing.assert_close(given.levels, same.levels, rtol=1e-5, atol=1e-10)


@pytest.mark.parametrize("method", ["marginal", "structure", "perturbation"])
def test_methods_that_do_not_fit_are_refused(method: str) -> None:
    surface = FunctionSurface(lambda z: 0.5 * z.square().sum(dim=1), 2)
    with pytest.raises(InvalidInputError, match=f"method='{method}' is for a"):
        surface_spectrum(surface, n_levels=2, method=method)


def test_methods_for_one_temperature_say_so() -> None:
    surface = TiltedSurface(wells(2), 0.1, 2)
    with pytest.raises(InvalidInputError, match="temperature 1"):
        surface_spectrum(surface, n_levels=2, method="perturbation", temperature=0.5)


def test_unknown_methods_are_refused_with_the_list() -> None:
    with pytest.raises(InvalidInputError, match="'kramers'"):
        spectrum(wells(1), coupling=1.0, latent_dim=1, n_levels=2, method="exact")


@pytest.mark.parametrize("method", ["auto", "grid", "ritz"])
def test_bad_numbers_are_refused_whatever_the_method(method: str) -> None:
    surface = FunctionSurface(lambda z: 0.5 * z.square().sum(dim=1), 2)
    with pytest.raises(InvalidInputError, match="n_levels"):
        surface_spectrum(surface, n_levels=0, method=method)
    with pytest.raises(InvalidInputError, match="temperature"):
        surface_spectrum(surface, n_levels=2, temperature=-1.0, method=method)
