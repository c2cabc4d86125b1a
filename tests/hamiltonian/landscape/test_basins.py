"""Labels and weights of basins, draws and walkers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from tests.hamiltonian.landscape.scenes import camelback, cluster_mixture, double_well
from topopert.errors import InvalidInputError
from topopert.hamiltonian.landscape import EnergyLandscape


def test_minima_are_in_their_own_basins() -> None:
    surface = cluster_mixture(0, 60, 4, width=0.4, spread=1.5)
    landscape = EnergyLandscape.from_surface(surface, min_barrier=0.2)
    assert landscape.labels(landscape.minima).tolist() == list(range(len(landscape.minima)))


def test_labels_are_where_the_flow_ends() -> None:
    landscape = EnergyLandscape.from_energy(camelback, latent_dim=2, min_barrier=0.1)
    generator = torch.Generator().manual_seed(0)
    z = torch.rand(60, 2, generator=generator, dtype=torch.float64) * 4 - 2
    z[:, 1] /= 2

    def flow(_: float, y: np.ndarray) -> np.ndarray:
        u, v = y
        return -np.array([8 * u - 8.4 * u**3 + 2 * u**5 + v, u - 8 * v + 16 * v**3])

    ends = [solve_ivp(flow, (0, 30), p.numpy(), method="LSODA", rtol=1e-6).y[:, -1] for p in z]
    distance = torch.cdist(torch.from_numpy(np.array(ends)), landscape.minima)
    assert float(distance.amin(dim=1).max()) < 0.1
    assert torch.equal(landscape.labels(z), distance.argmin(dim=1))


def test_points_on_a_ridge_get_one_of_the_two_sides() -> None:
    landscape = EnergyLandscape.from_energy(double_well(3.0), latent_dim=1)
    assert landscape.labels(torch.zeros(2, 1)).tolist() in ([0, 0], [1, 1])
    # The minima are numbered from the left, their energies being equal.
    labels = landscape.labels(torch.tensor([[-3.0], [-0.01], [0.01], [3.0]]))
    assert labels.tolist() == [0, 0, 1, 1]


def test_weights_are_the_integrals_over_basins() -> None:
    well = double_well(2.0, 0.5)
    landscape = EnergyLandscape.from_energy(well, latent_dim=1, width=0.5)
    top = float(landscape.network.saddles.points[0, 0])
    x = torch.linspace(-4, 4, 20001, dtype=torch.float64)[:, None]
    for temperature in (2.0, 1.0, 0.2):
        density = (-well(x) / temperature).exp()
        exact = float(density[x[:, 0] < top].sum() / density.sum())
        assert float(landscape.weights(temperature)[0]) == pytest.approx(exact, abs=5e-3)
    assert float(landscape.weights(0.05, method="harmonic")[0]) == pytest.approx(1, abs=1e-3)


def test_weights_of_a_posterior_are_those_of_draws() -> None:
    surface = cluster_mixture(0, 40, 3, width=0.5, spread=2.0, n_clusters=3)
    landscape = EnergyLandscape.from_surface(surface)
    assert len(landscape.minima) == 3
    drawn = landscape.sample(1500, generator=torch.Generator().manual_seed(0))
    share = landscape.labels(drawn).bincount(minlength=3).double() / 1500
    torch.testing.assert_close(landscape.weights(), share, atol=0.04, rtol=0)


def test_harmonic_weights_become_exact_in_the_cold() -> None:
    landscape = EnergyLandscape.from_energy(double_well(2.0, 0.1), latent_dim=1, width=0.5)
    gap = [
        float((landscape.weights(t) - landscape.weights(t, method="harmonic")).abs().max())
        for t in (0.4, 0.05)
    ]
    assert gap[1] < 0.3 * gap[0]


def test_walkers_have_the_shape_that_was_promised() -> None:
    landscape = EnergyLandscape.from_energy(double_well(3.0), latent_dim=1)
    start = torch.tensor([[-1.0], [1.0], [1.0]], dtype=torch.float64)
    for settings in ({}, {"metropolis": True}, {"dynamics": "underdamped", "friction": 2.0}):
        runs = [
            landscape.simulate(
                start, 20, 0.5, generator=torch.Generator().manual_seed(1), **settings
            )
            for _ in range(2)
        ]
        assert runs[0].shape == (21, 3, 1)
        assert torch.equal(runs[0][0], start)
        assert torch.equal(*runs)
    with pytest.raises(InvalidInputError, match="overdamped"):
        landscape.simulate(start, 2, dynamics="brownian", generator=torch.Generator())
    with pytest.raises(InvalidInputError, match="metropolis"):
        landscape.simulate(
            start, 2, dynamics="underdamped", metropolis=True, generator=torch.Generator()
        )


@pytest.mark.slow
def test_walkers_cross_at_kramers_rate() -> None:
    landscape = EnergyLandscape.from_energy(double_well(1.5), latent_dim=1, width=0.5)
    temperature, step = 0.3, 2e-3
    n_steps = 2000
    walkers = landscape.simulate(
        landscape.minima[:1].expand(4000, -1).clone(),
        n_steps,
        temperature,
        step_size=step,
        generator=torch.Generator().manual_seed(0),
    )
    # Populations relax as p₀ − ½ ~ e^{−Et}, E the rate there plus the rate back.
    left = (walkers[:, :, 0] < 0).double().mean(dim=1) - 0.5
    begin, end = 500, n_steps
    slope = float((left[begin] / left[end]).log()) / (step * (end - begin))
    rate = -float(landscape.rates(temperature).diagonal().sum())
    assert slope == pytest.approx(rate, rel=0.25)


def test_codes_of_another_shape_are_refused() -> None:
    landscape = EnergyLandscape.from_energy(camelback, latent_dim=2)
    for method in (landscape.labels, landscape.energy):
        with pytest.raises(InvalidInputError, match=r"shape \(B, 2\)"):
            method(torch.zeros(3, 3))
        with pytest.raises(InvalidInputError, match="floating-point"):
            method(torch.zeros(3, 2, dtype=torch.int64))
    with pytest.raises(InvalidInputError, match="method"):
        landscape.weights(method="exact")
