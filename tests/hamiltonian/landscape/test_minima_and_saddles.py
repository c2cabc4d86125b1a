"""Minima, saddles and barriers against polynomials, grids and symmetries."""

from __future__ import annotations

import gudhi
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import topopert as tp
from tests.hamiltonian.landscape.scenes import (
    camelback,
    camelback_critical_points,
    cluster_mixture,
    double_well,
)
from topopert.hamiltonian.landscape import EnergyLandscape
from topopert.hamiltonian.surfaces import MixtureSurface
from topopert.records import WellSpec


def by_place(points: torch.Tensor) -> torch.Tensor:
    points = points.round(decimals=6)
    return points[np.lexsort(points.numpy().T)]


def grid_bars(surface: MixtureSurface, *, mesh: float, least: float) -> np.ndarray:
    """H0 bars of the sublevels of U, by persistence on the vertices of a grid, by birth."""
    low, high = surface.means.amin(dim=0) - 1, surface.means.amax(dim=0) + 1
    axes = [torch.arange(float(a), float(b), mesh) for a, b in zip(low, high, strict=True)]
    energy = surface.on_grid([axis.double() for axis in axes]).clamp(max=1e3).numpy()
    complex_ = gudhi.CubicalComplex(vertices=energy)
    complex_.compute_persistence(homology_coeff_field=2, min_persistence=0.5 * least)
    bars = complex_.persistence_intervals_in_dimension(0)
    return counted(bars[np.isfinite(bars[:, 1])], least)


def counted(bars: np.ndarray, least: float) -> np.ndarray:
    return np.sort(bars[bars[:, 1] - bars[:, 0] > least], axis=0)


def test_camelback_has_its_6_minima_and_7_saddles() -> None:
    points, energy, index = camelback_critical_points()
    assert np.bincount(index).tolist() == [6, 7, 2]
    landscape = EnergyLandscape.from_energy(camelback, latent_dim=2, min_barrier=0.0)
    for rests, kind in ((landscape.network.minima, 0), (landscape.network.saddles, 1)):
        expected = torch.from_numpy(points[index == kind])
        torch.testing.assert_close(by_place(rests.points), by_place(expected))
        found = np.sort(rests.energies.numpy())
        np.testing.assert_allclose(found, np.sort(energy[index == kind]), atol=1e-10)


def test_saddles_of_the_camelback_join_the_minima_that_they_should() -> None:
    landscape = EnergyLandscape.from_energy(camelback, latent_dim=2, min_barrier=0.1)
    graph = landscape.graph
    # By the symmetry z → −z each saddle but the one at the origin has a twin.
    assert sorted(tuple(sorted(edge)) for edge in graph.edges) == [
        (0, 1), (0, 2), (0, 5), (1, 3), (1, 4), (2, 4), (3, 5),
    ]  # fmt: skip
    assert graph.edges[0, 1]["position"] == pytest.approx((0, 0), abs=1e-9)
    assert graph.edges[0, 1]["barrier"] == pytest.approx(1.0316284535)
    tree = landscape.barrier_tree()
    assert tree.elders.tolist()[0] == -1
    assert tree.deaths.tolist()[1:] == pytest.approx([0, 0.543719, 0.543719, 2.229357, 2.229357])


def test_default_leaves_the_dimples_of_the_camelback_out() -> None:
    landscape = EnergyLandscape.from_energy(camelback, latent_dim=2)
    assert len(landscape.minima) == 4
    assert len(landscape.network.minima) == 6
    assert len(landscape.coarsened(0.8).minima) == 2
    # The dimples at (∓1.61, ∓0.57) drain over their lowest saddle, to the minimum beside them.
    assert landscape.labels(landscape.network.minima.points).tolist() == [0, 1, 2, 3, 2, 3]


@pytest.mark.parametrize(
    ("seed", "n", "width", "spread", "n_bars"),
    [(0, 30, 0.3, 1.0, 5), (0, 60, 0.3, 1.2, 3), (3, 40, 0.35, 1.5, 2)],
)
def test_bars_are_those_of_the_grid(
    seed: int, n: int, width: float, spread: float, n_bars: int
) -> None:
    surface = cluster_mixture(seed, n, 2, width=width, spread=spread)
    landscape = EnergyLandscape.from_surface(surface, min_barrier=0.3)
    bars = counted(landscape.barrier_tree().diagram.pairs, 0.3)
    assert len(bars) == n_bars
    # A mesh h misses a critical value by up to ½κ(h/2)² an axis.
    expected = grid_bars(surface, mesh=0.01, least=0.3)
    np.testing.assert_allclose(bars, expected, atol=1e-3)


@pytest.mark.slow
def test_bars_of_hundreds_of_dimples_are_those_of_the_grid() -> None:
    surface = cluster_mixture(3, 300, 2, width=0.12, spread=0.9)
    landscape = EnergyLandscape.from_surface(surface, min_barrier=0.5)
    assert len(landscape.network.minima) > 30
    bars = counted(landscape.barrier_tree().diagram.pairs, 0.5)
    expected = grid_bars(surface, mesh=0.005, least=0.5)
    np.testing.assert_allclose(bars, expected, atol=3e-3)


@pytest.mark.slow
def test_twenty_thousand_codes_are_no_obstacle() -> None:
    surface = cluster_mixture(1, 20_000, 2, width=0.3, spread=2.5)
    landscape = EnergyLandscape.from_surface(surface)
    bars = counted(landscape.barrier_tree().diagram.pairs, 0.5)
    assert len(bars) == 2
    np.testing.assert_allclose(bars, grid_bars(surface, mesh=0.03, least=0.5), atol=3e-3)


@settings(max_examples=6)
@given(seed=st.integers(0, 9), latent_dim=st.integers(1, 5))
def test_edges_lie_above_both_ends_and_states_at_rest(seed: int, latent_dim: int) -> None:
    surface = cluster_mixture(seed, 24, latent_dim, width=0.4, spread=1.5, n_clusters=4)
    landscape = EnergyLandscape.from_surface(surface)
    for i, j, edge in landscape.graph.edges(data=True):
        assert edge["energy"] >= max(landscape.energies[i], landscape.energies[j])
        assert edge["barrier"] >= 0.5 - 1e-9
    at = surface.derivatives(landscape.minima)
    assert float(at.gradient.abs().max()) < 1e-6
    assert bool((torch.linalg.eigvalsh(at.hessian) > 0).all())
    assert bool((landscape.energies.diff() >= -1e-9).all())
    passes = surface.derivatives(landscape.network.saddles.points)
    if len(passes.energy):
        assert float(passes.gradient.abs().max()) < 1e-6
        assert bool(((torch.linalg.eigvalsh(passes.hessian) < 0).sum(dim=1) == 1).all())
    tree = landscape.barrier_tree()
    assert bool((tree.persistence >= 0.5).all())
    assert len(landscape.minima) == len(tree.diagram.pairs) + len(tree.diagram.essential)
    assert sorted(tree.leaf_order.tolist()) == list(range(len(landscape.minima)))


@pytest.mark.parametrize("latent_dim", [2, 6])
def test_moving_the_codes_moves_the_landscape(latent_dim: int) -> None:
    surface = cluster_mixture(5, 80, latent_dim, width=0.5, spread=1.5)
    generator = torch.Generator().manual_seed(1)
    draw = {"generator": generator, "dtype": torch.float64}
    rotation, _ = torch.linalg.qr(torch.randn(latent_dim, latent_dim, **draw))
    shift = 3 * torch.randn(latent_dim, **draw)
    moved = MixtureSurface(surface.means @ rotation.T + shift, surface.covariances)
    first, second = (EnergyLandscape.from_surface(s) for s in (surface, moved))
    torch.testing.assert_close(second.minima, first.minima @ rotation.T + shift)
    torch.testing.assert_close(second.energies, first.energies)
    torch.testing.assert_close(second.barrier_tree().deaths, first.barrier_tree().deaths)
    torch.testing.assert_close(second.rates(), first.rates())


def test_same_arguments_give_the_same_bits() -> None:
    first, second = (
        EnergyLandscape.from_surface(cluster_mixture(0, 100, 3, width=0.5, spread=1.5))
        for _ in range(2)
    )
    assert torch.equal(first.network.minima.points, second.network.minima.points)
    assert torch.equal(first.network.saddles.points, second.network.saddles.points)
    assert torch.equal(first.path(0, 1).points, second.path(0, 1).points)
    assert torch.equal(first.weights(), second.weights())


def test_one_code_is_one_state_without_passes() -> None:
    landscape = EnergyLandscape.from_posterior([[1.0, 2.0]], [[0.0, 0.0]])
    torch.testing.assert_close(landscape.minima, torch.tensor([[1.0, 2.0]], dtype=torch.float64))
    assert landscape.graph.number_of_edges() == 0
    assert landscape.barrier_tree().diagram.pairs.shape == (0, 2)
    assert landscape.rates().tolist() == [[0.0]]
    assert landscape.weights().tolist() == pytest.approx([1.0])
    assert landscape.labels(torch.zeros(3, 2)).tolist() == [0, 0, 0]
    assert len(landscape.path(0, 0).points) == 2


def test_codes_that_repeat_count_as_often() -> None:
    mean = np.concatenate([np.full((6, 2), 3.0), np.full((2, 2), -3.0)])
    landscape = EnergyLandscape.from_posterior(mean, np.zeros((8, 2)))
    assert len(landscape.minima) == 2
    assert float(landscape.energies.diff()) == pytest.approx(np.log(3), rel=1e-6)
    assert landscape.weights().tolist() == pytest.approx([0.75, 0.25], abs=3e-3)


def test_posterior_of_a_deterministic_code_takes_the_bandwidth() -> None:
    mean = np.array([[-2.0], [2.0]])
    narrow = EnergyLandscape.from_posterior(mean, None, bandwidth=0.5)
    wide = EnergyLandscape.from_posterior(mean, None, bandwidth=2.5)
    assert (len(narrow.minima), len(wide.minima)) == (2, 1)


def test_a_mean_that_two_components_share_between_them_is_found() -> None:
    # Means 1.9 sd apart have one mode, halfway.
    landscape = EnergyLandscape.from_posterior([[-0.95], [0.95]], [[0.0], [0.0]])
    torch.testing.assert_close(landscape.minima, torch.zeros(1, 1, dtype=torch.float64))


def test_wells_of_a_potential_dig_states_at_strong_coupling() -> None:
    wells = tp.WellPotential(
        WellSpec(
            centers=np.array([[2.0, 0.0], [-1.0, 1.7], [-1.0, -1.7]]),
            depths=np.ones(3),
            widths=np.full(3, 0.25),
        )
    )
    weak = EnergyLandscape.from_potential(wells, coupling=0.1, latent_dim=2)
    strong = EnergyLandscape.from_potential(wells, coupling=8.0, latent_dim=2)
    assert len(weak.minima) == 1
    assert len(strong.minima) == 4  # the origin, where the prior is lowest, is one
    assert float((strong.minima[:3].norm(dim=1) - 2).abs().max()) < 0.2


def test_function_of_codes_is_a_potential_too() -> None:
    well = double_well(3.0)
    landscape = EnergyLandscape.from_potential(well, coupling=1.0, latent_dim=1)
    # U = ½x² + 3(x² − 1)² has its minima at x² = 1 − 1/12.
    expected = torch.tensor([[-1.0], [1.0]], dtype=torch.float64) * (11 / 12) ** 0.5
    torch.testing.assert_close(landscape.minima, expected)
    assert landscape.graph.edges[0, 1]["energy"] == pytest.approx(3.0)


def test_single_precision_energies_are_enough() -> None:
    def energy(z: torch.Tensor) -> torch.Tensor:
        return double_well(3.0)(z.float())

    landscape = EnergyLandscape.from_energy(energy, latent_dim=1)
    expected = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    torch.testing.assert_close(landscape.minima, expected, atol=1e-4, rtol=0)
    assert landscape.graph.edges[0, 1]["barrier"] == pytest.approx(3.0, abs=1e-5)


@pytest.mark.parametrize("latent_dim", [3, 5])
def test_corners_and_edges_of_a_cube_are_all_found(latent_dim: int) -> None:
    # 2^d minima, the corners, and d 2^(d−1) passes, the edges between them.
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(latent_dim, latent_dim, generator=generator, dtype=torch.float64)

    def energy(z: torch.Tensor) -> torch.Tensor:
        return 2 * (z.square() - 1).square().sum(dim=1) + 0.05 * (z @ mixing * z).sum(dim=1)

    landscape = EnergyLandscape.from_energy(energy, latent_dim=latent_dim, width=0.5)
    assert len(landscape.minima) == 2**latent_dim
    corners = {tuple(row) for row in landscape.minima.sign().tolist()}
    assert len(corners) == 2**latent_dim
    for i, j in landscape.graph.edges:
        flipped = landscape.minima[i].sign() != landscape.minima[j].sign()
        assert int(flipped.sum()) == 1
    assert landscape.graph.number_of_edges() == latent_dim * 2 ** (latent_dim - 1)


def test_egg_box_has_its_minima_where_it_is_low() -> None:
    # Rastrigin's function: near a whole number n, U = x² + 20π²(x − n)² along an axis, which is
    # least at n² · 20π²/(1 + 20π²) = .995 n².
    def energy(z: torch.Tensor) -> torch.Tensor:
        return (10 + z.square() - 10 * (2 * torch.pi * z).cos()).sum(dim=1)

    landscape = EnergyLandscape.from_energy(energy, latent_dim=2, width=0.2)
    low = landscape.minima[landscape.energies < 25]
    whole = {(float(a), float(b)) for a, b in low.round().tolist()}
    expected = {
        (float(a), float(b))
        for a in range(-6, 7)
        for b in range(-6, 7)
        if 0.995 * (a * a + b * b) < 25
    }
    assert whole == expected


def test_flat_valley_is_one_state() -> None:
    landscape = EnergyLandscape.from_energy(
        lambda z: 3 * (z.square().sum(dim=1) - 1) ** 2, latent_dim=2
    )
    assert len(landscape.minima) == 1
    assert float(landscape.minima.norm()) == pytest.approx(1)
