"""Wells in many dimensions: one grid for each angular momentum, against grids and formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import topopert as tp
from tests.hamiltonian.structure.eigen_equation import eigen_residual, frame
from topopert.hamiltonian.draws.ritz import ritz_spectrum
from topopert.hamiltonian.grids import grid_spectrum
from topopert.hamiltonian.structure.harmonics import HarmonicPolynomials, n_harmonics
from topopert.hamiltonian.structure.radial_operator import radial_grid, radial_operator
from topopert.hamiltonian.structure.structure import structured_spectrum
from topopert.hamiltonian.surfaces import TiltedSurface

TRIANGLE = [[1.0, 0.5, 0.2], [-0.6, 0.4, -0.1], [0.2, -0.9, 0.1]]


def wells(centers, d: int, *, coupling: float = 1.0, width: float = 0.7) -> TiltedSurface:
    places = np.zeros((len(centers), d))
    places[:, : len(centers[0])] = centers
    spec = tp.WellSpec(
        centers=places,
        depths=np.linspace(1.5, 2.0, len(centers)),
        widths=np.linspace(width, 1.2 * width, len(centers)),
    )
    return TiltedSurface(tp.WellPotential(spec).double(), coupling, d)


@pytest.mark.parametrize(("m", "degree"), [(1, 1), (2, 3), (3, 2), (5, 2), (4, 3)])
def test_harmonic_polynomials_are_orthonormal_and_harmonic(m: int, degree: int) -> None:
    polynomials = HarmonicPolynomials(m, degree)
    assert len(polynomials) == n_harmonics(m, degree)
    stream = torch.Generator().manual_seed(0)
    z = torch.randn(100_000, m, dtype=torch.float64, generator=stream)
    values = polynomials(z / z.norm(dim=1, keepdim=True))
    torch.testing.assert_close(
        values.T @ values / len(z),
        torch.eye(len(polynomials), dtype=torch.float64),
        rtol=0,
        atol=0.04,
    )
    point = z[0].clone()
    for k in range(len(polynomials)):
        hessian = torch.autograd.functional.hessian(
            lambda x, k=k: polynomials(x[None])[0, k], point
        )
        assert abs(float(hessian.trace())) < 1e-10


@pytest.mark.parametrize("degree", [0, 1])
@pytest.mark.parametrize("m", [1, 2, 3, 4, 6])
def test_errors_fall_by_the_fifth_power_of_the_spacing(m: int, degree: int) -> None:
    """An oscillator's levels are l + 2k; even m is where the sums at the axis need their care."""
    errors = []
    for spacing in (0.3, 0.15):
        grid = radial_grid(
            lambda y: 0.5 * (y**2).sum(axis=1),
            lambda y: np.ones(len(y)),
            np.zeros(0),
            np.array([10.0]),
            spacing,
        )
        operator = radial_operator(grid, n_axes=m, degree=degree, cut=36.0)
        levels = np.linalg.eigvalsh(operator.matrix.toarray())[:4]
        errors.append(np.abs(levels - (degree + 2 * np.arange(4))).max())
    assert errors[0] < 1e-3
    assert errors[0] > 32 * errors[1]


@pytest.mark.parametrize(("centers", "d"), [([[0.0]], 2), ([[1.0], [-0.6]], 2)])
def test_levels_are_those_of_a_grid_in_the_plane(centers, d: int) -> None:
    surface = wells(centers, d)
    found, grid = structured_spectrum(surface, n_levels=10), grid_spectrum(surface, n_levels=10)
    np.testing.assert_allclose(found.levels.numpy(), grid.levels.numpy(), rtol=2e-4, atol=1e-9)
    torch.testing.assert_close(
        found.activation_energies[1:], grid.activation_energies[1:], rtol=0, atol=2e-3
    )
    assert found.degeneracies.tolist() == grid.degeneracies.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("centers", [[[0.0]], [[1.0], [-0.6]], TRIANGLE[:2]])
def test_levels_are_those_of_a_grid_in_space(centers) -> None:
    surface = wells(centers, 3)
    found, grid = structured_spectrum(surface, n_levels=8), grid_spectrum(surface, n_levels=8)
    np.testing.assert_allclose(found.levels.numpy(), grid.levels.numpy(), rtol=3e-3, atol=1e-9)


@pytest.mark.slow
def test_a_power_of_the_length_is_found_and_solved_by_radius() -> None:
    surface = TiltedSurface(lambda z: 0.1 * z.square().sum(dim=1).square(), 1.0, 3)
    found, grid = structured_spectrum(surface, n_levels=9), grid_spectrum(surface, n_levels=9)
    assert found.degeneracies.tolist() == [1, 3, 3, 3, 5, 5, 5, 5, 5]
    np.testing.assert_allclose(found.levels.numpy(), grid.levels.numpy(), rtol=5e-3, atol=1e-9)


def test_axes_off_the_span_of_the_centres_do_not_add_whole_numbers() -> None:
    """A well is as wide across the span as along it: it stiffens or softens all axes."""
    found = structured_spectrum(wells([[1.0], [-0.6]], 6), n_levels=8)
    assert found.degeneracies.tolist()[:7] == [1, 1, 5, 5, 5, 5, 5]
    assert float(found.levels[2]) - 1 > 0.05
    assert float(found.errors[2]) < 1e-4


def test_first_order_across_the_span_is_the_mean_curvature_and_its_error_is_quadratic() -> None:
    """M⊥ = Σ a A/(1 + s²), A = (s²/(1+s²))^{d/2} e^{−c²/2(1+s²)}: section 4 of the theory."""
    d = 6
    surface = wells([[1.0], [-0.6]], d)
    spread = 1 + surface.widths.square()
    reach = (surface.widths.square() / spread) ** (d / 2)
    reach = reach * torch.exp(-surface.centers.square().sum(1) / (2 * spread))
    slope = float((surface.depths * reach / spread).sum())
    errors = [
        float(structured_spectrum(wells([[1.0], [-0.6]], d, coupling=c), n_levels=7).levels[2])
        - (1 + c * slope)
        for c in (0.4, 0.2)
    ]
    assert 3.4 < errors[0] / errors[1] < 4.6


@pytest.mark.slow
@pytest.mark.parametrize(("centers", "d"), [([[0.0]], 6), ([[1.0], [-0.6]], 5)])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_modes_obey_the_eigenvalue_equation(centers, d: int, temperature: float) -> None:
    found = structured_spectrum(wells(centers, d), n_levels=d + 3, temperature=temperature)
    stream = torch.Generator().manual_seed(0)
    likely = torch.multinomial(found.sample.weights, 100, generator=stream)
    residual = eigen_residual(found, found.sample.nodes[likely])
    assert residual.square().mean(dim=0).sqrt().max() < 0.03
    squares = found.sample.weights @ found.sample.modes.square()
    torch.testing.assert_close(squares, torch.ones_like(squares), rtol=0, atol=0.05)


def test_modes_have_gradients_on_the_axis() -> None:
    found = structured_spectrum(wells([[1.0], [-0.6]], 5), n_levels=6)
    z = torch.zeros(2, 5, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(found.modes(z).sum(), z)
    assert slope.isfinite().all()


def test_states_are_normalised() -> None:
    found = structured_spectrum(wells([[1.0], [-0.6]], 4), n_levels=6)
    stream = torch.Generator().manual_seed(0)
    z = 1.2 * torch.randn(100_000, 4, dtype=torch.float64, generator=stream)
    log_draw = -0.5 * (z / 1.2).square().sum(1) - 4 * math.log(1.2 * math.sqrt(2 * math.pi))
    squares = (found.states(z).square() / log_draw.exp()[:, None]).mean(dim=0)
    torch.testing.assert_close(squares, torch.ones_like(squares), rtol=0, atol=0.05)


def test_activation_energy_is_the_slope_in_inverse_temperature() -> None:
    surface = wells([[0.0]], 5)

    def levels(temperature: float) -> torch.Tensor:
        return structured_spectrum(surface, n_levels=9, temperature=temperature).levels

    step = 0.01
    slope = -(levels(1 / (1 + step))[1:].log() - levels(1 / (1 - step))[1:].log()) / (2 * step)
    found = structured_spectrum(surface, n_levels=9)
    torch.testing.assert_close(found.activation_energies[1:], slope, rtol=0, atol=1e-4)


@pytest.mark.slow
def test_a_rotated_copy_has_the_same_levels() -> None:
    surface = wells([[1.0], [-0.6]], 5)
    spec = tp.WellSpec(
        centers=(surface.centers @ frame(5)).numpy(),
        depths=surface.depths.numpy(),
        widths=surface.widths.numpy(),
    )
    turned = TiltedSurface(tp.WellPotential(spec).double(), 1.0, 5)
    levels = [structured_spectrum(s, n_levels=9).levels for s in (surface, turned)]
    torch.testing.assert_close(*levels, rtol=1e-6, atol=1e-8)


def test_too_many_directions_of_centres_have_no_structure() -> None:
    assert structured_spectrum(wells(np.eye(3) + 0.1, 6), n_levels=4) is None


@pytest.mark.slow
def test_two_span_directions_in_six_dimensions_agree_with_draws() -> None:
    surface = wells(TRIANGLE, 6, width=1.0)
    flat = surface.centers[:, :2]
    spec = tp.WellSpec(
        centers=np.hstack([flat.numpy(), np.zeros((3, 4))]),
        depths=surface.depths.numpy(),
        widths=surface.widths.numpy(),
    )
    surface = TiltedSurface(tp.WellPotential(spec).double(), 1.0, 6)
    found = structured_spectrum(surface, n_levels=7)
    drawn = ritz_spectrum(surface, n_levels=7)
    gap = (drawn.levels - found.levels).abs()[1:]
    assert (gap <= 3 * drawn.errors[1:]).all()
    assert (gap <= 0.08 * found.levels[1:]).all()
    assert ((found.errors <= 2e-3 * found.levels) | (found.levels == 0)).all()
