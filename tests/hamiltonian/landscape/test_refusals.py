"""Surfaces that have no landscape."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import topopert as tp
from tests.hamiltonian.landscape.scenes import camelback, cluster_mixture
from topopert.errors import InvalidInputError
from topopert.hamiltonian.landscape import EnergyLandscape


@pytest.mark.parametrize(
    "function",
    [
        lambda z: -z.square().sum(dim=1),
        lambda z: z[:, 0].square(),  # free along an axis
        lambda z: (z[:, 0] + z[:, 1]).square(),  # and along a diagonal
        lambda z: -(-z.square().sum(dim=1)).exp(),  # a well in an endless plain
        lambda z: z[:, 0] ** 4 + z[:, 1] ** 4 - 3 * z[:, 0] ** 2 * z[:, 1] ** 2,
    ],
)
def test_surface_that_does_not_confine_is_refused(function) -> None:
    with pytest.raises(InvalidInputError, match="does not confine"):
        EnergyLandscape.from_energy(function, latent_dim=2)


def test_energy_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="NaN"):
        EnergyLandscape.from_energy(lambda z: (z[:, 0] - 5).sqrt(), latent_dim=1)
    with pytest.raises(InvalidInputError, match="must map"):
        EnergyLandscape.from_energy(lambda z: z.square(), latent_dim=2)


@pytest.mark.parametrize(
    "function",
    [
        lambda z: z.abs().sum(dim=1),
        lambda z: z.detach().square().sum(dim=1),
        lambda z: torch.from_numpy(np.square(z.detach().numpy()).sum(axis=1)),
    ],
)
def test_energy_without_derivatives_is_refused(function) -> None:
    with pytest.raises(InvalidInputError, match="twice differentiable"):
        EnergyLandscape.from_energy(function, latent_dim=2)


def test_arguments_out_of_range_are_refused() -> None:
    for barrier in (-0.1, float("nan"), "large"):
        with pytest.raises(InvalidInputError, match="min_barrier"):
            EnergyLandscape.from_energy(camelback, latent_dim=2, min_barrier=barrier)
    with pytest.raises(InvalidInputError, match="latent_dim"):
        EnergyLandscape.from_energy(camelback, latent_dim=0)
    with pytest.raises(InvalidInputError, match="width"):
        EnergyLandscape.from_energy(camelback, latent_dim=2, width=0.0)
    with pytest.raises(InvalidInputError, match="function"):
        EnergyLandscape.from_energy(3.0, latent_dim=2)
    with pytest.raises(InvalidInputError, match="logvar"):
        EnergyLandscape.from_posterior(np.zeros((3, 2)), np.zeros((3, 1)))
    with pytest.raises(InvalidInputError, match="interaction"):
        EnergyLandscape.from_potential(tp.SignaturePotential(), coupling=1.0, latent_dim=2)


def test_inputs_stay_as_they_were() -> None:
    surface = cluster_mixture(0, 40, 2, width=0.5, spread=1.5)
    before = surface.means.clone()
    landscape = EnergyLandscape.from_surface(surface)
    z = surface.means.clone()
    landscape.labels(z)
    landscape.path(z[0], z[1])
    assert torch.equal(surface.means, before)
    assert torch.equal(z, before)


def test_energy_can_be_differentiated() -> None:
    landscape = EnergyLandscape.from_surface(cluster_mixture(0, 40, 2, width=0.5, spread=1.5))
    z = torch.randn(5, 2, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (gradient,) = torch.autograd.grad(landscape.energy(z).sum(), z)
    torch.testing.assert_close(
        gradient, landscape.surface.gradient(z.double()).float(), atol=1e-4, rtol=1e-4
    )
