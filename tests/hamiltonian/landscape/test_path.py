"""Minimum-energy paths: no gradient across them, and the same both ways."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from tests.hamiltonian.landscape.scenes import camelback, cluster_mixture, double_well
from topopert.errors import InvalidInputError
from topopert.hamiltonian.landscape import EnergyLandscape, TransitionPath


def across(landscape: EnergyLandscape, path: TransitionPath) -> float:
    """The largest part of ∇U across the path, over the largest ∇U on it."""
    gradient = landscape.surface.gradient(path.points)
    tangents = path.points[2:] - path.points[:-2]
    tangents = tangents / tangents.norm(dim=1, keepdim=True)
    inner = gradient[1:-1]
    rest = inner - (inner * tangents).sum(dim=1, keepdim=True) * tangents
    smooth = torch.ones(len(path.points), dtype=torch.bool)
    for row in [*path.minima.tolist(), *path.saddles.tolist()]:
        smooth[max(0, row - 1) : row + 2] = False  # there the path may turn
    return float(rest.norm(dim=1)[smooth[1:-1]].max() / gradient.norm(dim=1).max())


def test_gradient_across_the_path_vanishes() -> None:
    camel = EnergyLandscape.from_energy(camelback, latent_dim=2, min_barrier=0.1)
    surface = cluster_mixture(0, 40, 6, width=0.5, spread=1.0)
    mixture = EnergyLandscape.from_surface(surface, min_barrier=0.3)
    last = len(mixture.minima) - 1
    assert last >= 2
    for n_points in (401, 1601):
        assert across(camel, camel.path(4, 3, n_points=n_points)) < 5e-3
        assert across(mixture, mixture.path(last, 0, n_points=n_points)) < 1e-2


def test_path_crosses_the_lowest_passes() -> None:
    landscape = EnergyLandscape.from_energy(camelback, latent_dim=2, min_barrier=0.1)
    path = landscape.path(2, 3)
    passes = path.energies[path.saddles]
    torch.testing.assert_close(
        passes, torch.tensor([0.5437186, 0.0, 0.5437186], dtype=torch.float64), atol=1e-6, rtol=0
    )
    torch.testing.assert_close(path.energies[path.minima][[0, -1]], landscape.energies[2:4])
    assert path.barrier == pytest.approx(0.7591824)
    assert path.reverse_barrier == pytest.approx(0.7591824)
    assert float(path.energies.max()) == pytest.approx(float(passes.max()))
    # The straight way between the two climbs higher.
    share = torch.linspace(0, 1, 201, dtype=torch.float64)[:, None]
    straight = landscape.minima[2] + share * (landscape.minima[3] - landscape.minima[2])
    assert float(landscape.energy(straight).max()) > 1.0


def test_path_back_is_the_path() -> None:
    surface = cluster_mixture(0, 60, 3, width=0.4, spread=1.5)
    landscape = EnergyLandscape.from_surface(surface, min_barrier=0.2)
    n = len(landscape.minima)
    ends = [(n - 1, 0), (1, n - 1), (surface.means[3], surface.means[4]), (surface.means[3], 0)]
    for a, b in ends:
        there, back = landscape.path(a, b), landscape.path(b, a)
        torch.testing.assert_close(back.points, there.points.flip(0), atol=1e-6, rtol=0)
        assert back.length == pytest.approx(there.length)
        assert back.barrier == pytest.approx(there.reverse_barrier)


def test_path_in_a_curved_valley_follows_it() -> None:
    # U = 5(r² − 1)² + 4r²(2 − r²) sin²θ has no slope in r at r = 1, whatever θ: the valley is the
    # unit circle, U = 4 sin²θ on it, and the straight way leads over a hill of index 2.
    def energy(z: torch.Tensor) -> torch.Tensor:
        r2 = z.square().sum(dim=1)
        return 5 * (r2 - 1) ** 2 + 4 * z[:, 1].square() * (2 - r2)

    landscape = EnergyLandscape.from_energy(energy, latent_dim=2, width=0.3)
    assert len(landscape.minima) == 2
    path = landscape.path(0, 1, n_points=401)
    torch.testing.assert_close(
        path.points.norm(dim=1), torch.ones(401).double(), atol=5e-4, rtol=0
    )
    assert path.length == pytest.approx(math.pi, rel=1e-3)
    assert path.barrier == pytest.approx(4.0, abs=1e-6)
    # Both ways round are passes, so the rate has two channels.
    assert len(landscape.network.saddles) == 2


def test_path_from_a_point_begins_at_it() -> None:
    landscape = EnergyLandscape.from_energy(double_well(3.0), latent_dim=1)
    a, b = torch.tensor([-1.4]).double(), torch.tensor([0.5]).double()
    path = landscape.path(a, b)
    torch.testing.assert_close(path.points[[0, -1]], torch.stack([a, b]))
    assert path.barrier == pytest.approx(float(3 - landscape.energy(a[None])))
    # In one dimension the way is monotone, but for the dip into the second minimum.
    assert path.length == pytest.approx(1.4 + 1 + 0.5, rel=1e-6)
    assert path.points[path.minima].flatten().tolist() == pytest.approx([-1, 1])


def test_arc_length_is_that_of_the_curve() -> None:
    # Down the parabola ½(x² + 4y²) the flow line through (1, 1) is y = x⁴.
    landscape = EnergyLandscape.from_energy(
        lambda z: 0.5 * (z[:, 0] ** 2 + 4 * z[:, 1] ** 2), latent_dim=2
    )
    path = landscape.path(torch.ones(2).double(), 0, n_points=401)
    x, y = path.points.unbind(dim=1)
    torch.testing.assert_close(y, x**4, atol=2e-3, rtol=0)
    expected = quad(lambda x: np.sqrt(1 + 16 * x**6), 0, 1)[0]
    assert path.length == pytest.approx(expected, rel=2e-3)


def test_state_to_itself_is_a_point() -> None:
    landscape = EnergyLandscape.from_energy(double_well(3.0), latent_dim=1)
    path = landscape.path(1, 1)
    assert path.length == 0
    assert path.barrier == 0


@pytest.mark.parametrize(
    ("place", "match"),
    [
        (2, "one of the 2 states"),
        (-1, "one of the 2 states"),
        (torch.zeros(2), r"shape \(B, 1\)"),
        (torch.zeros(1, 1), "number of a state or a point"),
        ("left", "number of a state or a point"),
        (True, "number of a state or a point"),
        (torch.tensor([float("nan")]), "NaN"),
    ],
)
def test_ends_that_are_no_place_are_refused(place, match: str) -> None:
    landscape = EnergyLandscape.from_energy(double_well(3.0), latent_dim=1)
    with pytest.raises(InvalidInputError, match=match):
        landscape.path(place, 0)
    with pytest.raises(InvalidInputError, match=match):
        landscape.path(0, place)
