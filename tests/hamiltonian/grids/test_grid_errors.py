from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from topopert.errors import InvalidInputError
from topopert.hamiltonian.grids import grid_spectrum
from topopert.hamiltonian.surfaces import (
    EnergySurface,
    FunctionSurface,
    MixtureSurface,
    TiltedSurface,
)


@pytest.mark.parametrize(
    ("frequencies", "n"),
    [((1.0,), 12), ((1.0, 1.0), 20), ((1.0, 10.0), 20), ((1.0, 1.3, 1.7), 12), ((1.0, 1.0), 60)],
)
def test_oscillators_err_by_at_most_what_is_said(frequencies: tuple[float, ...], n: int) -> None:
    a = torch.tensor(frequencies) - 1.0
    surface = TiltedSurface(lambda z: 0.5 * (a * z.square()).sum(dim=1), 1.0, len(frequencies))
    found = grid_spectrum(surface, n_levels=n)
    numbers = itertools.product(range(n), repeat=len(frequencies))
    exact = np.sort([np.dot(k, frequencies) for k in numbers])[:n]
    assert (np.abs(found.levels.numpy() - exact)[1:] <= 1.5 * found.errors.numpy()[1:]).all()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_mixtures_err_by_at_most_what_is_said(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    draw = {"generator": generator, "dtype": torch.float64}
    means = 1.5 * torch.randn(30, 2, **draw)
    widths = 0.3 + 0.3 * torch.rand(30, 2, **draw)
    surface = MixtureSurface(means, widths.square())
    found = grid_spectrum(surface, n_levels=12)
    finer = grid_spectrum(surface, n_levels=12, accuracy=2e-7)
    errors = (found.levels - finer.levels).abs()[1:]
    assert (errors <= 2 * (found.errors + finer.errors)[1:]).all()
    assert (errors <= 3e-4 * finer.levels[1:]).all()


def test_a_barrier_of_nine_nats_is_resolved() -> None:
    # Two equal Gaussians: level 1 is 1/∫(committor's resistance), a one-dimensional integral.
    half, n = 3.0, 400_001
    means = torch.tensor([[-half], [half]], dtype=torch.float64)
    surface = MixtureSurface(means, torch.ones_like(means))
    found = grid_spectrum(surface, n_levels=3)
    x = torch.linspace(-14, 14, n, dtype=torch.float64)
    step = float(x[1] - x[0])
    density = torch.exp(-surface.energy(x[:, None]))
    # Inverse iteration of −(p f')'/p: odd f from two integrations, exact on a fine line.
    mode = torch.tanh(half * x)
    for _ in range(4):
        flux = -torch.cumsum(density * mode, dim=0) * step
        mode = torch.cumsum(flux / density.clamp(min=1e-300) * (density > 1e-40), dim=0) * step
        mode = mode - (density * mode).sum() / density.sum()
        mode = mode / mode.abs().max()
    flux = torch.cumsum(density * mode, dim=0) * step
    slope = flux / density.clamp(min=1e-300) * (density > 1e-40)
    # With u solving −(pu')' = p f, the quotient of u is (f, u)/(u, u) in p.
    solved = torch.cumsum(-slope, dim=0) * step
    solved = solved - (density * solved).sum() / density.sum()
    level = float((density * mode * solved).sum() / (density * solved.square()).sum())
    assert abs(float(found.levels[1]) / level - 1) < 3e-4
    assert abs(float(found.levels[1]) - level) < 2 * float(found.errors[1])


def test_finite_differences_converge_at_sixth_order() -> None:
    from topopert.hamiltonian.grids.eigensolver import lowest_eigenpairs
    from topopert.hamiltonian.grids.grid import confining_box, energy_grid
    from topopert.hamiltonian.grids.operator import grid_operator

    surface = FunctionSurface(lambda z: 0.5 * z.square().sum(dim=1), 1)
    box = confining_box(surface, 36.0)
    errors = []
    for spacing in (0.3, 0.15):
        grid = energy_grid(surface, box, np.array([spacing]), cut=36.0, max_nodes=10_000)
        operator = grid_operator(grid)
        assert np.abs(operator.matrix @ operator.root).max() < 1e-12
        levels, _ = lowest_eigenpairs(
            operator.matrix, 4, scale=1.0, expected_top=4.0, factorise=True
        )
        assert levels[0] == pytest.approx(0.0, abs=1e-11)
        errors.append(abs(levels[3] - 3))
    assert 50 < errors[0] / errors[1] < 70


def test_the_operator_is_positive_on_a_grid_too_coarse_for_its_surface() -> None:
    from topopert.hamiltonian.grids.grid import confining_box, energy_grid
    from topopert.hamiltonian.grids.operator import grid_operator

    surface = FunctionSurface(lambda z: 4 * (z.square().sum(dim=1) - 1).square(), 2)
    box = confining_box(surface, 36.0)
    for spacing in (0.5, 0.3, 0.2):
        grid = energy_grid(surface, box, np.full(2, spacing), cut=36.0, max_nodes=10_000)
        operator = grid_operator(grid)
        levels = np.linalg.eigvalsh(operator.matrix.toarray())
        assert levels[0] > -1e-11 * levels[-1]


def test_walls_and_kinks_are_said_to_converge_slowly() -> None:
    kink = FunctionSurface(lambda z: 4 * z.abs().sum(dim=1) + 0.5 * z.square().sum(dim=1), 1)
    found = grid_spectrum(kink, n_levels=4)
    finer = grid_spectrum(FunctionSurface(kink.function, 1, width=0.02), n_levels=4)
    assert ((found.levels - finer.levels).abs() <= found.errors + finer.errors).all()


def test_level_nearly_at_the_cut_makes_the_box_grow() -> None:
    surface = FunctionSurface(lambda z: 0.5 * z.square().sum(dim=1), 1)
    found = grid_spectrum(surface, n_levels=26)
    np.testing.assert_allclose(found.levels.numpy(), np.arange(26), rtol=2e-4, atol=1e-12)


@pytest.mark.parametrize(
    ("energy", "d", "reason"),
    [
        (lambda z: 0 * z[:, 0], 2, "does not confine"),
        (lambda z: -z.square().sum(dim=1), 2, "does not confine"),
        (lambda z: z[:, 0], 1, "does not confine"),
        (lambda z: -torch.exp(-z.square().sum(dim=1)), 3, "does not confine"),
        (lambda z: z[:, 0].square() + z[:, 1], 2, "does not confine"),
        (lambda z: torch.log(z[:, 0].abs()), 1, "−∞"),
        (lambda z: torch.where(z[:, 0] > 3, torch.nan, z[:, 0] ** 2), 1, "NaN"),
        (lambda z: torch.full_like(z[:, 0], torch.inf), 1, r"\+∞"),
        (lambda z: 2 * torch.log1p(z.square().sum(dim=1)), 2, "method='ritz'"),
    ],
)
def test_surfaces_without_a_spectrum_are_refused(energy: object, d: int, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        grid_spectrum(FunctionSurface(energy, d), n_levels=3)


def test_levels_below_rounding_are_zero_within_their_errors() -> None:
    # Sixty data apart: the barriers' levels are of the order of e^(−138).
    means = torch.arange(60, dtype=torch.float64)[:, None]
    found = grid_spectrum(MixtureSurface(means, torch.full_like(means, 0.03**2)), n_levels=6)
    assert (found.levels[1:] <= found.errors[1:]).all()
    assert (found.errors[1:] < 1e-6).all()


@pytest.mark.parametrize(
    ("width", "d", "reason"), [(1e-3, 2, "the limit is"), (0.01, 3, "larger widths")]
)
def test_too_many_nodes_are_refused_with_the_way_out(width: float, d: int, reason: str) -> None:
    surface = FunctionSurface(lambda z: 0.5 * z.square().sum(dim=1), d, width=width)
    with pytest.raises(InvalidInputError, match=reason):
        grid_spectrum(surface, n_levels=3)


def oscillator(d: int) -> EnergySurface:
    return FunctionSurface(lambda z: 0.5 * z.square().sum(dim=1), d)


@pytest.mark.parametrize("n_levels", [0, -1, 2.0, True, "3"])
def test_n_levels_must_be_a_positive_whole_number(n_levels: object) -> None:
    with pytest.raises(InvalidInputError, match="n_levels"):
        grid_spectrum(oscillator(1), n_levels=n_levels)


def test_more_levels_than_nodes_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="nodes to hold them"):
        grid_spectrum(oscillator(1), n_levels=5000)


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_temperature_and_accuracy_must_be_positive(value: float) -> None:
    with pytest.raises(InvalidInputError, match="temperature"):
        grid_spectrum(oscillator(1), n_levels=2, temperature=value)
    with pytest.raises(InvalidInputError, match="accuracy"):
        grid_spectrum(oscillator(1), n_levels=2, accuracy=value)


def test_four_dimensions_are_refused_with_the_way_out() -> None:
    with pytest.raises(InvalidInputError, match="'ritz'"):
        grid_spectrum(oscillator(4), n_levels=2)


@pytest.mark.parametrize("width", [1.0, 1e-2])
def test_a_guessed_width_larger_than_the_surface_does_no_harm(width: float) -> None:
    surface = FunctionSurface(lambda z: 0.5e4 * z.square().sum(dim=1), 2, width=width)
    found = grid_spectrum(surface, n_levels=4)
    np.testing.assert_allclose(found.levels.numpy(), [0, 1e4, 1e4, 2e4], rtol=1e-4)


@pytest.mark.slow
def test_twenty_thousand_narrow_data_are_solved() -> None:
    generator = torch.Generator().manual_seed(0)
    means = torch.randn(20_000, 2, generator=generator, dtype=torch.float64)
    surface = MixtureSurface(means, torch.full_like(means, 0.15**2))
    found = grid_spectrum(surface, n_levels=6)
    assert (found.errors[1:] < 0.02 * found.levels[1:]).all()
    # The bulk is an oscillator of variance 1 + 0.15²; single data far out relax more slowly.
    assert found.levels[1] < 1 / (1 + 0.15**2)
