"""What a spectrum says of surfaces whose clusters and loops are known, and what it leaves open."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import special
from torch import Tensor

import topopert as tp
from topopert.backends import sublevel_diagrams
from topopert.errors import InvalidInputError
from topopert.hamiltonian.grids import grid_spectrum
from topopert.hamiltonian.level_solver import posterior_spectrum
from topopert.hamiltonian.spectra import Spectrum
from topopert.hamiltonian.surfaces import MixtureSurface
from topopert.models import MLPVAE, train_ensemble
from topopert.rng import seeded_init, spawn_runs


def mixture(centers, *, sd: float = 1.0, weights=None) -> MixtureSurface:
    means = torch.as_tensor(np.asarray(centers), dtype=torch.float64)
    weights = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    return MixtureSurface(means, torch.full_like(means, sd**2), weights)


def ring(n: int = 60, *, radius: float = 1.0, center=(0.0, 0.0)) -> np.ndarray:
    angle = 2 * np.pi * np.arange(n) / n
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1) + np.asarray(center)


def polygon(n: int, *, side: float) -> np.ndarray:
    if n == 2:
        return np.array([[0.0, 0.0], [side, 0.0]])
    return ring(n, radius=side / (2 * np.sin(np.pi / n)))


def agreement(found: Tensor, true: np.ndarray) -> float:
    """Mean resultant length of the difference, after the best offset and sense."""
    angle = found.numpy()
    return max(abs(np.exp(1j * (angle + sign * true)).mean()) for sign in (1, -1))


def on_array(spectrum: Spectrum) -> np.ndarray:
    """U/T at the spectrum's nodes as an array over their grid."""
    nodes, weights = spectrum.sample.nodes.numpy(), spectrum.sample.weights.numpy()
    index = [np.unique(x.round(9), return_inverse=True)[1] for x in nodes.T]
    values = np.full([i.max() + 1 for i in index], np.inf)
    values[tuple(index)] = -np.log(weights)
    return values


def test_harmonic_well_is_one_cluster_without_a_loop_and_nothing_is_left_open() -> None:
    surface = MixtureSurface(
        torch.zeros(1, 2, dtype=torch.float64), torch.tensor([[1.0, 0.49]], dtype=torch.float64)
    )
    told = grid_spectrum(surface, n_levels=8).describe()
    assert (told.n_clusters, told.loops, told.caveats) == (1, (), ())
    assert [mode.label for mode in told.modes] == ["ground"] + 7 * ["harmonic"]
    assert max(abs(mode.activation_energy) for mode in told.modes[1:]) < 1e-2


@pytest.mark.parametrize(
    ("n", "separation"), [(2, 3.5), (2, 4.0), (3, 3.5), (3, 4.0), (4, 4.0), (5, 4.0), (5, 6.0)]
)
def test_equal_clusters_are_counted_from_where_they_are_visible(n: int, separation) -> None:
    told = grid_spectrum(mixture(polygon(n, side=separation)), n_levels=n + 3).describe()
    assert told.n_clusters == n
    assert told.caveats == ()
    assert [mode.label for mode in told.modes[: n + 1]] == [
        "ground",
        *["barrier"] * (n - 1),
        "harmonic",
    ]
    np.testing.assert_allclose(told.cluster_masses, 1 / n, atol=5e-3)


@pytest.mark.parametrize(("n", "separation"), [(2, 2.5), (2, 3.0), (3, 2.5), (5, 3.5)])
def test_clusters_that_are_too_near_are_left_open(n: int, separation: float) -> None:
    told = grid_spectrum(mixture(polygon(n, side=separation)), n_levels=n + 3).describe()
    assert told.n_clusters == 1
    assert any(f"{n} clusters closer than 3.5" in caveat for caveat in told.caveats)


def test_two_gaussians_that_have_one_peak_are_one_cluster() -> None:
    told = grid_spectrum(mixture(polygon(2, side=1.5)), n_levels=6).describe()
    assert (told.n_clusters, told.caveats) == (1, ())


def test_memberships_are_those_of_the_components() -> None:
    surface = mixture(polygon(3, side=6.0), weights=[0.6, 0.3, 0.1])
    told = grid_spectrum(surface, n_levels=6).describe()
    np.testing.assert_allclose(told.cluster_masses, [0.6, 0.3, 0.1], atol=0.01)
    z = surface.means.clone().requires_grad_()
    shares = told.memberships(z)
    torch.testing.assert_close(
        shares.detach(), torch.eye(3, dtype=torch.float64), atol=0.06, rtol=0
    )
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(3, dtype=torch.float64))
    (slope,) = torch.autograd.grad(shares[:, 0].sum(), z)
    assert slope.isfinite().all()


def test_a_small_part_that_lies_apart_is_an_outlier_unless_asked_for() -> None:
    levels = grid_spectrum(mixture(polygon(2, side=7.0), weights=[0.99, 0.01]), n_levels=5)
    told = levels.describe()
    assert told.n_clusters == 1
    assert any("of the density lies apart" in caveat for caveat in told.caveats)
    assert levels.describe(least_mass=0.001).n_clusters == 2


def test_clusters_whose_level_is_lost_in_rounding_are_still_counted() -> None:
    spectrum = grid_spectrum(mixture(polygon(2, side=6.0)), n_levels=5)
    levels, activation = spectrum.levels.clone(), spectrum.activation_energies.clone()
    levels[1], activation[1] = 1e-15, math.nan
    told = replace(spectrum, levels=levels, activation_energies=activation).describe()
    assert told.n_clusters == 2
    assert (told.modes[1].label, told.modes[2].label) == ("barrier", "harmonic")
    assert math.isnan(told.modes[1].activation_energy)
    assert any("lost in rounding" in caveat for caveat in told.caveats)


def test_too_few_levels_ask_for_more() -> None:
    told = grid_spectrum(mixture(polygon(5, side=6.0)), n_levels=3).describe()
    assert any("Ask for more levels" in caveat for caveat in told.caveats)


@pytest.mark.slow
def test_cold_surface_has_clusters_where_a_warm_one_leaves_it_open() -> None:
    surface = mixture(polygon(2, side=3.0))
    told = [grid_spectrum(surface, n_levels=5, temperature=t).describe() for t in (1.0, 0.25)]
    assert [t.n_clusters for t in told] == [1, 2]
    # The bar of this surface, in nats whatever the temperature.
    bar = float(surface.energy(torch.tensor([[1.5, 0.0]], dtype=torch.float64))) - float(
        surface.energy(
            torch.linspace(-1, 1, 2001, dtype=torch.float64)[:, None] * torch.eye(1, 2)
        ).min()
    )
    assert told[1].modes[1].activation_energy == pytest.approx(bar, rel=0.1)


@pytest.mark.parametrize("thickness", [0.1, 0.2, 0.3, 0.4])
def test_ring_is_a_loop_with_its_angle_and_radius(thickness: float) -> None:
    told = grid_spectrum(mixture(ring(), sd=thickness), n_levels=8).describe()
    assert told.n_clusters == 1
    assert told.modes[1].label == "diffusive"
    (loop,) = told.loops
    angle = 2 * np.pi * np.arange(60) / 60
    assert agreement(loop.angle(torch.from_numpy(ring())), angle) > 0.999
    assert loop.splitting < 1e-3
    assert loop.radius == pytest.approx(1, abs=0.12)
    # The hole's depth in closed form: p(r) ∝ exp(−(r² + 1)/2s²) I₀(r/s²).
    r = np.linspace(0, 1.2, 2000)
    energy = (r - 1) ** 2 / (2 * thickness**2) - np.log(special.i0e(r / thickness**2))
    assert loop.persistence == pytest.approx(min(energy[0] - energy.min(), 14.0), rel=0.2)


def test_thin_ring_has_its_overtone_at_four_times_the_level() -> None:
    (loop,) = grid_spectrum(mixture(ring(), sd=0.1), n_levels=8).describe().loops
    assert loop.overtone == pytest.approx(4, rel=0.01)
    assert loop.radius == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("thickness", [0.45, 0.5])
def test_thick_ring_is_left_open(thickness: float) -> None:
    told = grid_spectrum(mixture(ring(), sd=thickness), n_levels=8).describe()
    assert told.loops == ()
    assert any("thicker than .42 of its radius" in caveat for caveat in told.caveats)


def test_bar_of_a_loop_is_that_of_the_cubical_complex() -> None:
    # GUDHI knows nothing of modes and phases; both have the same nodes, so the bar is the same.
    # Uneven weights, so that the hole's top is not in the middle of four equal nodes.
    weights = 1 + 0.4 * np.cos(2 * np.pi * np.arange(60) / 60 - 0.5)
    surface = mixture(ring(), sd=0.3, weights=weights / weights.sum())
    spectrum = grid_spectrum(surface, n_levels=6)
    (loop,) = spectrum.describe().loops
    bars = sublevel_diagrams(on_array(spectrum))[1].persistence
    assert loop.persistence == pytest.approx(bars[0], abs=1e-9)


def test_angle_grows_along_the_ring_and_its_gradient_is_that_of_differences() -> None:
    (loop,) = grid_spectrum(mixture(ring(), sd=0.2), n_levels=6).describe().loops
    z = torch.from_numpy(ring(7, radius=0.9)).requires_grad_()
    angle = loop.angle(z)
    (slope,) = torch.autograd.grad(angle.sum(), z)
    along = torch.stack([-z[:, 1], z[:, 0]], dim=1).detach() / 0.9
    across = (slope * along).sum(dim=1)
    torch.testing.assert_close(
        across.abs(), torch.full((7,), 1 / 0.9, dtype=torch.float64), rtol=0.01, atol=0
    )
    step = 1e-5
    moved = loop.angle((z + step * along).detach()) - loop.angle((z - step * along).detach())
    torch.testing.assert_close(moved / (2 * step), across, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("length", [6.0, 20.0])
def test_line_is_no_loop_and_one_cluster(length: float) -> None:
    x = np.linspace(0, length, 60)
    told = grid_spectrum(mixture(np.stack([x, 0 * x], axis=1)), n_levels=7).describe()
    assert (told.n_clusters, told.loops) == (1, ())
    assert any("elongated" in caveat for caveat in told.caveats)


@pytest.mark.slow
def test_each_of_two_rings_has_its_own_loop_though_their_modes_are_mixed() -> None:
    places = [ring(40, center=(x, 0.0)) for x in (-1.9, 1.9)]
    told = grid_spectrum(mixture(np.concatenate(places), sd=0.2), n_levels=10).describe()
    assert told.n_clusters == 2
    assert sorted(loop.cluster for loop in told.loops) == [0, 1]
    angle = 2 * np.pi * np.arange(40) / 40
    for loop in told.loops:
        inside = int(told.memberships(torch.from_numpy(places[0][:1]))[0].argmax())
        place = places[0 if loop.cluster == inside else 1]
        assert agreement(loop.angle(torch.from_numpy(place)), angle) > 0.999


def test_figure_eight_has_two_loops() -> None:
    lobes = [ring(40, center=(x, 0.0)) for x in (-1.0, 1.0)]
    told = grid_spectrum(mixture(np.concatenate(lobes), sd=0.2), n_levels=10).describe()
    assert (told.n_clusters, len(told.loops)) == (1, 2)
    angle = 2 * np.pi * np.arange(40) / 40
    for lobe in lobes:
        z = torch.from_numpy(lobe)
        assert max(agreement(loop.angle(z), angle) for loop in told.loops) > 0.95


@pytest.mark.slow
def test_what_is_told_does_not_depend_on_place_and_direction() -> None:
    centers = np.concatenate([ring(30, radius=0.8), [[3.5, 0.3]] * 12])
    turn = np.array([[math.cos(0.7), -math.sin(0.7)], [math.sin(0.7), math.cos(0.7)]])
    told = [
        grid_spectrum(mixture(c, sd=0.25), n_levels=8).describe()
        for c in (centers, centers @ turn.T + 3.0)
    ]
    for description in told:
        assert (description.n_clusters, len(description.loops)) == (2, 1)
    first, second = (description.loops[0] for description in told)
    angle = first.angle(torch.from_numpy(centers[:30])).numpy()
    assert agreement(second.angle(torch.from_numpy(centers[:30] @ turn.T + 3.0)), angle) > 0.999


def test_text_says_it_in_nats() -> None:
    lines = str(grid_spectrum(mixture(ring(), sd=0.45), n_levels=4).describe()).split("\n")
    assert lines[0] == "1 cluster: 100% of the density"
    assert lines[1] == "0 loops"
    assert lines[2].split() == ["k", "level", "activation", "label"]
    assert lines[4].split()[3:] == ["nats", "diffusive"]
    assert len({line.index("nats") for line in lines[4:7]}) == 1
    assert lines[7].startswith("cannot tell: the modes of levels")


@pytest.mark.parametrize("least_mass", [-0.1, 1.0, math.nan, "0.1"])
def test_least_mass_must_be_a_share(least_mass) -> None:
    with pytest.raises(InvalidInputError, match="least_mass"):
        grid_spectrum(mixture([[0.0]]), n_levels=3).describe(least_mass=least_mass)


@pytest.mark.slow
def test_gaussian_posteriors_raise_no_false_alarm() -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        d, n = (1, 300) if seed % 3 == 0 else (2, 300)
        mean = rng.normal(size=(n, d)) * rng.uniform(0.5, 1.5, size=d)
        logvar = 2 * np.log(rng.uniform(0.4, 0.8)) + 0.2 * rng.normal(size=(n, d))
        told = posterior_spectrum(mean, logvar, n_levels=8).describe()
        assert (told.n_clusters, told.loops) == (1, ()), seed


@pytest.mark.slow
def test_torus_has_two_loops_and_the_sphere_none() -> None:
    # Points evenly spread: a spiral on the torus, a Fibonacci lattice on the sphere.
    i = np.arange(600)
    around, tube = 2 * np.pi * i / 600, 2 * np.pi * i * 0.6180339887
    rho = 1 + 0.45 * np.cos(tube)
    torus = np.stack([rho * np.cos(around), rho * np.sin(around), 0.45 * np.sin(tube)], axis=1)
    told = grid_spectrum(mixture(torus, sd=0.15), n_levels=8).describe()
    assert (told.n_clusters, len(told.loops)) == (1, 2)
    # The tube's hole is 2 nats deep on a fine grid, so that its being real is left open.
    assert len(told.caveats) == 1
    for loop, angle in zip(told.loops, (around, tube), strict=True):
        assert agreement(loop.angle(torch.from_numpy(torus)), angle) > 0.99
    height = 1 - 2 * (i + 0.5) / 600
    turn = np.pi * (1 + 5**0.5) * i
    wide = np.sqrt(1 - height**2)
    sphere = np.stack([wide * np.cos(turn), wide * np.sin(turn), height], axis=1)
    told = grid_spectrum(mixture(sphere, sd=0.25), n_levels=9).describe()
    assert (told.n_clusters, told.loops, told.caveats) == (1, (), ())


@pytest.mark.slow
@pytest.mark.parametrize("method", ["marginal", "ritz"])
def test_ring_in_eight_dimensions_is_found_by_either_method(method: str, generator) -> None:
    frame = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 2)))[0]
    mean = ring(100) @ frame.T
    logvar = np.full((100, 8), 2 * np.log(0.25))
    drawn = {"generator": generator} if method == "ritz" else {}
    spectrum = posterior_spectrum(mean, logvar, n_levels=6, method=method, **drawn)
    told = spectrum.describe()
    assert (told.n_clusters, len(told.loops), told.caveats) == (1, 1, ())
    angle = 2 * np.pi * np.arange(100) / 100
    assert agreement(told.loops[0].angle(torch.from_numpy(mean)), angle) > 0.99


@pytest.mark.slow
def test_wide_axes_beyond_the_third_are_said_not_to_have_been_looked_at() -> None:
    spectrum = posterior_spectrum(2 * np.eye(6), np.full((6, 6), -1.0), n_levels=6)
    assert any("2 more are wide enough" in caveat for caveat in spectrum.describe().caveats)


def trained(
    points: np.ndarray, latent_dim: int, *, noise_variance: float = 0.05, n_steps: int = 600
):
    """Posterior means and log-variances of a small VAE, (N, d) each."""
    x = torch.from_numpy(points).float()
    (run,) = spawn_runs(0, 1)
    with seeded_init(run.init):
        model = MLPVAE(x.shape[1], latent_dim)
    config = tp.TrainingConfig(n_steps=n_steps)
    ensemble = train_ensemble(
        [model], x, noise_variance=noise_variance, config=config, streams=[run]
    )
    with torch.no_grad():
        mean, logvar = ensemble.encode(x)
    return mean[0].double(), logvar[0].double()


@pytest.mark.slow
def test_trained_circle_is_found_with_its_angle(rng) -> None:
    data = tp.datasets.circle(400, ambient_dim=20, noise=0.05, rng=rng)
    mean, logvar = trained(data.points, 2)
    told = posterior_spectrum(mean, logvar, n_levels=8).describe()
    assert (told.n_clusters, told.caveats) == (1, ())
    (loop,) = told.loops
    assert agreement(loop.angle(mean), data.parameters[:, 0]) > 0.95
    assert told.modes[1].label == told.modes[2].label == "diffusive"


@pytest.mark.slow
@pytest.mark.parametrize("n_clusters", [3, 5])
def test_trained_clusters_are_found_and_hold_the_right_data(rng, n_clusters: int) -> None:
    data = tp.datasets.clusters(n_clusters, 400, rng=rng)
    mean, logvar = trained(data.points, 2)
    told = posterior_spectrum(mean, logvar, n_levels=n_clusters + 4).describe()
    assert (told.n_clusters, told.loops) == (n_clusters, ())
    labels = told.memberships(mean).argmax(dim=1).numpy()
    truth = data.parameters[:, 0].astype(int)
    table = np.zeros((n_clusters, n_clusters))
    np.add.at(table, (truth, labels), 1)
    assert table.max(axis=1).sum() == len(truth)  # each true cluster in one found cluster
    assert (table.max(axis=0) > 0).all()


@pytest.mark.slow
def test_trained_figure_eight_has_two_loops_with_their_angles(rng) -> None:
    data = tp.datasets.figure_eight(500, ambient_dim=20, noise=0.05, rng=rng)
    mean, logvar = trained(data.points, 2)
    told = posterior_spectrum(mean, logvar, n_levels=10).describe()
    assert (told.n_clusters, len(told.loops)) == (1, 2)
    for which in (0, 1):
        lobe = data.parameters[:, 0] == which
        z = mean[torch.from_numpy(lobe)]
        angle = data.parameters[lobe, 1]
        assert max(agreement(loop.angle(z), angle) for loop in told.loops) > 0.95


@pytest.mark.slow
def test_trained_sphere_has_no_loop_and_a_flat_torus_shows_its_larger_one(rng) -> None:
    sphere = tp.datasets.sphere(600, ambient_dim=20, noise=0.05, rng=rng)
    told = posterior_spectrum(*trained(sphere.points, 3), n_levels=9).describe()
    assert (told.n_clusters, told.loops) == (1, ())
    # Nothing places a flat torus in three dimensions undistorted: the larger circle survives.
    torus = tp.datasets.torus(800, ambient_dim=20, noise=0.05, rng=rng)
    mean, logvar = trained(torus.points, 3)
    told = posterior_spectrum(mean, logvar, n_levels=8).describe()
    assert told.n_clusters == 1
    assert agreement(told.loops[0].angle(mean), torus.parameters[:, 0]) > 0.95


@pytest.mark.slow
def test_trained_linked_circles_are_two_loops_and_whether_they_touch_is_left_open(rng) -> None:
    data = tp.datasets.linked_circles(400, ambient_dim=20, noise=0.05, rng=rng)
    mean, logvar = trained(data.points, 3, noise_variance=0.03, n_steps=800)
    told = posterior_spectrum(mean, logvar, n_levels=8).describe()
    assert len(told.loops) == 2
    # The circles are at most a radius apart, and the posterior is half as wide.
    assert told.n_clusters == 2 or any("clusters that touch" in c for c in told.caveats)
    for which in (0, 1):
        own = data.parameters[:, 0] == which
        z, angle = mean[torch.from_numpy(own)], data.parameters[own, 1]
        assert max(agreement(loop.angle(z), angle) for loop in told.loops) > 0.88
