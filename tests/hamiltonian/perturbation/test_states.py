"""The states that perturbation theory gives: norm, energy, gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import topopert as tp
from topopert.hamiltonian.grids.grid_spectrum import grid_spectrum
from topopert.hamiltonian.perturbation import perturbation_levels
from topopert.hamiltonian.surfaces import TiltedSurface

from .galerkin import galerkin_levels


def wells(latent_dim: int = 2) -> tp.WellPotential:
    rng = np.random.default_rng(5)
    spec = tp.WellSpec(
        centers=rng.normal(size=(3, latent_dim)),
        depths=rng.uniform(0.5, 1.5, size=3),
        widths=rng.uniform(0.7, 1.1, size=3),
    )
    return tp.WellPotential(spec).double()


def quotients(spectrum) -> np.ndarray:
    """E_p[∣∇f∣²]/E_p[f²] on the sample: the energy of each state."""
    nodes = spectrum.sample.nodes.clone().requires_grad_()
    values = spectrum.modes(nodes)
    energies = []
    for k in range(values.shape[1]):
        (slope,) = torch.autograd.grad(values[:, k].sum(), nodes, retain_graph=True)
        norm = spectrum.sample.weights @ values[:, k].detach().square()
        energies.append(float(spectrum.sample.weights @ slope.square().sum(dim=1) / norm))
    return np.array(energies)


def test_the_energy_of_the_states_is_right_to_fourth_order() -> None:
    """States wrong to second order have an energy that is wrong to fourth."""
    potential, errors = wells(), []
    for coupling in (0.2, 0.1):
        spectrum = perturbation_levels(
            potential, coupling=coupling, latent_dim=2, n_levels=3, order=2
        )

        def energy(z: np.ndarray, coupling: float = coupling) -> np.ndarray:
            return coupling * potential(torch.from_numpy(z)).numpy()

        errors.append(np.abs(quotients(spectrum) - galerkin_levels(energy, 2, 3)).max())
    assert errors[0] < 1e-3
    assert errors[0] / errors[1] > 12


@pytest.mark.parametrize("latent_dim", [1, 2, 3, 5])
def test_modes_are_of_norm_one_on_the_sample_and_nearly_orthogonal(latent_dim: int) -> None:
    spectrum = perturbation_levels(
        wells(latent_dim), coupling=0.1, latent_dim=latent_dim, n_levels=4, order=2
    )
    sample = spectrum.sample
    assert float(sample.weights.sum()) == pytest.approx(1.0)
    overlap = sample.modes.T @ (sample.weights[:, None] * sample.modes)
    torch.testing.assert_close(overlap.diagonal(), torch.ones(4, dtype=torch.float64))
    assert (overlap - torch.eye(4)).abs().max() < 0.01
    torch.testing.assert_close(sample.modes[:, 0], torch.ones_like(sample.weights))
    torch.testing.assert_close(spectrum.modes(sample.nodes), sample.modes)


def test_the_sample_averages_like_the_tilted_prior() -> None:
    potential = wells(2)
    spectrum = perturbation_levels(potential, coupling=0.3, latent_dim=2, n_levels=2, order=1)
    prior = tp.Hamiltonian(potential, 0.3).prior()
    # The ground state is √p_λ, constant and all.
    z = torch.from_numpy(np.random.default_rng(0).normal(size=(50, 2)))
    ground = spectrum.states(z)[:, 0]
    torch.testing.assert_close(ground.square().log(), prior.log_prob(z), atol=1e-6, rtol=0)
    draws = prior.sample((40_000,), generator=torch.Generator().manual_seed(0)).double()
    sample = spectrum.sample
    torch.testing.assert_close(sample.weights @ sample.nodes, draws.mean(dim=0), atol=0.03, rtol=0)


def test_states_are_modes_times_the_root_of_the_prior() -> None:
    potential = wells(2)
    spectrum = perturbation_levels(potential, coupling=0.2, latent_dim=2, n_levels=4, order=2)
    axis = torch.linspace(-7, 7, 141, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    states = spectrum.states(z)
    cell = float(axis[1] - axis[0]) ** 2
    torch.testing.assert_close(
        states.square().sum(dim=0) * cell, torch.ones(4, dtype=torch.float64), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(states, spectrum.modes(z) * states[:, :1])


def test_states_have_gradients() -> None:
    spectrum = perturbation_levels(wells(2), coupling=0.2, latent_dim=2, n_levels=3, order=2)
    z = torch.randn(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert torch.autograd.gradcheck(spectrum.states, z.requires_grad_())
    assert torch.autograd.gradcheck(spectrum.modes, z)


def test_codes_of_another_shape_are_refused() -> None:
    spectrum = perturbation_levels(wells(2), coupling=0.2, latent_dim=2, n_levels=3, order=2)
    for call in (spectrum.states, spectrum.modes):
        with pytest.raises(tp.InvalidInputError, match="shape"):
            call(torch.zeros(4, 3))


@pytest.mark.parametrize("latent_dim", [1, 2, 3])
def test_the_grid_finds_the_same_levels_modes_and_activation(latent_dim: int) -> None:
    """A second implementation, exact in the coupling: what differs is of third, of second order.

    Modes and activation energies of first order are off by the square of the coupling.
    """
    potential, coupling, n_levels = wells(latent_dim), 0.1, 1 + latent_dim
    found = perturbation_levels(
        potential, coupling=coupling, latent_dim=latent_dim, n_levels=n_levels, order=2
    )
    grid = grid_spectrum(TiltedSurface(potential, coupling, latent_dim), n_levels=n_levels)
    assert ((found.levels - grid.levels).abs() <= found.errors + grid.errors).all()
    torch.testing.assert_close(
        found.activation_energies[1:],
        grid.activation_energies[1:],
        # A grid in three dimensions is coarse.
        atol=2e-3 if latent_dim < 3 else 6e-3,
        rtol=0,
    )
    z = torch.from_numpy(np.random.default_rng(0).normal(size=(40, latent_dim)))
    # Signs follow one rule in all spectra.
    torch.testing.assert_close(found.modes(z), grid.modes(z), atol=0.1, rtol=0)
    torch.testing.assert_close(found.states(z), grid.states(z), atol=0.01, rtol=0)


def test_activation_energies_are_those_of_the_modes() -> None:
    """T + ⟨U⟩ over ∣∇f∣²p − ⟨U⟩ over f²p at T = 1, from the modes on the sample."""
    spectrum = perturbation_levels(wells(2), coupling=0.1, latent_dim=2, n_levels=3, order=2)
    nodes = spectrum.sample.nodes.clone().requires_grad_()
    energy, values = spectrum.surface.energy(nodes).detach(), spectrum.modes(nodes)
    for k in (1, 2):
        (slope,) = torch.autograd.grad(values[:, k].sum(), nodes, retain_graph=True)
        moving = spectrum.sample.weights * slope.square().sum(dim=1)
        resting = spectrum.sample.weights * values[:, k].detach().square()
        expected = 1 + moving @ energy / moving.sum() - resting @ energy / resting.sum()
        torch.testing.assert_close(spectrum.activation_energies[k], expected, atol=1e-3, rtol=0)


def test_one_level_is_the_ground_level() -> None:
    spectrum = perturbation_levels(wells(2), coupling=0.1, latent_dim=2, n_levels=1, order=1)
    assert spectrum.levels.tolist() == [0.0]
    assert spectrum.modes(torch.zeros(3, 2)).tolist() == [[1.0]] * 3
    assert spectrum.method == "perturbation"
