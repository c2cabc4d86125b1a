"""Polynomial potentials: values, closed-form expectations, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import topopert as tp
from topopert.hamiltonian.potentials.polynomial_potential import PolynomialPotential


def polynomial() -> PolynomialPotential:
    """3 − 2 z₁z₂³ + ½ z₁⁴."""
    return PolynomialPotential([[0, 0], [1, 3], [4, 0]], [3.0, -2.0, 0.5]).double()


def posterior(rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    mean, logvar = rng.normal(size=(6, 2)), rng.uniform(-3, 1, size=(6, 2))
    return torch.from_numpy(mean), torch.from_numpy(logvar)


def test_values_are_those_of_the_polynomial(rng) -> None:
    z, _ = posterior(rng)
    expected = 3 - 2 * z[:, 0] * z[:, 1] ** 3 + 0.5 * z[:, 0] ** 4
    torch.testing.assert_close(polynomial()(z), expected)


def test_expectation_is_the_gaussian_average(rng) -> None:
    mean, logvar = posterior(rng)
    # Five nodes per axis are exact up to degree 9.
    rule = tp.GaussHermite(5)
    averaged = tp.OneBodyPotential(polynomial(), quadrature=rule).expectation(mean, logvar)
    torch.testing.assert_close(polynomial().expectation(mean, logvar), averaged)


def test_moments_by_hand() -> None:
    """E[z⁴] = μ⁴ + 6μ²σ² + 3σ⁴ with μ = 2, σ² = 3: 16 + 72 + 27."""
    quartic = PolynomialPotential([[4]], [1.0])
    found = quartic.expectation(torch.tensor([[2.0]]), torch.tensor([[3.0]]).log())
    assert found.item() == pytest.approx(115.0)


def test_constants_need_no_powers(rng) -> None:
    mean, logvar = posterior(rng)
    constant = PolynomialPotential([[0, 0]], [1.5]).double()
    torch.testing.assert_close(
        constant.expectation(mean, logvar), torch.full_like(mean[:, 0], 1.5)
    )


def test_gradients_are_exact(rng) -> None:
    mean, logvar = (t.requires_grad_() for t in posterior(rng))
    assert torch.autograd.gradcheck(polynomial().expectation, (mean, logvar))


def test_it_serves_a_hamiltonian(rng) -> None:
    mean, logvar = posterior(rng)
    hamiltonian = tp.Hamiltonian(2 * polynomial(), 0.5)
    torch.testing.assert_close(
        hamiltonian.energy(mean, logvar), polynomial().expectation(mean, logvar)
    )
    half = polynomial().expectation(mean.bfloat16(), logvar.bfloat16())
    assert half.dtype == torch.float32


def test_a_quadratic_tilts_the_prior_to_a_narrower_gaussian() -> None:
    """½z² · 3 on top of ½z²: variance 1/4."""
    prior = tp.Hamiltonian(PolynomialPotential([[2]], [1.5]).double(), 1.0).prior()
    z = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None]
    expected = torch.distributions.Normal(0.0, 0.5).log_prob(z[:, 0])
    torch.testing.assert_close(prior.log_prob(z), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("exponents", "coefficients", "match"),
    [
        ([[1.5]], [1.0], "whole numbers"),
        ([[-1]], [1.0], "whole numbers"),
        ([[61]], [1.0], "whole numbers"),
        ([[1], [2]], [1.0], "one coefficient per term"),
        ([[1]], [float("nan")], "coefficients"),
        ([1, 2], [1.0], "exponents"),
    ],
)
def test_what_is_no_polynomial_is_refused(exponents, coefficients, match: str) -> None:
    with pytest.raises(tp.InvalidInputError, match=match):
        PolynomialPotential(exponents, coefficients)


def test_codes_of_another_dimension_are_refused() -> None:
    with pytest.raises(tp.InvalidInputError, match="one column per axis"):
        polynomial()(torch.zeros(4, 3))
