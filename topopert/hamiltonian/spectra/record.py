"""The spectrum of a Hamiltonian: levels with their degeneracies, states, and how it was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from topopert.hamiltonian.description.describe import describe_spectrum
from topopert.hamiltonian.description.record import SpectrumDescription
from topopert.hamiltonian.surfaces import EnergySurface

__all__ = ["Spectrum", "WeightedNodes"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightedNodes:
    """A quadrature of the ground state's density p, with the modes on it."""

    nodes: Tensor  # (G, d)
    weights: Tensor  # (G,), sum 1
    modes: Tensor  # f_k, (G, n_levels), Σ weights · f_k² = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spectrum:
    """The lowest levels of H, the relaxation rates of Langevin dynamics on its surface.

    At temperature T the density is p = e^{−U/T}/Z and the levels are the rates of
    dz = −∇U dt + √(2T) dW. A state is φ_k = f_k √p, of norm 1; the ground state has f₀ = 1. The
    mode f_k is the observable that decays as e^{−E_k t}.

    It can be pickled, as for the processes of joblib, if the surface's own function can be.

    The same arguments give the same bits; with another number of threads levels and states differ
    by rounding, some 1e-15, by Ritz functions 1e-11.
    """

    levels: Tensor  # E_k, (n_levels,), ascending with multiplicity, the 0 of the ground included
    degeneracies: Tensor  # size of the group that each level belongs to, (n_levels,), int64
    errors: Tensor  # estimated absolute error of each level, (n_levels,)
    activation_energies: Tensor  # −d log E_k/d(1/T), (n_levels,), nats; NaN for the ground level
    states: Callable[[Tensor], Tensor]  # φ_k at z (B, d), (B, n_levels), differentiable
    modes: Callable[[Tensor], Tensor]  # f_k at z (B, d), (B, n_levels), differentiable
    sample: WeightedNodes  # for averages over p
    surface: EnergySurface  # U
    temperature: float
    method: str  # which solver found the levels
    error_kind: str  # what the errors were estimated by
    tolerance: float  # levels closer than this, relative, count as one

    def describe(self, *, least_mass: float = 0.02) -> SpectrumDescription:
        """What the levels say: clusters, loops with their angles, a label for every mode.

        Args:
            least_mass: A cluster with less of the density is called an outlier and not counted.

        Raises:
            InvalidInputError: If `least_mass` is not in [0, 1).
        """
        return describe_spectrum(self, least_mass=least_mass)
