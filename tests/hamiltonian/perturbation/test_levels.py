"""Perturbation theory against exact levels, closed forms and the orders that it must have."""

from __future__ import annotations

import warnings
from math import comb

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import eigh_tridiagonal
from scipy.optimize import brentq
from scipy.special import pbdv

import topopert as tp
from topopert.hamiltonian.perturbation import perturbation_levels, splitting_matrix
from topopert.hamiltonian.potentials.polynomial_potential import PolynomialPotential

from .galerkin import galerkin_levels


def landscape(rng: np.random.Generator, latent_dim: int, n_wells: int = 3) -> tp.WellPotential:
    """Wells of depth 0.5 to 1.5."""
    spec = tp.WellSpec(
        centers=rng.normal(size=(n_wells, latent_dim)),
        depths=rng.uniform(0.5, 1.5, size=n_wells),
        widths=rng.uniform(0.6, 1.1, size=n_wells),
    )
    return tp.WellPotential(spec).double()


def exact(potential: tp.Potential, coupling: float, n_levels: int, d: int = 2) -> np.ndarray:
    def energy(z: np.ndarray) -> np.ndarray:
        return coupling * potential(torch.from_numpy(z)).numpy()

    return galerkin_levels(energy, d, n_levels)


def levels(potential, **settings) -> np.ndarray:
    return perturbation_levels(potential, **settings).levels.numpy()


def quadratic(matrix: np.ndarray) -> PolynomialPotential:
    """½ zᵀAz."""
    d = len(matrix)
    pairs = [(i, j) for i in range(d) for j in range(i + 1)]
    exponents = np.zeros((len(pairs), d))
    for row, pair in zip(exponents, pairs, strict=True):
        for axis in pair:
            row[axis] += 1
    return PolynomialPotential(
        exponents, [matrix[i, j] * (0.5 if i == j else 1) for i, j in pairs]
    ).double()


def loads(values: list[float]) -> PolynomialPotential:
    return quadratic(np.diag(values))


@pytest.mark.parametrize(("order", "factor"), [(1, 4), (2, 8)])
def test_halving_the_coupling_shows_the_order(rng, order: int, factor: int) -> None:
    wells = landscape(rng, 2)
    errors = []
    for coupling in (0.04, 0.02):
        found = levels(wells, coupling=coupling, latent_dim=2, n_levels=6, order=order)
        errors.append(np.abs(found - exact(wells, coupling, 6)).max())
    assert 0.85 < errors[0] / errors[1] / factor < 1.15


@pytest.mark.parametrize(
    ("coupling", "first", "second"), [(0.1, 4e-3, 1e-4), (0.4, 5e-2, 6e-3), (1.2, 0.4, 0.25)]
)
def test_level_one_of_three_wells_is_as_near_as_was_found_before(
    coupling: float, first: float, second: float
) -> None:
    """Largest errors over landscapes of depth 0.5 to 1.5: the figures of the table, times 3."""
    worst = np.zeros(2)
    for seed in range(4):
        wells = landscape(np.random.default_rng(seed), 2)
        true = exact(wells, coupling, 3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", tp.TopopertWarning)
            for k in range(2):
                found = levels(wells, coupling=coupling, latent_dim=2, n_levels=3, order=k + 1)
                worst[k] = max(worst[k], np.abs(found - true).max())
    assert worst[0] < first
    assert worst[1] < second
    assert worst[1] < worst[0]


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), latent_dim=st.integers(1, 2), spread=st.floats(0.02, 0.4))
def test_the_error_is_within_its_estimate(seed: int, latent_dim: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    wells = landscape(rng, latent_dim)
    z = torch.from_numpy(rng.normal(size=(2000, latent_dim)))
    coupling = spread / float(wells(z).std())
    true = exact(wells, coupling, 4, latent_dim)
    for order in (1, 2):
        found = perturbation_levels(
            wells, coupling=coupling, latent_dim=latent_dim, n_levels=4, order=order
        )
        error = np.abs(found.levels.numpy() - true)
        assert (error <= 1.3 * found.errors.numpy() + 1e-9).all()


def test_the_quartic_oscillator_by_hand() -> None:
    """V = z⁴: E₁ = 1 + 12λ − 288λ².

    W₁ = 2z⁴ − 6z², W₂ = 4z⁶, and W₁z = 2He₅ + 14He₃ + 12He₁:
    second order 4·105 − 14²·3!/2 − 2²·5!/4 = 420 − 588 − 120.
    """
    quartic = PolynomialPotential([[4]], [1.0]).double()
    settings = {"coupling": 1e-3, "latent_dim": 1, "n_levels": 2}
    assert levels(quartic, **settings, order=1)[1] == pytest.approx(1 + 12e-3, abs=1e-14)
    assert levels(quartic, **settings, order=2)[1] == pytest.approx(1 + 12e-3 - 288e-6, abs=1e-13)


def test_one_quartic_axis_among_eight() -> None:
    exponents = np.zeros((1, 8))
    exponents[0, 3] = 4
    found = levels(
        PolynomialPotential(exponents, [1.0]), coupling=1e-3, latent_dim=8, n_levels=9, order=2
    )
    np.testing.assert_allclose(found[1:8], 1.0, atol=1e-13)
    assert found[8] == pytest.approx(1 + 12e-3 - 288e-6, abs=1e-9)


@pytest.mark.parametrize("order", [1, 2])
def test_oscillators_are_exact_at_any_order(rng, order: int) -> None:
    """½zᵀAz has levels Σ nₖ(1 + λaₖ): linear in λ, the second order vanishes."""
    stiffness = np.array([0.4, 1.0, 1.3])
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    found = perturbation_levels(
        quadratic(turn @ np.diag(stiffness) @ turn.T),
        coupling=0.3,
        latent_dim=3,
        n_levels=10,
        order=order,
    )
    one = 1 + 0.3 * stiffness
    pairs = [one[i] + one[j] for i in range(3) for j in range(i + 1)]
    expected = np.sort(np.concatenate([[0.0], one, pairs]))
    np.testing.assert_allclose(found.levels, expected, atol=1e-12)
    # At T the levels of an oscillator are the same: no barrier.
    np.testing.assert_allclose(found.activation_energies[1:], 0.0, atol=1e-12)


def test_a_slope_moves_the_prior_and_no_level() -> None:
    tilt = PolynomialPotential([[1, 0]], [1.0]).double()
    found = perturbation_levels(tilt, coupling=0.3, latent_dim=2, n_levels=6, order=2)
    np.testing.assert_allclose(found.levels, [0, 1, 1, 2, 2, 2], atol=1e-13)
    # Nothing is left of the second order; its part ¼∣∇V∣² sizes the third.
    np.testing.assert_allclose(found.errors, [0, *[0.25 * 0.3**3] * 5], rtol=1e-9)


def test_without_coupling_the_levels_are_whole_numbers(rng) -> None:
    found = perturbation_levels(
        landscape(rng, 3), coupling=0.0, latent_dim=3, n_levels=20, order=2
    )
    expected = [n for n in range(4) for _ in range(comb(n + 2, n))]
    np.testing.assert_array_equal(found.levels, expected)
    np.testing.assert_array_equal(found.degeneracies, [comb(n + 2, n) for n in expected])
    np.testing.assert_array_equal(found.errors, 0.0)


@pytest.mark.parametrize("latent_dim", [1, 2, 3, 5])
def test_first_order_splitting_is_that_of_the_splitting_matrix(rng, latent_dim: int) -> None:
    wells = landscape(rng, latent_dim)
    found = levels(wells, coupling=0.2, latent_dim=latent_dim, n_levels=latent_dim + 1, order=1)
    moments = torch.linalg.eigvalsh(splitting_matrix(wells, latent_dim)).numpy()
    assert found[0] == 0.0
    np.testing.assert_allclose(found[1:], 1 + 0.2 * moments, atol=1e-12)


def test_rotating_the_wells_leaves_the_levels_and_turns_the_modes(rng) -> None:
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    wells = landscape(rng, 3)
    turned = tp.WellPotential(
        tp.WellSpec(
            centers=wells.centers.numpy() @ turn.T,
            depths=wells.depths.numpy(),
            widths=wells.widths.numpy(),
        )
    ).double()
    turned.centers = wells.centers @ torch.from_numpy(turn).T  # all digits
    settings = {"coupling": 0.2, "latent_dim": 3, "n_levels": 4, "order": 2}
    here, there = (perturbation_levels(v, **settings) for v in (wells, turned))
    np.testing.assert_allclose(there.levels, here.levels, atol=1e-12)
    np.testing.assert_allclose(there.errors, here.errors, rtol=1e-6)
    np.testing.assert_allclose(
        there.activation_energies[1:], here.activation_energies[1:], atol=1e-10
    )
    z = torch.from_numpy(rng.normal(size=(20, 3)))
    modes, other = here.modes(z), there.modes(z @ torch.from_numpy(turn).T)
    signs = (modes * other).sum(dim=0).sign()
    # Which of the small terms are left out is not invariant.
    np.testing.assert_allclose(other * signs, modes, atol=5e-3)


def test_a_symmetry_keeps_its_degeneracy(rng) -> None:
    """Wells on a square: level 1 stays double; of level 2 one pair splits, as in a square."""
    corners = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    spec = tp.WellSpec(centers=corners, depths=np.ones(4), widths=np.full(4, 0.8))
    found = perturbation_levels(
        tp.WellPotential(spec).double(), coupling=0.2, latent_dim=2, n_levels=6, order=2
    )
    np.testing.assert_array_equal(found.degeneracies, [1, 2, 2, 1, 1, 1])
    # A multiplet that is cut by the number of levels is counted whole.
    cut = perturbation_levels(
        tp.WellPotential(spec).double(), coupling=0.2, latent_dim=2, n_levels=2, order=2
    )
    np.testing.assert_array_equal(cut.degeneracies, [1, 2])


def test_a_level_that_falls_from_above_is_not_missed() -> None:
    """1 + λa = 0.7 and 1.6: the third level is 2 · 0.7, from level 2 of H₀."""
    found = levels(loads([-1.0, 2.0]), coupling=0.3, latent_dim=2, n_levels=3, order=1)
    np.testing.assert_allclose(found, [0.0, 0.7, 1.4], atol=1e-13)


def test_sums_and_multiples_are_those_of_the_potentials(rng) -> None:
    a, b = landscape(rng, 2), loads([0.5, 1.0])
    settings = {"latent_dim": 2, "n_levels": 5, "order": 2}
    total = levels(2 * a - b / 4, coupling=0.1, **settings)
    np.testing.assert_allclose(
        total, levels(0.5 * (4 * a) - 0.25 * b, coupling=0.1, **settings), atol=1e-13
    )
    np.testing.assert_allclose(
        total, levels(0.5 * (2 * a - b / 4), coupling=0.2, **settings), atol=1e-13
    )
    by_nodes = levels(lambda z: 2 * a(z) - b(z) / 4, coupling=0.1, **settings)
    np.testing.assert_allclose(by_nodes, total, atol=1e-11)


@pytest.mark.parametrize(("latent_dim", "atol"), [(1, 1e-12), (2, 1e-12), (3, 1e-9)])
def test_quadrature_agrees_with_closed_forms(rng, latent_dim: int, atol: float) -> None:
    wells = landscape(rng, latent_dim)
    cubic = PolynomialPotential(3 * np.eye(latent_dim), np.full(latent_dim, 0.02)).double()
    quartic = PolynomialPotential(4 * np.eye(latent_dim), np.full(latent_dim, 0.05)).double()
    total = wells + cubic + quartic
    settings = {"coupling": 0.1, "latent_dim": latent_dim, "n_levels": 5, "order": 2}
    closed, nodes = (perturbation_levels(v, **settings) for v in (total, lambda z: total(z)))
    np.testing.assert_allclose(nodes.levels, closed.levels, atol=atol)
    np.testing.assert_allclose(
        nodes.activation_energies[1:], closed.activation_energies[1:], atol=1e-7
    )


def test_activation_energies_are_derivatives_in_the_temperature(rng) -> None:
    """V at T is V(√T z)/T in units of the prior's width at T: wells remain wells."""
    wells = landscape(rng, 2)

    def at(temperature: float) -> np.ndarray:
        root = temperature**0.5
        scaled = landscape(rng, 2)
        scaled.centers, scaled.widths = wells.centers / root, wells.widths / root
        scaled.depths = wells.depths / temperature
        return levels(scaled, coupling=0.2, latent_dim=2, n_levels=6, order=2)

    step = 1e-4
    slope = (np.log(at(1 + step)[1:]) - np.log(at(1 - step)[1:])) / (2 * step)
    found = perturbation_levels(wells, coupling=0.2, latent_dim=2, n_levels=6, order=2)
    assert found.activation_energies[0].isnan()
    np.testing.assert_allclose(found.activation_energies[1:], slope, atol=1e-6)


@pytest.mark.parametrize("coupling", [0.003, 0.03, 0.3])
def test_a_kink_costs_digits_and_the_error_says_how_many(coupling: float) -> None:
    """V = ∣z∣: level 1 is the r with D_r(λ) = 0, D the parabolic cylinder, level 2 is 1 + r."""
    true = float(brentq(lambda r: pbdv(r, coupling)[0], 0.9, 1.5, xtol=1e-14))
    found = perturbation_levels(
        lambda z: z[:, 0].abs(), coupling=coupling, latent_dim=1, n_levels=3, order=2
    )
    error = np.abs(found.levels.numpy() - [0, true, 1 + true])
    assert (error <= found.errors.numpy()).all()
    assert (found.errors.numpy()[1:] < 0.05 * coupling).all()


def test_a_needle_is_cut_off_and_the_error_says_so() -> None:
    """A well of width 0.03 has Hermite elements far beyond the highest degree."""
    spec = tp.WellSpec(centers=np.array([[0.4]]), depths=np.array([1.0]), widths=np.array([0.03]))
    needle = tp.WellPotential(spec).double()
    width, center = needle.widths.item(), needle.centers.item()

    def energy(z: np.ndarray) -> np.ndarray:
        return 0.5 * z**2 - 0.01 * np.exp(-((z - center) ** 2) / (2 * width**2))

    coarse, fine = (finite_volumes(energy, n, 3) for n in (8000, 16000))
    found = perturbation_levels(needle, coupling=0.01, latent_dim=1, n_levels=3, order=2)
    error = np.abs(found.levels.numpy() - (4 * fine - coarse) / 3)[1:]
    assert (error > 1e-7).all()
    assert (error < found.errors.numpy()[1:]).all()
    assert found.errors.max() < 1e-5


def finite_volumes(energy, n_cells: int, n_levels: int) -> np.ndarray:
    """Levels in d = 1 by finite volumes that keep detailed balance, error O(h²)."""
    edges = np.linspace(-8, 8, n_cells + 1)
    centers, h = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    density, conductance = np.exp(-energy(centers)), np.exp(-energy(edges[1:-1])) / h**2
    outflow = (np.append(conductance, 0) + np.append(0, conductance)) / density
    exchange = -conductance / np.sqrt(density[1:] * density[:-1])
    first = {"select": "i", "select_range": (0, n_levels - 1), "eigvals_only": True}
    return np.asarray(eigh_tridiagonal(outflow, exchange, **first))


def test_a_constant_changes_nothing(rng) -> None:
    wells, z = landscape(rng, 2), torch.from_numpy(rng.normal(size=(9, 2)))
    shifted = wells + PolynomialPotential([[0, 0]], [5.0]).double()
    settings = {"coupling": 0.3, "latent_dim": 2, "n_levels": 6, "order": 2}
    here, there = (perturbation_levels(v, **settings) for v in (wells, shifted))
    for name in ("levels", "errors"):
        np.testing.assert_allclose(getattr(there, name), getattr(here, name), atol=1e-12)
    np.testing.assert_allclose(there.modes(z), here.modes(z), atol=1e-10)
    np.testing.assert_allclose(there.states(z), here.states(z), atol=1e-10)
