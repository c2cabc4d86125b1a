from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg
from torch import Tensor

from topopert.hamiltonian.grids import grid_spectrum
from topopert.hamiltonian.potentials.well_potential import WellPotential
from topopert.hamiltonian.surfaces import FunctionSurface, MixtureSurface, TiltedSurface
from topopert.hamiltonian.surfaces.posterior_surface import posterior_surface
from topopert.records import WellSpec


def oscillator_levels(frequencies: tuple[float, ...], n: int) -> np.ndarray:
    numbers = itertools.product(range(n), repeat=len(frequencies))
    return np.sort([np.dot(k, frequencies) for k in numbers])[:n]


def quadratic(frequencies: tuple[float, ...]) -> TiltedSurface:
    """½∣z∣² + V with V = ½Σ a_k z_k², 1 + a_k the frequencies."""
    a = torch.tensor(frequencies) - 1.0
    return TiltedSurface(lambda z: 0.5 * (a * z.square()).sum(dim=1), 1.0, len(frequencies))


def hermite_double_well_levels(n: int) -> np.ndarray:
    """Levels of U = (z² − 1)² + z/4 by Chebyshev collocation of −f'' + U'f', reflecting."""
    n_nodes, half = 160, 3.6
    k = np.arange(n_nodes + 1)
    x = np.cos(np.pi * k / n_nodes)
    c = np.where((k == 0) | (k == n_nodes), 2.0, 1.0) * (-1.0) ** k
    away = x[:, None] - x + np.eye(n_nodes + 1)
    d = np.outer(c, 1 / c) / away
    d -= np.diag(d.sum(axis=1))
    d /= half
    z = half * x
    slope = 4 * z * (z**2 - 1) + 0.25
    generator = -d @ d + slope[:, None] * d
    # f' = 0 at both ends: their rows give their values from the others'.
    ends, inner = [0, n_nodes], np.arange(1, n_nodes)
    back = -np.linalg.solve(d[np.ix_(ends, ends)], d[np.ix_(ends, inner)])
    reduced = generator[np.ix_(inner, inner)] + generator[np.ix_(inner, ends)] @ back
    return np.sort(linalg.eigvals(reduced).real)[:n]


@pytest.mark.parametrize(
    ("frequencies", "n", "accuracy"),
    [((1.0,), 16, 1e-5), ((3.0,), 8, 1e-6), ((1.0, 1.0), 20, 2e-5), ((1.0, 2.5), 20, 1e-4)],
)
def test_quadratic_levels_are_sums_of_frequencies(
    frequencies: tuple[float, ...], n: int, accuracy: float
) -> None:
    found = grid_spectrum(quadratic(frequencies), n_levels=n)
    exact = oscillator_levels(frequencies, n)
    np.testing.assert_allclose(found.levels.numpy(), exact, rtol=accuracy, atol=1e-12)
    assert found.levels[0] == 0.0


def test_oscillator_in_three_dimensions_is_within_its_accuracy() -> None:
    found = grid_spectrum(quadratic((1.0, 1.0, 1.0)), n_levels=20)
    np.testing.assert_allclose(
        found.levels.numpy(), oscillator_levels((1.0, 1.0, 1.0), 20), rtol=1e-3
    )
    assert found.degeneracies.tolist() == [1] + [3] * 3 + [6] * 6 + [10] * 10


@pytest.mark.parametrize("d", [1, 2, 3])
def test_degeneracies_without_coupling_are_binomials(d: int) -> None:
    n = 1 + d + 1  # the last level asked for is one of a group whose rest was not asked for
    found = grid_spectrum(TiltedSurface(lambda z: z[:, 0], 0.0, d), n_levels=n)
    binomials = [math.comb(k + d - 1, k) for k in range(3)]
    assert found.degeneracies.tolist() == [1] + [d] * d + [binomials[2]]


def test_tilted_double_well_agrees_with_chebyshev_collocation() -> None:
    surface = FunctionSurface(
        lambda z: (z[:, 0] ** 2 - 1) ** 2 + 0.25 * z[:, 0], 1, width=1 / math.sqrt(8)
    )
    found = grid_spectrum(surface, n_levels=8)
    exact = hermite_double_well_levels(8)
    np.testing.assert_allclose(found.levels.numpy()[1:], exact[1:], rtol=2e-4)
    assert (np.abs(found.levels.numpy() - exact)[1:] <= found.errors.numpy()[1:]).all()


def test_a_sum_of_double_wells_has_the_sums_of_their_levels() -> None:
    one = FunctionSurface(lambda z: (z[:, 0] ** 2 - 1) ** 2, 1, width=0.35)
    two = FunctionSurface(lambda z: ((z**2 - 1) ** 2).sum(dim=1), 2, width=0.35)
    single = grid_spectrum(one, n_levels=6).levels.numpy()
    sums = np.sort(np.add.outer(single, single).ravel())[:10]
    np.testing.assert_allclose(grid_spectrum(two, n_levels=10).levels.numpy(), sums, rtol=3e-4)


def wells(d: int) -> TiltedSurface:
    centers = np.array([[1.5, 0.0, 0.3], [-1.0, 1.2, 0.0], [0.0, -1.5, -0.5]])[:, :d]
    spec = WellSpec(
        centers=centers, depths=np.array([1.0, 1.5, 2.0]), widths=np.array([0.7, 0.7, 0.8])
    )
    return TiltedSurface(WellPotential(spec), 1.0, d)


def hermite_levels(surface: TiltedSurface, n: int, degree: int, n_nodes: int) -> np.ndarray:
    """Ritz values of ∫∣∇f∣²p over Hermite polynomials f up to a degree, by Gauss quadrature."""
    d = surface.latent_dim
    x, w = np.polynomial.hermite_e.hermegauss(n_nodes)
    nodes = np.stack(np.meshgrid(*[x] * d, indexing="ij"), -1).reshape(-1, d)
    base = np.prod(np.stack(np.meshgrid(*[w] * d, indexing="ij"), -1), axis=-1).ravel()
    z = torch.from_numpy(nodes)
    extra = surface.energy(z) - 0.5 * z.square().sum(dim=1)
    weights = base * torch.exp(-extra).numpy()
    weights /= weights.sum()
    values = np.zeros((degree + 1, n_nodes))
    values[0], values[1] = 1.0, x
    for k in range(1, degree):
        values[k + 1] = (x * values[k] - math.sqrt(k) * values[k - 1]) / math.sqrt(k + 1)
    slopes = np.sqrt(np.arange(degree + 1))[:, None] * np.vstack([0 * x, values[:-1]])
    powers = [p for p in itertools.product(range(degree + 1), repeat=d) if sum(p) <= degree]

    def table(factors: list[np.ndarray]) -> np.ndarray:
        rows = []
        for power in powers:
            row = np.ones(1)
            for factor, k in zip(factors, power, strict=True):
                row = np.multiply.outer(row, factor[k]).ravel()
            rows.append(row)
        return np.array(rows)

    square = (table([values] * d) * weights) @ table([values] * d).T
    form = np.zeros_like(square)
    for axis in range(d):
        bent = table([slopes if k == axis else values for k in range(d)])
        form += (bent * weights) @ bent.T
    return linalg.eigh(form, square, eigvals_only=True)[:n]


@pytest.mark.parametrize(
    ("d", "degree", "accuracy"),
    [(2, 26, 1e-4), pytest.param(3, 14, 5e-3, marks=pytest.mark.slow)],
)
def test_wells_agree_with_a_polynomial_basis(d: int, degree: int, accuracy: float) -> None:
    surface = wells(d)
    found = grid_spectrum(surface, n_levels=6)
    bound = hermite_levels(surface, 6, degree, n_nodes=44 if d == 2 else 26)
    np.testing.assert_allclose(found.levels.numpy()[1:], bound[1:], rtol=accuracy)


@settings(derandomize=True, deadline=None, max_examples=6)
@given(angle=st.floats(0.1, 1.5))
def test_a_rotated_posterior_has_the_same_levels(angle: float) -> None:
    generator = torch.Generator().manual_seed(3)
    means = torch.randn(40, 2, generator=generator, dtype=torch.float64)
    variances = torch.full((40, 2), 0.3, dtype=torch.float64)
    c, s = math.cos(angle), math.sin(angle)
    rotation = torch.tensor([[c, -s], [s, c]], dtype=torch.float64)
    plain, turned = (
        grid_spectrum(MixtureSurface(m, variances), n_levels=6, accuracy=3e-6)
        for m in (means, means @ rotation.T)
    )
    np.testing.assert_allclose(turned.levels.numpy(), plain.levels.numpy(), rtol=1e-6)


def test_levels_scale_with_the_inverse_square_of_length() -> None:
    generator = torch.Generator().manual_seed(4)
    means = torch.randn(20, 2, generator=generator, dtype=torch.float64)
    variances = torch.full((20, 2), 0.2, dtype=torch.float64)
    small, large = (
        grid_spectrum(MixtureSurface(c * means, c**2 * variances), n_levels=6).levels * c**2
        for c in (1e-3, 1e3)
    )
    torch.testing.assert_close(small, large, rtol=1e-8, atol=1e-10)


def test_level_one_obeys_the_bound_of_holley_and_stroock() -> None:
    surface = wells(2)
    grid = torch.linspace(-4, 4, 161, dtype=torch.float64)
    z = torch.cartesian_prod(grid, grid)
    tilt = surface.energy(z) - 0.5 * z.square().sum(dim=1)
    oscillation = float(tilt.max() - tilt.min())
    level = float(grid_spectrum(surface, n_levels=2).levels[1])
    assert math.exp(-oscillation) < level


def test_temperature_is_a_change_of_energy_unit() -> None:
    warm = grid_spectrum(wells(2), n_levels=5, temperature=1.7)
    same = grid_spectrum(FunctionSurface(lambda z: wells(2).energy(z) / 1.7, 2), n_levels=5)
    torch.testing.assert_close(warm.levels, 1.7 * same.levels, rtol=2e-4, atol=1e-10)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_doublets_of_a_ring_grow_as_k_squared(k: int) -> None:
    angle = 2 * math.pi * torch.arange(100, dtype=torch.float64) / 100
    radius = 3.0
    ring = radius * torch.stack([angle.cos(), angle.sin()], dim=1)
    found = grid_spectrum(
        posterior_surface(ring, torch.full_like(ring, 2 * math.log(0.3))), n_levels=8
    )
    pair = found.levels[2 * k - 1 : 2 * k + 1] * radius**2 / k**2
    # The mean of 1/r² over a ring of width s is 1/R² (1 + O(s²/R²)).
    torch.testing.assert_close(pair, torch.ones_like(pair), rtol=0.03, atol=0)
    assert found.degeneracies[2 * k] == 2


@pytest.mark.slow
def test_an_uneven_ring_splits_as_first_order_says() -> None:
    generator = torch.Generator().manual_seed(0)
    angle = 2 * math.pi * torch.rand(1000, generator=generator, dtype=torch.float64)
    radius, sd = 2.0, 0.3
    ring = radius * torch.stack([angle.cos(), angle.sin()], dim=1)
    found = grid_spectrum(
        posterior_surface(ring, torch.full_like(ring, 2 * math.log(sd))), n_levels=4
    )
    predicted = 4 * abs(torch.exp(2j * angle).mean()) * math.exp(-2 * sd**2 / radius**2)
    split = (found.levels[2] - found.levels[1]) / found.levels[1:3].mean()
    assert abs(float(split / predicted) - 1) < 0.15


def test_each_cluster_more_is_a_small_level_more() -> None:
    generator = torch.Generator().manual_seed(0)
    centers = torch.tensor([[2.0, 2.0], [-2.0, 2.0], [2.0, -2.0]], dtype=torch.float64)
    noise = 0.3 * torch.randn(300, 2, generator=generator, dtype=torch.float64)
    means = centers.repeat(100, 1) + noise
    found = grid_spectrum(
        posterior_surface(means, torch.full_like(means, 2 * math.log(0.4))), n_levels=5
    )
    assert found.levels[2] < 0.01 < 1 < found.levels[3]


def test_one_datum_is_an_oscillator_and_duplicates_count_once() -> None:
    mean = torch.tensor([[0.5, -1.0]], dtype=torch.float64)
    logvar = torch.tensor([[0.0, math.log(0.25)]], dtype=torch.float64)
    one = grid_spectrum(posterior_surface(mean, logvar), n_levels=6)
    many = grid_spectrum(posterior_surface(mean.repeat(50, 1), logvar.repeat(50, 1)), n_levels=6)
    np.testing.assert_allclose(one.levels.numpy(), [0, 1, 2, 3, 4, 4], rtol=1e-4)
    torch.testing.assert_close(one.levels, many.levels)
    assert one.degeneracies[-1] == 2


def bumpy(z: Tensor) -> Tensor:
    return 0.5 * z.square().sum(dim=1) + torch.sin(2 * z[:, 0]) * torch.cos(z.sum(dim=1))


def test_the_same_surface_gives_the_same_states() -> None:
    surface = FunctionSurface(bumpy, 2, width=0.5)
    state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (grid_spectrum(surface, n_levels=6) for _ in range(2))
    assert torch.equal(first.levels, second.levels)
    assert torch.equal(first.sample.modes, second.sample.modes)
    assert torch.equal(state[0], torch.get_rng_state())
    assert (state[1] == np.random.get_state()[1]).all()  # noqa: NPY002


def test_inputs_stay_as_they_were() -> None:
    means = torch.randn(10, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    logvar = torch.full_like(means, -1.0)
    copies = means.clone(), logvar.clone()
    grid_spectrum(posterior_surface(means, logvar), n_levels=3)
    assert torch.equal(means, copies[0])
    assert torch.equal(logvar, copies[1])
