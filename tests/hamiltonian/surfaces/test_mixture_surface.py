"""The surface of a mixture against torch's own mixture, autograd and quadrature."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from topopert.hamiltonian.surfaces import EnergySurface, MixtureSurface


def mixture(
    generator: torch.Generator, d: int, *, full: bool, n: int = 40, shift: float = 0.0
) -> MixtureSurface:
    draw = {"generator": generator, "dtype": torch.float64}
    means = torch.randn(n, d, **draw) + shift
    weights = torch.rand(n, **draw) + 0.1
    variances = 0.02 + 0.2 * torch.rand(n, d, **draw)
    if not full:
        return MixtureSurface(means, variances, weights / weights.sum())
    skew = 0.2 * torch.randn(n, d, d, **draw)
    covariances = torch.diag_embed(variances) + skew @ skew.mT
    return MixtureSurface(means, covariances, weights / weights.sum())


def reference(surface: MixtureSurface) -> MixtureSameFamily:
    covariances = surface.covariances
    if covariances.ndim == 2:
        covariances = torch.diag_embed(covariances)
    return MixtureSameFamily(
        Categorical(surface.weights), MultivariateNormal(surface.means, covariances)
    )


def codes(generator: torch.Generator, d: int, n: int = 25) -> Tensor:
    return 1.5 * torch.randn(n, d, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("d", [1, 2, 3, 8])
def test_energy_is_minus_the_log_density(generator, d: int, full: bool) -> None:
    surface = mixture(generator, d, full=full)
    z = codes(generator, d)
    expected = -reference(surface).log_prob(z)
    torch.testing.assert_close(surface.energy(z), expected, rtol=1e-12, atol=1e-12)


def test_energies_keep_their_digits_far_from_the_origin(generator) -> None:
    surface = mixture(generator, 2, full=False, shift=1e4)
    z = codes(generator, 2) + 1e4
    expected = -reference(surface).log_prob(z)
    torch.testing.assert_close(surface.energy(z), expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("d", [1, 2, 5])
def test_closed_derivatives_are_those_of_autograd(generator, d: int, full: bool) -> None:
    surface = mixture(generator, d, full=full)
    z = codes(generator, d)
    own, automatic = surface.derivatives(z), EnergySurface.derivatives(surface, z)
    for name in ("energy", "gradient", "hessian"):
        torch.testing.assert_close(
            getattr(own, name), getattr(automatic, name), rtol=1e-9, atol=1e-9
        )
    torch.testing.assert_close(surface.gradient(z), own.gradient, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_grids_hold_the_energies_of_their_nodes(generator, d: int, full: bool) -> None:
    surface = mixture(generator, d, full=full)
    axes = [torch.linspace(-4, 4.5 + k, 23 + k, dtype=torch.float64) for k in range(d)]
    grid = surface.on_grid(axes)
    assert grid.shape == tuple(len(axis) for axis in axes)
    nodes = torch.cartesian_prod(*axes).reshape(-1, d)
    expected = surface.energy(nodes).reshape(grid.shape)
    near = expected < expected.min() + 30
    torch.testing.assert_close(grid[near], expected[near], rtol=0, atol=1e-6)
    assert (grid[~near] > expected.min() + 29).all()


@pytest.mark.parametrize("full", [False, True])
def test_the_density_integrates_to_one(generator, full: bool) -> None:
    surface = mixture(generator, 2, full=full)
    axes = [torch.linspace(-8, 8, 321, dtype=torch.float64)] * 2
    assert float((-surface.on_grid(axes)).exp().sum() * 0.05**2) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("m", [1, 2, 3])
@pytest.mark.parametrize("full", [False, True])
def test_a_marginal_is_the_integral_over_the_complement(generator, m: int, full: bool) -> None:
    surface = mixture(generator, 3, full=full, n=5)
    basis, _ = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))
    kept, lost = basis[:, :m], basis[:, m:]
    y = 0.8 * torch.randn(4, m, generator=generator, dtype=torch.float64)
    found = (-surface.projected(kept).energy(y)).exp()
    if m == 3:
        torch.testing.assert_close(found, (-surface.energy(y @ kept.T)).exp())
        return
    axis = torch.linspace(-7, 7, 281, dtype=torch.float64)
    rest = torch.cartesian_prod(*[axis] * (3 - m)).reshape(-1, 3 - m)
    for code, value in zip(y, found, strict=True):
        density = (-surface.energy(kept @ code + rest @ lost.T)).exp()
        assert float(density.sum() * 0.05 ** (3 - m)) == pytest.approx(float(value), rel=1e-9)


def test_energy_is_differentiable_in_what_it_is_made_of(generator) -> None:
    surface = mixture(generator, 2, full=False, n=4)
    z = codes(generator, 2, n=3)

    def energy(z: Tensor, means: Tensor, log_variances: Tensor) -> Tensor:
        return MixtureSurface(means, log_variances.exp()).energy(z)

    inputs = [z, surface.means, surface.covariances.log()]
    assert torch.autograd.gradcheck(energy, [value.requires_grad_() for value in inputs])


@pytest.mark.parametrize("full", [False, True])
def test_draws_have_the_moments_of_the_mixture(generator, full: bool) -> None:
    surface = mixture(generator, 2, full=full)
    n = 200_000
    z = surface.sample(n, generator=generator)
    expected = reference(surface)
    for power in (1, 2):
        moment = (z**power).mean(dim=0)
        exact = expected.mean if power == 1 else expected.variance + expected.mean**2
        error = (z**power).std(dim=0) / n**0.5
        assert ((moment - exact).abs() < 4 * error).all()
    again = surface.sample(n, generator=torch.Generator().manual_seed(5))
    same = surface.sample(n, generator=torch.Generator().manual_seed(5))
    assert torch.equal(again, same)


def test_a_thousand_components_equal_their_duplicates(generator) -> None:
    surface = mixture(generator, 2, full=False, n=300)
    doubled = MixtureSurface(surface.means.repeat(2, 1), surface.covariances.repeat(2, 1))
    once = MixtureSurface(surface.means, surface.covariances)
    z = codes(generator, 2)
    torch.testing.assert_close(once.energy(z), doubled.energy(z))


def test_temperature_divides_the_energy_and_its_derivatives(generator) -> None:
    surface = mixture(generator, 2, full=False)
    cold, z = surface.tempered(0.25), codes(generator, 2)
    torch.testing.assert_close(cold.energy(z), 4 * surface.energy(z))
    torch.testing.assert_close(cold.derivatives(z).hessian, 4 * surface.derivatives(z).hessian)
    torch.testing.assert_close(cold.gradient(z), 4 * surface.gradient(z))
    np.testing.assert_allclose(cold.features.widths, surface.features.widths / 2)
    assert surface.tempered(1.0) is surface
