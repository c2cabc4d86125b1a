from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from topopert.errors import InvalidInputError
from topopert.hamiltonian.grids import grid_spectrum
from topopert.hamiltonian.spectra import Spectrum
from topopert.hamiltonian.surfaces import FunctionSurface, MixtureSurface, TiltedSurface


def clusters(d: int) -> MixtureSurface:
    generator = torch.Generator().manual_seed(7)
    means = torch.randn(12, d, generator=generator, dtype=torch.float64)
    return MixtureSurface(1.3 * means, torch.full_like(means, 0.5))


def overlaps(found: Spectrum, half: float, n: int) -> torch.Tensor:
    """∫φ_kφ_l by the midpoint rule of another grid, (K, K)."""
    d = found.surface.latent_dim
    line = (torch.arange(n, dtype=torch.float64) + 0.5) * (2 * half / n) - half
    z = torch.cartesian_prod(*[line] * d).reshape(-1, d)
    states = found.states(z)
    return states.T @ states * (2 * half / n) ** d


@pytest.mark.parametrize(("d", "n", "accuracy"), [(1, 173, 1e-5), (2, 97, 1e-5), (3, 41, 5e-3)])
def test_states_are_orthonormal(d: int, n: int, accuracy: float) -> None:
    found = grid_spectrum(clusters(d), n_levels=5)
    torch.testing.assert_close(
        overlaps(found, 7.0, n), torch.eye(5, dtype=torch.float64), rtol=0, atol=accuracy
    )


def test_the_sample_is_a_quadrature_of_p() -> None:
    surface = clusters(2)
    found = grid_spectrum(surface, n_levels=5)
    sample = found.sample
    assert float(sample.weights.sum()) == pytest.approx(1, abs=1e-12)
    mean = surface.means.mean(dim=0)
    torch.testing.assert_close(sample.weights @ sample.nodes, mean, rtol=0, atol=1e-6)
    square = (sample.modes * sample.weights[:, None]).T @ sample.modes
    torch.testing.assert_close(square, torch.eye(5, dtype=torch.float64), rtol=0, atol=1e-9)
    inside = sample.weights > 1e-10 * sample.weights.max()
    torch.testing.assert_close(found.modes(sample.nodes)[inside], sample.modes[inside])


def test_modes_of_the_oscillator_are_hermite_polynomials() -> None:
    found = grid_spectrum(TiltedSurface(lambda z: z[:, 0], 0.0, 1), n_levels=4)
    z = torch.linspace(-3, 3, 41, dtype=torch.float64)[:, None]
    exact = torch.stack(
        [torch.ones(41), z[:, 0], (z[:, 0] ** 2 - 1) / math.sqrt(2)], dim=1
    ).double()
    torch.testing.assert_close(found.modes(z)[:, :3], exact, rtol=0, atol=2e-3)
    ground = torch.exp(-0.25 * z[:, 0] ** 2) / (2 * math.pi) ** 0.25
    torch.testing.assert_close(found.states(z)[:, 0], ground, rtol=1e-6, atol=0)


def test_modes_solve_the_backward_equation() -> None:
    surface = FunctionSurface(lambda z: (z.square().sum(dim=1) - 2).square() / 4 + z[:, 0], 2)
    found = grid_spectrum(surface, n_levels=5, accuracy=1e-6)
    z = torch.tensor([[0.3, 1.0], [-1.2, 0.4], [0.1, -0.7]], dtype=torch.float64)
    for k in range(1, 5):
        x = z.clone().requires_grad_()
        (slope,) = torch.autograd.grad(found.modes(x)[:, k].sum(), x, create_graph=True)
        laplacian = sum(
            torch.autograd.grad(slope[:, i].sum(), x, retain_graph=True)[0][:, i] for i in (0, 1)
        )
        drift = (slope.detach() * surface.gradient(z)).sum(dim=1)
        left = drift - laplacian
        torch.testing.assert_close(left, found.levels[k] * found.modes(z)[:, k], rtol=0, atol=0.02)


@pytest.mark.parametrize("d", [1, 2])
def test_modes_and_states_pass_gradcheck(d: int) -> None:
    found = grid_spectrum(clusters(d), n_levels=3)
    z = torch.tensor([[0.31, -0.72], [1.4, 0.23]], dtype=torch.float64)[:, :d].requires_grad_()
    assert torch.autograd.gradcheck(found.modes, (z,))
    assert torch.autograd.gradcheck(found.states, (z,))
    assert torch.autograd.gradgradcheck(found.modes, (z,))


def test_modes_are_constant_far_out_and_states_vanish() -> None:
    found = grid_spectrum(clusters(2), n_levels=3)
    far = torch.tensor([[30.0, 40.0], [60.0, 80.0]], dtype=torch.float64)
    modes = found.modes(far)
    assert modes.isfinite().all()
    torch.testing.assert_close(modes[0], modes[1])
    assert (found.states(far).abs() < 1e-12).all()


def test_single_precision_codes_are_answered() -> None:
    found = grid_spectrum(clusters(2), n_levels=3)
    z = torch.tensor([[0.5, 0.25]])
    torch.testing.assert_close(found.modes(z), found.modes(z.double()))
    assert found.modes(z[:0]).shape == (0, 3)


@pytest.mark.parametrize("z", [torch.zeros(3), torch.zeros(2, 3), torch.zeros(2, 2, dtype=int)])
def test_codes_of_another_shape_are_refused(z: torch.Tensor) -> None:
    found = grid_spectrum(clusters(2), n_levels=2)
    with pytest.raises(InvalidInputError, match="`z`"):
        found.modes(z)


def test_signs_do_not_depend_on_the_order_of_the_data() -> None:
    surface = clusters(2)
    turned = MixtureSurface(surface.means.flip(0), surface.covariances.flip(0))
    a, b = (grid_spectrum(s, n_levels=5) for s in (surface, turned))
    torch.testing.assert_close(a.sample.modes, b.sample.modes, rtol=0, atol=1e-6)


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_activation_energies_are_the_levels_slopes_in_inverse_temperature(
    temperature: float,
) -> None:
    surface = FunctionSurface(
        lambda z: (z.square().sum(dim=1) - 2).square() + z[:, 0], 2, width=0.3
    )
    found = grid_spectrum(surface, n_levels=5, temperature=temperature)
    step = 0.01 / temperature
    low, high = (
        grid_spectrum(surface, n_levels=5, temperature=1 / (1 / temperature + s)).levels
        for s in (-step, step)
    )
    slopes = -(high / low).log()[1:] / (2 * step)
    torch.testing.assert_close(found.activation_energies[1:], slopes, rtol=5e-3, atol=5e-3)
    assert found.activation_energies[0].isnan()


def test_activation_energies_tell_wells_rings_and_barriers_apart() -> None:
    oscillator = grid_spectrum(TiltedSurface(lambda z: z[:, 0], 0.0, 2), n_levels=4)
    np.testing.assert_allclose(oscillator.activation_energies[1:].numpy(), 0, atol=2e-3)
    ring = FunctionSurface(lambda z: 40 * (z.norm(dim=1) - 2).square(), 2, width=0.11)
    assert float(grid_spectrum(ring, n_levels=2).activation_energies[1]) == pytest.approx(
        1, abs=0.03
    )
    double = FunctionSurface(lambda z: 6 * (z[:, 0].square() - 1).square(), 1, width=0.14)
    found = grid_spectrum(double, n_levels=2, temperature=0.25)
    assert float(found.activation_energies[1]) == pytest.approx(6, rel=0.02)
