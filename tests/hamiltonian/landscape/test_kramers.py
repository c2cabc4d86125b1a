"""Kramers' rates against exact one-dimensional generators, grids and exact arithmetic."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import torch
from scipy.linalg import eigh_tridiagonal

from tests.hamiltonian.landscape.scenes import camelback, cluster_mixture, double_well
from topopert.errors import InvalidInputError
from topopert.hamiltonian.grids import grid_spectrum
from topopert.hamiltonian.landscape import EnergyLandscape, kramers_spectrum
from topopert.hamiltonian.surfaces import FunctionSurface


def exact_rates(function, temperature: float, *, n_levels: int = 2):
    """Relaxation rates in one dimension: a symmetric finite-volume generator on [−2.5, 2.5]."""
    x = np.linspace(-2.5, 2.5, 4001)
    energy = function(torch.from_numpy(x)[:, None]).numpy() / temperature
    middle = function(torch.from_numpy(0.5 * (x[1:] + x[:-1]))[:, None]).numpy() / temperature
    # Conductance e^{−U(middle)} T/h² between neighbours of mass e^{−U}.
    hop = temperature / (x[1] - x[0]) ** 2
    beside = -hop * np.exp(0.5 * (energy[1:] + energy[:-1]) - middle)
    leave = np.zeros_like(x)
    leave[:-1] += hop * np.exp(energy[:-1] - middle)
    leave[1:] += hop * np.exp(energy[1:] - middle)
    select = (0, n_levels - 1)
    return eigh_tridiagonal(leave, beside, select="i", select_range=select, eigvals_only=True)


@pytest.mark.parametrize(("barrier", "tilt"), [(1.0, 0.0), (1.5, 0.3)])
def test_rate_of_a_double_well_is_the_exact_one(barrier: float, tilt: float) -> None:
    well = double_well(barrier, tilt)
    landscape = EnergyLandscape.from_energy(well, latent_dim=1, width=0.5)
    errors = []
    for temperature in (0.25, 0.125, 0.0625):
        found = kramers_spectrum(
            landscape.surface, n_levels=2, temperature=temperature, landscape=landscape
        )
        exact = exact_rates(well, temperature)[1]
        errors.append(abs(float(found.levels[1]) / exact - 1))
        assert abs(float(found.levels[1]) - exact) <= 1.2 * float(found.errors[1])
    # 3 to 8 % in general; this well's barrier is four times T only.
    assert errors[0] < 0.13
    assert errors[1] < 0.06
    # The next term of the expansion is of first order in T.
    assert errors[1] / errors[2] == pytest.approx(2, abs=0.3)


def test_rate_is_eyrings_and_kramers_formula() -> None:
    # U = b(x² − 1)²: U″ = 8b at the minima, −4b at the saddle, so k = (√32 b/2π) e^{−b/T}.
    landscape = EnergyLandscape.from_energy(double_well(3.0), latent_dim=1, width=0.5)
    rates = landscape.rates(0.5)
    rate = np.sqrt(32) * 3 / (2 * np.pi) * np.exp(-6)
    expected = torch.tensor([[-rate, rate], [rate, -rate]], dtype=torch.float64)
    torch.testing.assert_close(rates, expected, rtol=1e-9, atol=0)


def test_slope_of_arrhenius_is_the_barrier() -> None:
    landscape = EnergyLandscape.from_energy(double_well(2.0, 0.4), latent_dim=1, width=0.5)
    barrier = landscape.graph.edges[0, 1]["barrier"]
    temperatures = (0.11, 0.1)
    cold, colder = (
        kramers_spectrum(landscape.surface, n_levels=2, temperature=t, landscape=landscape)
        for t in temperatures
    )
    slope = (cold.levels[1] / colder.levels[1]).log() / (1 / 0.1 - 1 / 0.11)
    assert float(slope) == pytest.approx(barrier, rel=1e-3)
    assert float(colder.activation_energies[1]) == pytest.approx(barrier, rel=1e-3)
    assert np.isnan(float(colder.activation_energies[0]))


def test_activation_energy_is_the_derivative_of_the_level() -> None:
    surface = cluster_mixture(0, 30, 2, width=0.3, spread=1.0)
    landscape = EnergyLandscape.from_surface(surface, min_barrier=0.3)
    assert len(landscape.network.minima) > len(landscape.minima) > 4  # dimples are eliminated
    inverse, step = 1.5, 1e-4
    below, here, above = (
        kramers_spectrum(surface, n_levels=5, temperature=1 / beta, landscape=landscape)
        for beta in (inverse - step, inverse, inverse + step)
    )
    slope = -(above.levels[1:] / below.levels[1:]).log() / (2 * step)
    torch.testing.assert_close(here.activation_energies[1:], slope, rtol=1e-6, atol=1e-6)


def test_rates_obey_detailed_balance_and_conserve_probability() -> None:
    landscape = EnergyLandscape.from_surface(
        cluster_mixture(0, 60, 3, width=0.4, spread=1.5), min_barrier=0.2
    )
    assert len(landscape.minima) >= 4
    for temperature in (1.0, 0.3):
        rates = landscape.rates(temperature)
        weights = landscape.weights(temperature, method="harmonic")
        assert float(weights.sum()) == pytest.approx(1)
        assert bool((rates - torch.diag(rates.diagonal()) >= 0).all())
        zero = torch.zeros_like(weights)
        torch.testing.assert_close(rates.sum(dim=1) / rates.abs().amax(dim=1), zero)
        flux = weights[:, None] * rates
        torch.testing.assert_close(flux, flux.T, rtol=1e-9, atol=0)


def test_levels_are_eigenvalues_of_the_rate_matrix() -> None:
    landscape = EnergyLandscape.from_energy(camelback, latent_dim=2, min_barrier=0.1)
    found = kramers_spectrum(landscape.surface, n_levels=6, temperature=0.5, landscape=landscape)
    eigenvalues = torch.linalg.eigvals(-landscape.rates(0.5)).real.sort().values
    torch.testing.assert_close(found.levels, eigenvalues, rtol=1e-9, atol=1e-12)
    nodes = found.sample
    gram = nodes.modes.T @ (nodes.weights[:, None] * nodes.modes)
    torch.testing.assert_close(gram, torch.eye(6, dtype=torch.float64))
    # Right eigenvectors: −Qf = Ef.
    torch.testing.assert_close(
        -landscape.rates(0.5) @ nodes.modes, nodes.modes * found.levels, rtol=1e-9, atol=1e-9
    )


def test_levels_far_below_double_precision_keep_their_digits() -> None:
    # Four wells in a row over barriers of three heights: exact arithmetic has the last word.
    def row(z: torch.Tensor) -> torch.Tensor:
        x = z[:, 0]
        return 0.1 * (x**2 - 1) ** 2 * (x**2 - 9) ** 2 + 0.5 * x

    landscape = EnergyLandscape.from_energy(row, latent_dim=1, width=0.3)
    assert len(landscape.minima) == 4
    temperature = 0.05
    found = kramers_spectrum(
        landscape.surface, n_levels=4, temperature=temperature, landscape=landscape
    )
    rates = landscape.rates(temperature).tolist()
    with mpmath.workdps(400):
        exact = mpmath.matrix(4)
        for i in range(4):
            for j in range(4):
                if i != j:
                    exact[i, j] -= mpmath.mpf(rates[i][j])
                    exact[i, i] += mpmath.mpf(rates[i][j])
        levels = sorted(float(mpmath.re(e)) for e in mpmath.eig(exact, left=False, right=False))
    assert levels[1] < 1e-20
    np.testing.assert_allclose(found.levels[1:].numpy(), levels[1:], rtol=1e-9)


def test_cold_levels_of_the_camelback_are_those_of_the_grid() -> None:
    surface = FunctionSurface(camelback, 2, width=0.35)
    exact = grid_spectrum(surface, n_levels=4, temperature=0.12)
    found = kramers_spectrum(surface, n_levels=4, temperature=0.12)
    ratio = found.levels[1:] / exact.levels[1:]
    torch.testing.assert_close(ratio, torch.ones_like(ratio), rtol=0, atol=0.08)
    assert bool(((found.levels - exact.levels).abs() <= found.errors + exact.errors).all())
    torch.testing.assert_close(
        found.activation_energies[1:], exact.activation_energies[1:], rtol=0, atol=0.03
    )


@pytest.mark.parametrize("kind", ["mixture", "function"])
def test_modes_are_constant_on_basins_and_can_be_differentiated(kind: str) -> None:
    if kind == "mixture":
        surface = cluster_mixture(1, 60, 2, width=0.5, spread=3.0)
    else:
        surface = FunctionSurface(camelback, 2)
    landscape = EnergyLandscape.from_surface(surface)
    n = len(landscape.minima)
    found = kramers_spectrum(surface, n_levels=n, temperature=0.3, landscape=landscape)
    z = landscape.minima.clone().requires_grad_()
    torch.testing.assert_close(found.modes(z), found.sample.modes, atol=0.1, rtol=0.05)
    torch.testing.assert_close(found.modes(z)[:, 0], torch.ones(n, dtype=torch.float64))
    (gradient,) = torch.autograd.grad(found.states(z + 0.1).sum(), z)
    assert bool(gradient.isfinite().all())
    assert float(gradient.abs().max()) > 0


def test_ground_state_has_norm_one() -> None:
    surface = cluster_mixture(1, 60, 2, width=0.5, spread=3.0)
    landscape = EnergyLandscape.from_surface(surface)
    axes = [torch.linspace(-12, 12, 241, dtype=torch.float64)] * 2
    for temperature, tolerance in ((1.0, 1e-6), (0.4, 1e-2), (1.5, 1e-2)):
        found = kramers_spectrum(surface, n_levels=1, temperature=temperature, landscape=landscape)
        density = found.states(torch.cartesian_prod(*axes)).square().sum(dim=0) * 0.1**2
        assert float(density) == pytest.approx(1, abs=tolerance)


def test_more_levels_than_states_are_refused() -> None:
    surface = FunctionSurface(double_well(3.0), 1)
    with pytest.raises(InvalidInputError, match="has 2 state"):
        kramers_spectrum(surface, n_levels=3)
    other = EnergyLandscape.from_energy(double_well(2.0), latent_dim=1)
    with pytest.raises(InvalidInputError, match="another surface"):
        kramers_spectrum(surface, n_levels=2, landscape=other)


def test_temperature_out_of_range_is_refused() -> None:
    landscape = EnergyLandscape.from_energy(double_well(3.0), latent_dim=1)
    for temperature in (0.0, -1.0, float("nan")):
        with pytest.raises(InvalidInputError, match="temperature"):
            landscape.rates(temperature)
    with pytest.raises(InvalidInputError, match=r"at least 0\.0046"):
        landscape.rates(0.001)
