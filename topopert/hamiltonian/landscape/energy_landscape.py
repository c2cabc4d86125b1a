"""The energy landscape of a latent space: its states and the passes between them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import networkx as nx
import torch
from torch import Tensor

from topopert._checks import check_choice, check_count, check_real
from topopert.errors import InvalidInputError
from topopert.hamiltonian.couplings import Constant
from topopert.hamiltonian.dynamics import (
    overdamped_langevin,
    sample_surface,
    underdamped_langevin,
)
from topopert.hamiltonian.potentials.potential import Potential
from topopert.hamiltonian.surfaces import (
    EnergySurface,
    FunctionSurface,
    TiltedSurface,
    posterior_surface,
)

from .basins import basin_labels, sampled_weights
from .graph import landscape_graph
from .kramers import kramers_links, rate_matrix
from .merge_tree import MergeTree, absorbed, merge_tree
from .network import TransitionNetwork, transition_network
from .path import TransitionPath, checked_place, minimum_energy_path

__all__ = ["EnergyLandscape"]


class EnergyLandscape:
    """Minima, saddles and what follows from them; made by one of the `from_` methods.

    A state is a minimum that no path of less than `min_barrier` nats joins to a lower one. Widths
    of a posterior below the spacing of its means make dimples by the hundred: these are found and
    counted to the state that they drain into, but are no states. States are numbered by energy.

    Args:
        surface: U.
        network: All its minima and saddles.
        min_barrier: The least barrier that counts, in nats.
    """

    def __init__(
        self, surface: EnergySurface, network: TransitionNetwork, *, min_barrier: float
    ) -> None:
        self.surface = surface
        self.network = network
        self.min_barrier = min_barrier

    @classmethod
    def from_surface(cls, surface: EnergySurface, *, min_barrier: float = 0.5) -> EnergyLandscape:
        """The landscape of an energy surface.

        Args:
            surface: U, in nats, twice differentiable where it is low.
            min_barrier: The least barrier that counts, in nats, ≥ 0.

        Raises:
            InvalidInputError: If U does not confine, is NaN somewhere, or has no minimum.
            BackendError: If some minima are joined to the rest by no saddle that could be found.
        """
        min_barrier = check_real(min_barrier, name="min_barrier", low=0.0)
        network = transition_network(surface, min_barrier=min_barrier)
        return cls(surface, network, min_barrier=min_barrier)

    @classmethod
    def from_posterior(
        cls,
        mean: Any,
        logvar: Any | None,
        *,
        bandwidth: float | None = None,
        min_barrier: float = 0.5,
    ) -> EnergyLandscape:
        """The landscape of U = −log q̄, q̄ the aggregated posterior of a trained model.

        Args:
            mean: μ, shape (N, d), N ≥ 1.
            logvar: log σ², shape (N, d); None for a deterministic code.
            bandwidth: σ of a deterministic code; None takes Silverman's rule and says so.
            min_barrier: The least barrier that counts, in nats.

        Raises:
            InvalidInputError: If the posterior cannot be used.
            BackendError: As `from_surface`.

        Warns:
            TopopertWarning: If the bandwidth was chosen here.
        """
        surface = posterior_surface(mean, logvar, bandwidth=bandwidth)
        return cls.from_surface(surface, min_barrier=min_barrier)

    @classmethod
    def from_potential(
        cls,
        potential: Potential | Callable[[Tensor], Tensor],
        *,
        coupling: float | Constant,
        latent_dim: int,
        min_barrier: float = 0.5,
    ) -> EnergyLandscape:
        """The landscape of U_λ = ½∣z∣² + λV.

        Args:
            potential: V, which depends on the code alone; a function of codes (B, d) is one.
            coupling: λ ≥ 0.
            latent_dim: d.
            min_barrier: The least barrier that counts, in nats.

        Raises:
            InvalidInputError: If V is no potential of the code, or U_λ does not confine.
            BackendError: As `from_surface`.
        """
        surface = TiltedSurface(potential, coupling, latent_dim)
        return cls.from_surface(surface, min_barrier=min_barrier)

    @classmethod
    def from_energy(
        cls,
        function: Callable[[Tensor], Tensor],
        *,
        latent_dim: int,
        width: float = 1.0,
        min_barrier: float = 0.5,
    ) -> EnergyLandscape:
        """The landscape of any energy, d small: starts are sought on a cover of where it is low.

        Args:
            function: Maps codes (B, d) in double precision to U (B,), in nats, row by row, twice
                differentiable by autograd.
            latent_dim: d.
            width: The length over which U bends most sharply.
            min_barrier: The least barrier that counts, in nats.

        Raises:
            InvalidInputError: If the function cannot be used, or does not confine.
            BackendError: As `from_surface`.
        """
        surface = FunctionSurface(function, latent_dim, width=width)
        return cls.from_surface(surface, min_barrier=min_barrier)

    def coarsened(self, min_barrier: float) -> EnergyLandscape:
        """The same landscape with another least barrier; nothing is searched again."""
        min_barrier = check_real(min_barrier, name="min_barrier", low=0.0)
        return EnergyLandscape(self.surface, self.network, min_barrier=min_barrier)

    @property
    def latent_dim(self) -> int:
        """Dimension d."""
        return self.surface.latent_dim

    @cached_property
    def membership(self) -> Tensor:
        """The state that each minimum of the network drains into, (m,), int64."""
        owner = absorbed(self.network.tree, self.min_barrier)
        return torch.searchsorted(owner.unique(), owner)

    @cached_property
    def _rows(self) -> Tensor:
        """The minimum of the network that each state is, (M,)."""
        return absorbed(self.network.tree, self.min_barrier).unique()

    @property
    def minima(self) -> Tensor:
        """The states, lowest first, (M, d)."""
        return self.network.minima.points[self._rows]

    @property
    def energies(self) -> Tensor:
        """U at the minima, ascending, (M,), nats."""
        return self.network.minima.energies[self._rows]

    @property
    def graph(self) -> nx.Graph:
        """States as nodes 0 … M−1, the lowest saddle between two as an edge.

        Nodes have `energy` and `position`; edges have the saddle's `energy` and `position`, and
        `barrier`, its energy minus the higher of the two minima. Nats, and tuples of d floats.
        """
        return landscape_graph(self.network, self._rows, self.membership)

    def energy(self, z: Tensor) -> Tensor:
        """U at z (B, d), shape (B,), in nats and double precision; differentiable.

        Raises:
            InvalidInputError: If z is not a floating-point tensor (B, d).
        """
        return self.surface.energy(self.surface.checked_codes(z))

    def barrier_tree(self) -> MergeTree:
        """Which state joins which as the level rises, by the elder rule: the H0 bars of U."""
        ends = self.membership[self.network.ends]
        return merge_tree(self.energies, self.network.saddles.energies, ends)

    def path(self, a: int | Tensor, b: int | Tensor, *, n_points: int = 101) -> TransitionPath:
        """The minimum-energy path between two states or points.

        Args:
            a: Number of a state, or a point (d,), from which the path first flows down.
            b: The same, for the other end.
            n_points: About how many points the path has.

        Raises:
            InvalidInputError: If a number is no state's or a point has another shape.
        """
        n_points = check_count(n_points, name="n_points", minimum=2)
        begin, end = (
            checked_place(place, self.surface, self._rows, name=name)
            for place, name in ((a, "a"), (b, "b"))
        )
        return minimum_energy_path(self.surface, self.network, begin, end, n_points=n_points)

    def labels(self, z: Tensor) -> Tensor:
        """The state whose basin holds each point z (B, d), int64 (B,).

        A basin is what flows down to a minimum; dimples count to the state they drain into.

        Raises:
            InvalidInputError: If z is not a floating-point tensor (B, d).
        """
        z = self.surface.checked_codes(z).detach()
        return self.membership[basin_labels(self.surface, self.network.minima, z)]

    def weights(
        self, temperature: float = 1.0, *, method: str = "sampled", n_points: int = 2048
    ) -> Tensor:
        """The share of e^{−U/T} in each state's basin, (M,); −T log of it is its free energy.

        Args:
            temperature: T > 0, nats.
            method: "sampled", by importance sampling with quasi-random points, the same ones at
                every call: right up to an error of about 1/√n_points whatever the basins' shape.
                "harmonic", from energies and curvatures of the minima: exact for T → 0 only.
            n_points: Of the sample.

        Raises:
            InvalidInputError: If an argument is out of range, or a minimum is flat ("harmonic").
        """
        temperature = check_real(temperature, name="temperature", low=0.0, low_open=True)
        method = check_choice(method, ("sampled", "harmonic"), name="method")
        n_points = check_count(n_points, name="n_points", minimum=2)
        if method == "harmonic":
            return kramers_links(self.network, self.membership, temperature).state_masses
        minima = self.network.minima
        found = sampled_weights(self.surface, minima, temperature, n_points=n_points)
        weights = found.weights.new_zeros(len(self.minima))
        return weights.index_add(0, self.membership, found.weights)

    def rates(self, temperature: float = 1.0) -> Tensor:
        """Kramers' rates of dz = −∇U dt + √(2T) dW between states, the generator Q, (M, M).

        Q_ij ≥ 0 is the rate from i to j; rows sum to 0; populations follow dp/dt = pQ; detailed
        balance holds with `weights(method="harmonic")`. Right for barriers well above T.

        Args:
            temperature: T > 0, nats.

        Raises:
            InvalidInputError: If T is out of range or a minimum is flat along a line.
        """
        temperature = check_real(temperature, name="temperature", low=0.0, low_open=True)
        return rate_matrix(kramers_links(self.network, self.membership, temperature))

    def simulate(
        self,
        z0: Tensor,
        n_steps: int,
        temperature: float = 1.0,
        *,
        step_size: float | None = None,
        dynamics: str = "overdamped",
        metropolis: bool = False,
        friction: float = 1.0,
        generator: torch.Generator,
    ) -> Tensor:
        """Walkers that move on the surface, (n_steps + 1, B, d), the start first.

        Args:
            z0: Where they start, (B, d).
            n_steps: Number of steps.
            temperature: T > 0.
            step_size: Of time; None takes one from the surface's curvature.
            dynamics: "overdamped", dz = −∇U dt + √(2T) dW, or "underdamped", mass 1 with friction.
            metropolis: Of overdamped dynamics: whether steps are accepted by Metropolis' rule.
            friction: Of underdamped dynamics, per unit of time.
            generator: Of the noise.

        Raises:
            InvalidInputError: If an argument is out of range or a walker runs off.
        """
        dynamics = check_choice(dynamics, ("overdamped", "underdamped"), name="dynamics")
        if dynamics == "overdamped":
            return overdamped_langevin(
                self.surface,
                z0,
                n_steps,
                temperature=temperature,
                step_size=step_size,
                metropolis=metropolis,
                generator=generator,
            ).points
        if metropolis:
            msg = "`metropolis=True` is for overdamped dynamics. Leave it out, or halve the step."
            raise InvalidInputError(msg)
        return underdamped_langevin(
            self.surface,
            z0,
            n_steps,
            temperature=temperature,
            friction=friction,
            step_size=step_size,
            generator=generator,
        ).points

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draws from e^{−U}, (n, d); exact for a posterior.

        Raises:
            InvalidInputError: If n is no whole number.
        """
        return sample_surface(self.surface, n, generator=generator)
