"""Variational levels on draws, against exact ones: products, sums, grids of the marginal."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

import topopert as tp
from topopert.errors import InvalidInputError
from topopert.hamiltonian.draws.ritz import ritz_spectrum
from topopert.hamiltonian.grids import grid_spectrum
from topopert.hamiltonian.spectra import Spectrum
from topopert.hamiltonian.structure.structure import structured_spectrum
from topopert.hamiltonian.surfaces import FunctionSurface, MixtureSurface, TiltedSurface

STIFFNESS = torch.tensor([0.0, 0.3, 0.7, 1.2, 2.0], dtype=torch.float64)


def spring_levels(n_levels: int) -> np.ndarray:
    sums = (
        sum(n * (1 + a) for n, a in zip(numbers, STIFFNESS.tolist(), strict=True))
        for numbers in itertools.product(range(4), repeat=5)
    )
    return np.array(sorted(sums)[:n_levels])


def clusters(separations, d: int, sd: float = 0.35) -> MixtureSurface:
    """One cluster at the origin and one on each axis, so many deviations away."""
    means = torch.zeros(len(separations) + 1, d, dtype=torch.float64)
    for k, separation in enumerate(separations):
        means[k + 1, k] = separation * sd
    return MixtureSurface(means, torch.full_like(means, sd**2))


def marginal(surface: MixtureSurface, m: int) -> MixtureSurface:
    """Exact for the modes that are not of the noise: equal spherical components in a plane."""
    return surface.projected(torch.eye(surface.latent_dim, dtype=torch.float64)[:, :m])


@pytest.fixture(scope="module")
def springs() -> Spectrum:
    surface = TiltedSurface(lambda z: 0.5 * (z.square() * STIFFNESS).sum(dim=1), 1.0, 5)
    return ritz_spectrum(surface, n_levels=10)


@pytest.mark.slow
def test_springs_have_the_sums_of_their_levels(springs: Spectrum) -> None:
    exact = spring_levels(10)
    relative = springs.levels.numpy()[1:] / exact[1:] - 1
    assert float(springs.levels[0]) == 0
    assert np.abs(relative).max() < 0.12
    assert np.abs(relative[:5]).max() < 0.06
    # The gap between the halves tells the size of the error.
    assert (np.abs(springs.levels.numpy() - exact) <= 3 * springs.errors.numpy()).all()
    assert springs.error_kind == "train against test"


@pytest.mark.slow
def test_springs_need_no_activation(springs: Spectrum) -> None:
    assert springs.activation_energies[1:6].abs().max() < 0.15
    assert springs.activation_energies[0].isnan()


@pytest.mark.slow
def test_modes_are_orthonormal_differentiable_and_those_of_the_sample(springs: Spectrum) -> None:
    sample = springs.sample
    moments = sample.modes.T @ (sample.weights[:, None] * sample.modes)
    torch.testing.assert_close(moments, torch.eye(10, dtype=torch.float64), rtol=0, atol=1e-8)
    z = sample.nodes[:40].clone().requires_grad_()
    modes = springs.modes(z)
    torch.testing.assert_close(modes.detach(), sample.modes[:40], rtol=0, atol=1e-9)
    # E = ∫∣∇f∣²p: by autograd, on the nodes that the level was read off.
    nodes = sample.nodes[:4000].clone().requires_grad_()
    (slope,) = torch.autograd.grad(springs.modes(nodes)[:, 1].sum(), nodes)
    weights = sample.weights[:4000] / sample.weights[:4000].sum()
    assert abs(float(weights @ slope.square().sum(1)) / float(springs.levels[1]) - 1) < 0.1


@pytest.mark.slow
def test_states_are_normalised(springs: Spectrum) -> None:
    stream = torch.Generator().manual_seed(0)
    z = torch.randn(40_000, 5, dtype=torch.float64, generator=stream)
    density = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(dim=1).exp()
    squares = (springs.states(z)[:, :4].square() / density[:, None]).mean(dim=0)
    torch.testing.assert_close(squares, torch.ones_like(squares), rtol=0, atol=0.08)


@pytest.mark.slow
def test_the_same_arguments_give_the_same_levels_and_another_stream_others() -> None:
    surface = clusters([4.0], 4)
    before = torch.get_rng_state()
    first, second = (ritz_spectrum(surface, n_levels=3) for _ in range(2))
    other = ritz_spectrum(surface, n_levels=3, generator=torch.Generator().manual_seed(7))
    assert torch.equal(first.levels, second.levels)
    assert torch.equal(torch.get_rng_state(), before)
    gap = (other.levels - first.levels).abs()[1:]
    assert (gap > 0).all()
    assert (gap < 2 * (other.errors + first.errors)[1:]).all()


@pytest.mark.slow
@pytest.mark.parametrize("separations", [[3.0, 4.0], [8.0, 9.0]])
def test_clusters_in_eight_dimensions_are_those_of_their_plane(separations) -> None:
    """Down to a level of 5e-4, which a sample without bridges puts at 0."""
    surface = clusters(separations, 8)
    exact = grid_spectrum(marginal(surface, 2), n_levels=3)
    found = ritz_spectrum(surface, n_levels=3)
    np.testing.assert_allclose(found.levels.numpy()[1:], exact.levels.numpy()[1:], rtol=0.12)
    np.testing.assert_allclose(
        found.activation_energies.numpy()[1:], exact.activation_energies.numpy()[1:], rtol=0.1
    )


@pytest.mark.slow
def test_a_product_of_double_wells_has_the_sums_of_their_levels() -> None:
    sd, halves = 0.45, [0.9, 1.0, 1.2]
    means = torch.zeros(8, 6, dtype=torch.float64)
    corners = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=3)), dtype=torch.float64)
    means[:, :3] = corners * torch.tensor(halves, dtype=torch.float64)
    found = ritz_spectrum(MixtureSurface(means, torch.full_like(means, sd**2)), n_levels=8)
    lines = []
    for half in halves:
        pair = torch.tensor([[-half], [half]], dtype=torch.float64)
        line = grid_spectrum(MixtureSurface(pair, torch.full_like(pair, sd**2)), n_levels=2)
        lines.append(float(line.levels[1]))
    exact = sorted(sum(some) for r in range(4) for some in itertools.combinations(lines, r))
    np.testing.assert_allclose(found.levels.numpy()[1:], exact[1:], rtol=0.15)
    # Upper bounds, but for the draws' own noise.
    assert (found.levels.numpy()[1:] > 0.95 * np.array(exact[1:])).all()


@pytest.mark.slow
def test_a_posterior_at_other_temperatures_is_drawn_by_weights_and_annealing() -> None:
    surface = clusters([4.0], 4)
    for temperature in (0.6, 1.7):
        exact = grid_spectrum(marginal(surface, 1), n_levels=2, temperature=temperature)
        found = ritz_spectrum(surface, n_levels=2, temperature=temperature)
        assert abs(float(found.levels[1] / exact.levels[1]) - 1) < 0.12


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.3, 3.0])
def test_a_harmonic_function_far_from_the_origin_has_its_levels(temperature: float) -> None:
    stiffness = 1 + STIFFNESS[:4]
    surface = FunctionSurface(lambda z: 0.5 * ((z - 3).square() * stiffness).sum(dim=1), 4)
    found = ritz_spectrum(surface, n_levels=5, temperature=temperature)
    np.testing.assert_allclose(found.levels.numpy()[1:], [1.0, 1.3, 1.7, 2.0], rtol=0.1)


@pytest.mark.slow
def test_a_ring_that_no_gaussian_is_near_has_the_levels_of_its_plane() -> None:
    def ring(z: torch.Tensor) -> torch.Tensor:
        return ((z[:, :2].square().sum(dim=1) + 1e-12).sqrt() - 2).square() / 0.08

    plane = grid_spectrum(FunctionSurface(ring, 2, width=0.2), n_levels=3)
    surface = FunctionSurface(lambda z: ring(z) + 0.5 * z[:, 2:].square().sum(dim=1), 4)
    found = ritz_spectrum(surface, n_levels=3)
    np.testing.assert_allclose(found.levels.numpy()[1:], plane.levels.numpy()[1:], rtol=0.1)
    # Free diffusion: T.
    np.testing.assert_allclose(found.activation_energies.numpy()[1:], 1.0, atol=0.15)


@pytest.mark.slow
def test_twenty_thousand_components_are_worked_on() -> None:
    stream = torch.Generator().manual_seed(0)
    means = torch.randn(20_000, 8, dtype=torch.float64, generator=stream)
    surface = MixtureSurface(means, torch.full_like(means, 0.1))
    found = ritz_spectrum(surface, n_levels=9)
    # Nearly N(0, 1.1), whose level 1 is eightfold at 1/1.1.
    np.testing.assert_allclose(found.levels.numpy()[1:], 1 / 1.1, rtol=0.1)


@pytest.mark.slow
def test_one_component_has_the_levels_of_its_width() -> None:
    means = torch.zeros(1, 4, dtype=torch.float64)
    found = ritz_spectrum(MixtureSurface(means, means + 0.25), n_levels=5)
    np.testing.assert_allclose(found.levels.numpy()[1:], 4.0, rtol=0.06)
    assert found.degeneracies.tolist() == [1, 4, 4, 4, 4]


@pytest.mark.parametrize(
    ("energy", "message"),
    [
        (lambda z: 0 * z[:, 0], "does not confine"),
        (lambda z: 0.5 * z[:, :3].square().sum(dim=1), "does not confine"),
        (lambda z: -0.5 * z.square().sum(dim=1), "does not confine"),
        (lambda z: z[:, 0].log(), "NaN"),
    ],
)
def test_a_surface_without_a_density_is_refused(energy, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        ritz_spectrum(FunctionSurface(energy, 4), n_levels=3)


@pytest.mark.parametrize(
    "bad", [{"n_levels": 0}, {"n_levels": 1000}, {"n_levels": 3, "temperature": -1.0}]
)
def test_numbers_out_of_range_are_refused(bad: dict) -> None:
    with pytest.raises(InvalidInputError):
        ritz_spectrum(clusters([4.0], 4), **bad)


@pytest.mark.slow
def test_wells_in_six_dimensions_have_the_levels_of_their_symmetry() -> None:
    centers = np.zeros((2, 6))
    centers[:, 0] = [1.0, -0.6]
    spec = tp.WellSpec(centers=centers, depths=np.array([1.5, 2.0]), widths=np.array([0.7, 0.9]))
    surface = TiltedSurface(tp.WellPotential(spec).double(), 1.0, 6)
    exact = structured_spectrum(surface, n_levels=8).levels.numpy()
    found = ritz_spectrum(surface, n_levels=8)
    np.testing.assert_allclose(found.levels.numpy()[1:], exact[1:], rtol=0.1)
