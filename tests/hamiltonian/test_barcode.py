"""Bars of U against levels: exact barriers, the landscape's merge tree, and the limit T → 0."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import optimize
from torch import Tensor

from topopert.errors import InvalidInputError
from topopert.hamiltonian.barcode import arrhenius, barcode_comparison, energy_barcode
from topopert.hamiltonian.grids import grid_spectrum
from topopert.hamiltonian.landscape import EnergyLandscape
from topopert.hamiltonian.surfaces import FunctionSurface, MixtureSurface
from topopert.records import PersistenceDiagram


def double_well(barrier: float, tilt: float = 0.0) -> FunctionSurface:
    def energy(z: Tensor) -> Tensor:
        return barrier * (z[:, 0] ** 2 - 1) ** 2 + tilt * z[:, 0]

    return FunctionSurface(energy, 1, width=(8 * barrier) ** -0.5)


def exact_bar(barrier: float, tilt: float) -> float:
    """Top minus the higher of both minima, by the roots of U'."""
    low, top, high = (
        barrier * (x**2 - 1) ** 2 + tilt * x
        for x in np.sort(np.roots([4 * barrier, 0, -4 * barrier, tilt]).real)
    )
    return float(top - max(low, high))


def gaussians(n: int) -> MixtureSurface:
    centers = torch.tensor([[0.0, 0.0], [6.0, 0.0], [1.5, 5.0], [7.0, 6.0]], dtype=torch.float64)
    shares = torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64)[:n]
    return MixtureSurface(
        centers[:n], torch.ones(n, 2, dtype=torch.float64), shares / shares.sum()
    )


@pytest.mark.parametrize(("barrier", "tilt"), [(2.0, 0.0), (4.0, 0.7), (6.0, -2.0)])
def test_bar_of_a_double_well_is_its_barrier(barrier: float, tilt: float) -> None:
    barcode = energy_barcode(double_well(barrier, tilt))
    (diagram,) = barcode.diagrams
    assert len(diagram.pairs) == len(diagram.essential) == 1
    assert abs(diagram.persistence[0] - exact_bar(barrier, tilt)) < max(2 * barcode.error, 2e-3)
    assert barcode.error < 5e-3


def test_bar_of_two_gaussians_is_what_optimisation_gives() -> None:
    surface = gaussians(2)

    def on_axis(x: float) -> float:
        return float(surface.energy(torch.tensor([[x, 0.0]], dtype=torch.float64)))

    higher = optimize.minimize_scalar(on_axis, bounds=(5, 7), method="bounded").fun
    top = -optimize.minimize_scalar(lambda x: -on_axis(x), bounds=(2, 4), method="bounded").fun
    barcode = energy_barcode(surface)
    assert barcode.diagrams[0].persistence[0] == pytest.approx(top - higher, abs=1e-2)
    assert 1e-2 < barcode.error < 5e-2  # a second grid's, so it errs on the safe side


def test_bars_converge_with_the_square_of_the_spacing() -> None:
    surface = gaussians(3)
    exact = EnergyLandscape.from_surface(surface).barrier_tree().diagram.persistence
    coarse, fine = (
        np.abs(energy_barcode(surface, spacing=h).diagrams[0].persistence - exact).max()
        for h in (0.4, 0.1)
    )
    assert coarse < 0.4**2
    assert fine < 0.1**2


@pytest.mark.parametrize("n", [2, 3, 4])
def test_grid_and_merge_tree_agree(n: int) -> None:
    # Two roads to the same bars: a filtration of nodes, and saddles found by Newton's method.
    grid = energy_barcode(gaussians(n), spacing=0.05).diagrams[0]
    tree = EnergyLandscape.from_surface(gaussians(n)).barrier_tree().diagram
    np.testing.assert_allclose(grid.pairs, tree.pairs, atol=3e-3)
    np.testing.assert_allclose(grid.essential, tree.essential, atol=3e-3)


def test_ring_has_one_long_bar_of_dimension_one() -> None:
    angle = 2 * np.pi * torch.arange(60, dtype=torch.float64) / 60
    means = torch.stack([angle.cos(), angle.sin()], dim=1)
    barcode = energy_barcode(MixtureSurface(means, torch.full_like(means, 0.09)))
    assert barcode.diagrams[0].persistence.max(initial=0) < 0.02
    loops = barcode.diagrams[1].persistence
    origin = float(barcode.diagrams[1].pairs[0, 1])
    exact = -math.log(math.exp(-1 / 0.18) / (2 * math.pi * 0.09))  # U at the centre, where it dies
    assert origin == pytest.approx(exact, abs=0.02)
    assert loops[1:].max(initial=0) < 0.02


@pytest.mark.parametrize(("barrier", "tilt"), [(2.0, 0.0), (4.0, 0.0), (4.0, 0.7)])
def test_activation_energy_is_the_bar_and_the_raw_estimate_is_far_below(barrier, tilt) -> None:
    series = arrhenius(double_well(barrier, tilt), temperatures=[0.25, 1.0, 0.5], n_levels=2)
    assert series.temperatures.tolist() == [1.0, 0.5, 0.25]
    bar = exact_bar(barrier, tilt)
    assert series.bars[0] == pytest.approx(bar, abs=3e-3)
    off = series.activation_energies[:, 0] / bar - 1
    raw = series.raw[:, 0] / bar - 1
    assert abs(off[0]) < 0.09
    assert abs(off[2]) < 0.02
    assert -0.9 < raw[0] < -0.4
    assert -0.17 < raw[2] < -0.07
    assert (np.diff(raw) > 0).all()  # towards the bar as T falls


def test_slopes_between_temperatures_are_the_activation_energies() -> None:
    series = arrhenius(double_well(3.0, 0.4), temperatures=[1.0, 0.98, 0.96], n_levels=2)
    middle = 0.5 * (series.activation_energies[1:] + series.activation_energies[:-1])
    np.testing.assert_allclose(series.slopes, middle, rtol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 3, 4])
def test_activation_energies_of_several_wells_are_their_bars_one_to_one(n: int) -> None:
    series = arrhenius(gaussians(n), temperatures=[1.0, 0.25], n_levels=n)
    off = np.abs(series.activation_energies / series.bars - 1)
    assert (np.diff(series.bars) < 0).all()
    assert np.median(off[0]) < 0.08
    assert off[0].max() < 0.18
    assert off[1].max() < 0.02


@pytest.mark.slow
def test_wells_of_equal_depth_have_equal_bars_and_equal_activation_energies() -> None:
    # By symmetry all barriers are one, and the two levels are a doublet.
    angle = 2 * np.pi * torch.arange(3, dtype=torch.float64) / 3
    means = 3.2 * torch.stack([angle.cos(), angle.sin()], dim=1)
    surface = MixtureSurface(means, torch.ones_like(means))
    series = arrhenius(surface, temperatures=[0.5, 0.25], n_levels=3)
    np.testing.assert_allclose(series.bars[0], series.bars[1], atol=0.02)
    np.testing.assert_allclose(
        series.activation_energies[:, 0], series.activation_energies[:, 1], rtol=1e-2
    )
    np.testing.assert_allclose(series.activation_energies[1], series.bars, rtol=0.02)


def test_comparison_pairs_bars_with_levels_and_can_take_them_from_a_landscape() -> None:
    surface = gaussians(3)
    spectrum = grid_spectrum(surface, n_levels=6)
    told = barcode_comparison(spectrum)
    tree = EnergyLandscape.from_surface(surface).barrier_tree().diagram
    same = barcode_comparison(spectrum, tree)
    assert len(told.bars) == 2  # there are more levels than bars
    np.testing.assert_allclose(told.bars, same.bars, atol=0.02)
    np.testing.assert_array_equal(told.levels, spectrum.levels[1:3].numpy())
    np.testing.assert_allclose(told.activation_energies, told.bars, rtol=0.18)
    np.testing.assert_allclose(told.raw, -np.log(told.levels))
    np.testing.assert_allclose(told.attempt_rates * np.exp(-told.activation_energies), told.levels)
    lines = str(told).split("\n")
    assert lines[0] == "nats, T = 1"
    assert len({len(line) for line in lines[1:]}) == 1


def test_a_diagram_without_a_seen_end_stands_first_with_an_infinite_bar() -> None:
    diagram = PersistenceDiagram(
        pairs=np.array([[0.0, 2.0]]), essential=np.array([-1.0, 0.5]), homology_dim=0
    )
    told = barcode_comparison(grid_spectrum(double_well(2.0), n_levels=3), diagram)
    assert told.bars.tolist() == [math.inf, 2.0]


def test_surfaces_and_diagrams_that_cannot_be_compared_are_refused() -> None:
    flat = MixtureSurface(
        torch.zeros(1, 4, dtype=torch.float64), torch.ones(1, 4, dtype=torch.float64)
    )
    with pytest.raises(InvalidInputError, match=r"d ≤ 3, got d = 4.*barrier_tree"):
        energy_barcode(flat)
    loops = PersistenceDiagram(pairs=np.zeros((0, 2)), essential=np.zeros(0), homology_dim=1)
    with pytest.raises(InvalidInputError, match="got a diagram of H1"):
        barcode_comparison(grid_spectrum(double_well(2.0), n_levels=2), loops)
    with pytest.raises(InvalidInputError, match="spacing"):
        energy_barcode(double_well(2.0), spacing=0.0)
    with pytest.raises(InvalidInputError, match="is empty"):
        arrhenius(double_well(2.0), temperatures=[], n_levels=2)
    with pytest.raises(InvalidInputError, match="temperatures"):
        arrhenius(double_well(2.0), temperatures=[1.0, 0.0], n_levels=2)
    with pytest.raises(InvalidInputError, match="n_levels"):
        arrhenius(double_well(2.0), temperatures=[1.0], n_levels=1)
