"""From a spectrum to what it says: clusters, loops, and a label for every mode."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from topopert._checks import check_real
from topopert.hamiltonian.surfaces import EnergySurface

from .caveats import about_clusters, about_levels, about_loops
from .clusters import BARRIER_ACTIVATION, Clusters, LocalModes, find_clusters, local_modes
from .loops import LoopSearch, find_loops
from .places import Places, bulk_places
from .record import Mode, SpectrumDescription
from .winding import lattice

__all__ = ["Described", "Sampled", "describe_spectrum"]

# Levels below so much of the highest are rounding.
_NOISE = 1e-10
# Between a harmonic well's 0 and free diffusion's 1, in units of T.
_DIFFUSIVE_ACTIVATION = 0.5


class Sampled(Protocol):
    """What is read of a spectrum's quadrature."""

    @property
    def nodes(self) -> Tensor:
        """Shape (G, d)."""
        ...

    @property
    def weights(self) -> Tensor:
        """Shape (G,), sum 1."""
        ...

    @property
    def modes(self) -> Tensor:
        """f_k, shape (G, n_levels)."""
        ...


class Described(Protocol):
    """What is read of a spectrum: `record` imports this module, not the other way round."""

    @property
    def levels(self) -> Tensor:
        """E_k, (n_levels,), ascending."""
        ...

    @property
    def errors(self) -> Tensor:
        """Absolute, (n_levels,)."""
        ...

    @property
    def activation_energies(self) -> Tensor:
        """Shape (n_levels,), nats."""
        ...

    @property
    def modes(self) -> Callable[[Tensor], Tensor]:
        """f_k at z (B, d), (B, n_levels)."""
        ...

    @property
    def sample(self) -> Sampled:
        """A quadrature of the density."""
        ...

    @property
    def surface(self) -> EnergySurface:
        """U."""
        ...

    @property
    def temperature(self) -> float:
        """T."""
        ...


def describe_spectrum(spectrum: Described, *, least_mass: float = 0.02) -> SpectrumDescription:
    """What the low spectrum says: clusters, loops with their angles, the label of each mode.

    * Clusters: k small levels below a gap make k + 1 clusters. A gap is a ratio of neighbouring
      levels above 4, the largest that free diffusion has (a harmonic well has 2), the modes below
      it having an activation energy of at least .9 T and being combinations of indicators.
    * Loops: two modes whose phase winds round a hole that is deeper than T.
    * Labels, by activation energy: below T/2 harmonic, up to 1.25 T diffusive, else barrier, whose
      height it is. Modes below the gap are barriers.

    What these rules leave open is said in `caveats`. Equal clusters are told apart from 3.5
    standard deviations on for two and three, from 4 on for more; a ring from a disc up to a
    thickness of .42 of its radius.

    Args:
        spectrum: Levels, modes and a sample of the density.
        least_mass: A cluster with less of the density is called an outlier and not counted.

    Raises:
        InvalidInputError: If `least_mass` is not in [0, 1).

    References:
        Davies, Metastable states of symmetric Markov semigroups I (1982).
        Deuflhard, Weber, Robust Perron cluster analysis in conformation dynamics (2005).
    """
    least_mass = check_real(least_mass, name="least_mass", low=0.0, high=1.0, high_open=True)
    levels, errors = _array(spectrum.levels), _array(spectrum.errors)
    weights, modes = _array(spectrum.sample.weights), _array(spectrum.sample.modes)
    noise = levels < _NOISE * levels[-1]
    activations = _array(spectrum.activation_energies) / spectrum.temperature
    # A level that is 0 to rounding has a barrier that its modes cannot measure.
    activations = np.where(noise, np.inf, activations)
    clusters = find_clusters(levels, activations, modes, weights, least_mass)
    places = bulk_places(
        _array(spectrum.sample.nodes),
        weights,
        modes,
        surface=spectrum.surface,
        temperature=spectrum.temperature,
        evaluate=spectrum.modes,
    )
    searches = [
        _search(cluster, levels, clusters, places, spectrum)
        for cluster in range(len(clusters.masses))
    ]
    loops = tuple(loop for search in searches for loop in search.loops)
    shallow = [hole for search in searches for hole in search.shallow]
    return SpectrumDescription(
        n_clusters=len(clusters.masses),
        cluster_masses=clusters.masses,
        loops=loops,
        modes=tuple(
            Mode(
                level=float(levels[k]),
                activation_energy=_finite(activations[k] * spectrum.temperature),
                label=_label(k, activations[k], clusters.n_small),
            )
            for k in range(len(levels))
        ),
        caveats=(
            *about_levels(levels, errors, noise, activations, clusters.n_small),
            *about_clusters(levels, activations, modes, weights, clusters, loops),
            *about_loops(
                loops,
                shallow,
                temperature=spectrum.temperature,
                n_unseen=places.n_unseen,
            ),
        ),
        temperature=spectrum.temperature,
        functions=spectrum.modes,
        membership_matrix=clusters.matrix,
    )


def _search(
    cluster: int,
    levels: NDArray[np.float64],
    clusters: Clusters,
    places: Places,
    spectrum: Described,
) -> LoopSearch:
    """The loops of one cluster."""
    if clusters.n_small == 0:
        inside = np.ones(len(places.weights), dtype=bool)
        local = LocalModes(levels=levels, coefficients=np.eye(len(levels)))
    else:
        inside = clusters.assigned(places.modes) == cluster
        local = local_modes(levels, places.modes, places.weights, inside)
    if places.index.shape[1] == 1 or inside.sum() == 0:
        return LoopSearch(loops=(), shallow=())
    return find_loops(
        local,
        places.modes[inside],
        places.energy[inside],
        lattice(places.index[inside], places.energy[inside], places.spacing),
        cluster=cluster,
        temperature=spectrum.temperature,
        modes=spectrum.modes,
        weights=places.weights[inside],
    )


def _label(k: int, activation: float, n_small: int) -> str:
    if k == 0:
        return "ground"
    if k <= n_small or activation >= BARRIER_ACTIVATION:
        return "barrier"
    return "diffusive" if activation >= _DIFFUSIVE_ACTIVATION else "harmonic"


def _finite(value: float) -> float:
    return float(value) if np.isfinite(value) else math.nan


def _array(values: Tensor) -> NDArray[np.float64]:
    return values.detach().cpu().numpy().astype(np.float64)
