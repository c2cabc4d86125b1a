"""The splitting matrix M = E₀[∇²V] against averages of Hessians, formulas and symmetries."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.autograd.functional import hessian

import topopert as tp
from topopert.hamiltonian.perturbation import splitting_matrix
from topopert.hamiltonian.potentials.polynomial_potential import PolynomialPotential


def landscape(rng: np.random.Generator, latent_dim: int) -> tp.WellPotential:
    spec = tp.WellSpec(
        centers=rng.normal(size=(4, latent_dim)),
        depths=rng.uniform(-1, 2, size=4),
        widths=rng.uniform(0.4, 1.5, size=4),
    )
    return tp.WellPotential(spec).double()


def close(found: torch.Tensor, expected, atol: float = 1e-13) -> None:
    expected = torch.as_tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(found, expected, atol=atol, rtol=0)


def test_it_is_the_average_of_the_hessian_over_the_prior(rng) -> None:
    wells = landscape(rng, 2)
    axis, weights = np.polynomial.hermite_e.hermegauss(120)
    nodes = torch.cartesian_prod(*[torch.from_numpy(axis)] * 2)
    product = torch.cartesian_prod(*[torch.from_numpy(weights / weights.sum())] * 2).prod(dim=1)
    nodes.requires_grad_()
    (slope,) = torch.autograd.grad(wells(nodes).sum(), nodes, create_graph=True)
    rows = [torch.autograd.grad(slope[:, k].sum(), nodes, retain_graph=True)[0] for k in range(2)]
    hessians = torch.stack(rows, dim=1)  # (n, 2, 2)
    close(splitting_matrix(wells, 2), torch.einsum("n,nij->ij", product, hessians), 1e-10)


@pytest.mark.parametrize("latent_dim", [1, 3, 12])
def test_it_is_the_hessian_of_the_expectation_at_the_prior(rng, latent_dim: int) -> None:
    """E over N(μ, I) of V has the Hessian E₀[∇²V] at μ = 0."""
    total = landscape(rng, latent_dim)
    exponents = rng.integers(0, 4, size=(5, latent_dim)) * (rng.random((5, latent_dim)) < 0.4)
    total = 0.7 * total - PolynomialPotential(exponents, rng.normal(size=5)).double()

    def expectation(mean: torch.Tensor) -> torch.Tensor:
        return total.expectation(mean[None], torch.zeros_like(mean)[None])[0]

    zero = torch.zeros(latent_dim, dtype=torch.float64)
    close(splitting_matrix(total, latent_dim), hessian(expectation, zero), 1e-11)


def test_it_is_the_formula_of_theory(rng) -> None:
    """−Σ aA[ccᵀ/(1+s²)² − I/(1+s²)], A = (s²/(1+s²))^{d/2} exp(−∣c∣²/2(1+s²)), section 4."""
    d, wells = 5, landscape(rng, 5)
    expected = np.zeros((d, d))
    for c, a, s in zip(*(t.numpy() for t in wells.buffers()), strict=True):
        t = 1 + s**2
        area = (s**2 / t) ** (d / 2) * math.exp(-c @ c / (2 * t))
        expected -= a * area * (np.outer(c, c) / t**2 - np.eye(d) / t)
    close(splitting_matrix(wells, d), expected)


def test_constants_by_hand() -> None:
    """½zᵀAz gives A; z₁²z₂² gives 2 on the diagonal; z₁³z₂ gives 3 off it."""
    close(splitting_matrix(PolynomialPotential([[2, 0], [1, 1]], [0.5, 3.0]), 2), [[1, 3], [3, 0]])
    close(splitting_matrix(PolynomialPotential([[2, 2]], [1.0]), 2), [[2, 0], [0, 2]])
    close(splitting_matrix(PolynomialPotential([[3, 1]], [1.0]), 2), [[0, 3], [3, 0]])


def test_the_external_field_holds_every_axis_alike(rng) -> None:
    spec = tp.AnchorSpec(
        landmarks=rng.normal(size=(6, 4)), values=rng.normal(size=(6, 3)), radius=1.0
    )
    field = tp.AnchorPotential(spec)
    close(splitting_matrix(field, 3), np.eye(3))
    wells = landscape(rng, 3)
    close(splitting_matrix(2 * field + wells, 3), splitting_matrix(wells, 3) + 2 * torch.eye(3))
    with pytest.raises(tp.InvalidInputError, match="latent_dim=3"):
        splitting_matrix(field, 2)


def test_no_derivative_is_needed() -> None:
    """E₀[d²∣z∣/dz²] = 2 p₀(0), though ∣z∣ has a kink; the quadrature says that it is rough."""
    with pytest.warns(tp.TopopertWarning, match="not settled"):
        found = splitting_matrix(lambda z: z[:, 0].abs(), 1)
    close(found, [[2 / math.sqrt(2 * math.pi)]], atol=3e-3)


@pytest.mark.parametrize("latent_dim", [1, 2, 3])
def test_functions_give_what_their_closed_form_does(rng, latent_dim: int) -> None:
    wells = landscape(rng, latent_dim)
    close(
        splitting_matrix(lambda z: wells(z), latent_dim), splitting_matrix(wells, latent_dim), 1e-8
    )


def test_turning_the_wells_turns_the_matrix(rng) -> None:
    wells, turn = landscape(rng, 4), torch.from_numpy(np.linalg.qr(rng.normal(size=(4, 4)))[0])
    before = splitting_matrix(wells, 4)
    wells.centers = wells.centers @ turn.T
    close(splitting_matrix(wells, 4), turn @ before @ turn.T)


def test_wells_fade_with_the_dimension() -> None:
    """A well at the origin: M = a (w²/(1+w²))^{d/2}/(1+w²) I."""
    for d in (2, 10, 20):
        spec = tp.WellSpec(centers=np.zeros((1, d)), depths=np.ones(1), widths=np.full(1, 0.75))
        strength = (0.5625 / 1.5625) ** (d / 2) / 1.5625
        close(splitting_matrix(tp.WellPotential(spec), d), strength * np.eye(d), 1e-15)


def test_it_is_detached_and_of_double_precision(rng) -> None:
    found = splitting_matrix(landscape(rng, 2).float(), 2)
    assert found.dtype == torch.float64
    assert not found.requires_grad
