"""Levels from Kramers' rates, for barriers that no grid resolves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from topopert._checks import check_count, check_real
from topopert.errors import InvalidInputError
from topopert.hamiltonian.spectra.degeneracy import degeneracies, level_groups
from topopert.hamiltonian.spectra.functions import Modes, States
from topopert.hamiltonian.spectra.record import Spectrum, WeightedNodes
from topopert.hamiltonian.surfaces import EnergySurface, MixtureSurface

from .basins import basin_labels, importance_sample
from .energy_landscape import EnergyLandscape
from .kramers import kramers_links, kramers_modes
from .network import TransitionNetwork

__all__ = ["kramers_spectrum"]

# Levels closer than this, relative, count as one.
_TOLERANCE = 1e-6
# The relative error is of the order of T over the barrier; this factor covered what was measured
# against grids, down to the floor.
_ERROR_FACTOR, _ERROR_FLOOR = 0.5, 0.03
# Points by which ∫e^{−U/T} is found.
_SAMPLE = 8192


def kramers_spectrum(
    surface: EnergySurface,
    *,
    n_levels: int,
    temperature: float = 1.0,
    landscape: EnergyLandscape | None = None,
) -> Spectrum:
    """The lowest levels of H as eigenvalues of Kramers' rate matrix, one for each state.

    They are found to full relative accuracy however small they are; what is approximate is
    Kramers' formula. A mode is constant on each basin and passes smoothly from one to the next:
    of a mixture by the shares of the components whose means lie in each basin, else by the shares
    of the harmonic approximations at the minima. Averages are taken over the minima.

    Args:
        surface: U.
        n_levels: How many levels, the ground level included; at most the number of states.
        temperature: T > 0.
        landscape: The landscape of the surface, if it is known already.

    Raises:
        InvalidInputError: If there are fewer states than levels, the landscape is that of another
            surface, a minimum is flat, T is too low, or the surface does not confine.
        BackendError: If saddles are missing or the rate matrix could not be diagonalised.
    """
    n_levels = check_count(n_levels, name="n_levels")
    temperature = check_real(temperature, name="temperature", low=0.0, low_open=True)
    if landscape is None:
        landscape = EnergyLandscape.from_surface(surface)
    elif landscape.surface is not surface:
        msg = (
            "`landscape` was made of another surface. Leave it out, or pass its own: "
            "`kramers_spectrum(landscape.surface, landscape=landscape, ...)`."
        )
        raise InvalidInputError(msg)
    n_states = len(landscape.minima)
    if n_levels > n_states:
        msg = (
            f"`n_levels` is {n_levels}, but the landscape has {n_states} state(s) with a barrier "
            f"of {landscape.min_barrier:g} nats or more, and Kramers' formula gives one level for "
            "each. Ask for fewer, lower `min_barrier`, or take another method."
        )
        raise InvalidInputError(msg)
    network, members = landscape.network, landscape.membership
    links = kramers_links(network, members, temperature)
    found = kramers_modes(links)
    levels = found.levels[:n_levels].detach().cpu()
    barriers = found.activation_energies[:n_levels].cpu()
    relative = (_ERROR_FACTOR * temperature / barriers.clamp_min(1e-300)).clamp(_ERROR_FLOOR, 1.0)
    errors = torch.nan_to_num(relative, nan=0.0) * levels
    groups = level_groups(levels.numpy(), errors.numpy(), _TOLERANCE)
    on_states = found.modes[:, :n_levels]
    modes = Modes(surface, _BasinModes(_shares(surface, network, members), on_states))
    return Spectrum(
        levels=levels,
        degeneracies=torch.from_numpy(degeneracies(groups)),
        errors=errors,
        activation_energies=barriers,
        states=States(
            modes=modes,
            temperature=temperature,
            log_normalizer=_log_normalizer(surface, network, temperature),
        ),
        modes=modes,
        sample=WeightedNodes(nodes=landscape.minima, weights=links.state_masses, modes=on_states),
        surface=surface,
        temperature=temperature,
        method="kramers",
        error_kind="order of Kramers' next correction, 0.5 T over the barrier, at least 3 %",
        tolerance=_TOLERANCE,
    )


class _ComponentShares:
    """The share of each state at z: of the components of a mixture whose means it holds."""

    def __init__(self, surface: MixtureSurface, owner: Tensor, n_states: int) -> None:
        self.surface = surface
        self.member = torch.nn.functional.one_hot(owner, n_states).to(surface.means)

    def __call__(self, z: Tensor) -> Tensor:
        return self.surface.responsibilities(z) @ self.member


class _HarmonicShares:
    """The share of each state at z in the Gaussians that touch U at its minima."""

    def __init__(self, network: TransitionNetwork, members: Tensor) -> None:
        minima = network.minima
        self.log_mass = -minima.energies
        self.points, self.axes, self.curvatures = minima.points, minima.axes, minima.curvatures
        n_states = int(members.max()) + 1
        self.member = torch.nn.functional.one_hot(members, n_states).to(minima.points)

    def __call__(self, z: Tensor) -> Tensor:
        along = torch.einsum("bmd,mdk->bmk", z[:, None] - self.points, self.axes)
        climb = 0.5 * (along.square() * self.curvatures).sum(dim=-1)  # (B, m)
        return (self.log_mass - climb).softmax(dim=1) @ self.member


@dataclass(frozen=True, slots=True, eq=False)
class _BasinModes:
    """Modes that are constant on each basin."""

    shares: _ComponentShares | _HarmonicShares
    on_states: Tensor  # (n_states, n_levels)

    def __call__(self, z: Tensor) -> Tensor:
        """The modes at z (B, d), shape (B, n_levels)."""
        return self.shares(z) @ self.on_states


def _shares(
    surface: EnergySurface, network: TransitionNetwork, members: Tensor
) -> _ComponentShares | _HarmonicShares:
    if isinstance(surface, MixtureSurface):
        owner = members[basin_labels(surface, network.minima, surface.means.detach())]
        return _ComponentShares(surface, owner, int(members.max()) + 1)
    return _HarmonicShares(network, members)


def _log_normalizer(
    surface: EnergySurface, network: TransitionNetwork, temperature: float
) -> float:
    """Log ∫e^{−U/T}; of a mixture at T = 1 it is 0, else by importance sampling."""
    if isinstance(surface, MixtureSurface) and temperature == 1:
        return 0.0
    _, log_ratio = importance_sample(surface, network.minima, temperature, n_points=_SAMPLE)
    return float(log_ratio.logsumexp(dim=0)) - math.log(_SAMPLE)
