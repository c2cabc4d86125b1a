"""States of a potential of few directions: its own times those of free oscillators."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import torch
from scipy.stats.qmc import Sobol
from torch import Tensor

from topopert.hamiltonian.grids.grid_spectrum import grid_spectrum
from topopert.hamiltonian.potentials.one_body_potential import OneBodyPotential
from topopert.hamiltonian.spectra.degeneracy import degeneracies, level_groups
from topopert.hamiltonian.spectra.functions import Modes, States
from topopert.hamiltonian.spectra.record import Spectrum, WeightedNodes
from topopert.hamiltonian.surfaces import TiltedSurface

from .symmetry import Subspace, terms_energy

__all__ = ["product_spectrum"]

_TOLERANCE = 1e-3
_N_NODES = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Reduced:
    """Levels and states in the space that V depends on."""

    levels: Tensor  # (K,)
    errors: Tensor  # (K,)
    activation: Tensor  # (K,), 0 for the ground level
    modes: Callable[[Tensor], Tensor]  # (B, r) to (B, K)
    log_normalizer: float  # log of ∫ e^{−U/T} over the space
    nodes: Tensor  # (G, r)
    weights: Tensor  # (G,)
    on_nodes: Tensor  # modes, (G, K)


@dataclass(frozen=True, slots=True, eq=False)
class _OwnPotential:
    """λV as a function of the r coordinates that it depends on."""

    surface: TiltedSurface
    parallel: Tensor  # (d, r)

    def __call__(self, y: Tensor) -> Tensor:
        """λV at y (B, r), shape (B,)."""
        return terms_energy(self.surface, y.double() @ self.parallel.T)


@dataclass(frozen=True, slots=True, eq=False)
class _Products:
    """Modes of the space times those of the oscillators off it."""

    reduced: Callable[[Tensor], Tensor]  # modes of the space, (B, r) to (B, K)
    space: Subspace
    chosen: Tensor  # which of these, (n_levels,)
    quanta: Tensor  # of each oscillator, (n_levels, m)
    temperature: float

    def __call__(self, z: Tensor) -> Tensor:
        """The products at z (B, d), shape (B, n_levels)."""
        y = z @ self.space.complement / math.sqrt(self.temperature)
        return self.reduced(z @ self.space.parallel)[:, self.chosen] * _hermite(y, self.quanta)


def product_spectrum(
    surface: TiltedSurface, space: Subspace, *, n_levels: int, temperature: float
) -> Spectrum:
    """The levels of the r directions that V depends on, on a grid, plus whole numbers.

    Off the space U is ½∣z⊥∣², whose levels are n = 0, 1, … at any temperature: the modes are the
    Hermite polynomials of z⊥/√T, and the process dz = −z dt + √(2T) dW forgets at rate 1. So at
    each level there are the states of the space times those of d − r oscillators.

    Args:
        surface: ½∣z∣² + λV without wells.
        space: Where V is not constant, r ≤ 3.
        n_levels: How many levels, the ground level included.
        temperature: T.

    Raises:
        InvalidInputError: As `grid_spectrum` does.
        BackendError: If the eigensolver did not converge.
    """
    m = space.complement.shape[1]
    reduced, top, n_asked = None, math.inf, min(n_levels, 6)
    while True:
        reduced = _reduced(surface, space, n_asked, temperature)
        top = _nth_level(reduced.levels, m, n_levels)
        if n_asked == n_levels or space.rank == 0 or float(reduced.levels[-1]) > top:
            break
        n_asked = min(n_levels, 2 * n_asked)
    rows = []  # of each state: its level, the reduced state, the axes that are excited
    for a, level in enumerate(reduced.levels.tolist()):
        for quanta in range(math.floor(top * (1 + 2 * _TOLERANCE) - level + 1e-9) + 1):
            for axes in combinations_with_replacement(range(m), quanta):
                rows.append((level + quanta, a, axes))
    rows.sort(key=lambda row: row[0])
    return _record(surface, space, reduced, rows, n_levels, temperature)


def _nth_level(reduced: Tensor, m: int, n_levels: int) -> float:
    """The n-th lowest sum of a reduced level and a whole number, with multiplicity."""
    multiplicities, quanta = [], 0
    while sum(multiplicities) < n_levels:
        multiplicities.append(math.comb(quanta + m - 1, quanta) if m else int(quanta == 0))
        quanta += 1
        if not m:
            break
    sums = reduced.cpu().numpy()[:, None] + np.arange(len(multiplicities))
    known = np.sort(np.repeat(sums, multiplicities, axis=1), axis=None)
    return float(known[min(n_levels, len(known)) - 1])


def _reduced(
    surface: TiltedSurface, space: Subspace, n_levels: int, temperature: float
) -> _Reduced:
    zero = torch.zeros(1, dtype=torch.float64, device=surface.device)
    d = surface.latent_dim
    if space.rank == 0:
        return _Reduced(
            levels=zero,
            errors=zero,
            activation=zero,
            modes=_one,
            log_normalizer=-float(terms_energy(surface, zero.new_zeros(1, d))) / temperature,
            nodes=zero.new_zeros(1, 0),
            weights=zero + 1,
            on_nodes=zero[:, None] + 1,
        )

    potential = OneBodyPotential(_OwnPotential(surface, space.parallel))
    own = TiltedSurface(potential, 1.0, space.rank)
    found = grid_spectrum(own, n_levels=n_levels, temperature=temperature)
    return _Reduced(
        levels=found.levels,
        errors=found.errors,
        activation=torch.cat([zero.to(found.levels.device), found.activation_energies[1:]]),
        modes=found.modes,
        log_normalizer=_log_normalizer(found),
        nodes=found.sample.nodes,
        weights=found.sample.weights,
        on_nodes=found.sample.modes,
    )


def _log_normalizer(found: Spectrum) -> float:
    """Log of ∫ e^{−U/T}, from p = φ₀² at the heaviest node."""
    node = found.sample.nodes[[int(found.sample.weights.argmax())]]
    log_density = 2 * found.states(node)[0, 0].log()
    return float(-found.surface.energy(node)[0] / found.temperature - log_density)


def _one(y: Tensor) -> Tensor:
    """The one mode of a space without directions, (B, 0) to (B, 1)."""
    return y.new_ones(len(y), 1)


def _record(
    surface: TiltedSurface,
    space: Subspace,
    reduced: _Reduced,
    rows: list[tuple[float, int, tuple[int, ...]]],
    n_levels: int,
    temperature: float,
) -> Spectrum:
    device = surface.device
    m = space.complement.shape[1]
    sums = torch.tensor([level for level, _, _ in rows], dtype=torch.float64, device=device)
    chosen = torch.tensor([a for _, a, _ in rows], device=device)
    errors = reduced.errors[chosen]
    groups = level_groups(sums.cpu().numpy(), errors.cpu().numpy(), _TOLERANCE)
    chosen, levels = chosen[:n_levels], sums[:n_levels]
    quanta = torch.tensor(
        [[axes.count(k) for k in range(m)] for _, _, axes in rows[:n_levels]],
        dtype=torch.long,
        device=device,
    ).reshape(len(levels), m)  # (n_levels, m)
    # E = E_a + n, and n does not depend on T.
    activation = reduced.activation[chosen] * reduced.levels[chosen] / levels
    activation[0] = math.nan

    own = _Products(
        reduced.modes, space=space, chosen=chosen, quanta=quanta, temperature=temperature
    )
    modes = Modes(surface, own)
    log_normalizer = reduced.log_normalizer + 0.5 * m * math.log(2 * math.pi * temperature)
    return Spectrum(
        levels=levels,
        degeneracies=torch.from_numpy(degeneracies(groups)[:n_levels]).to(device),
        errors=errors[:n_levels],
        activation_energies=activation,
        states=States(modes=modes, temperature=temperature, log_normalizer=log_normalizer),
        modes=modes,
        sample=_sample(space, reduced, chosen, quanta, temperature),
        surface=surface,
        temperature=temperature,
        method="structure",
        error_kind="grid of other spacing",
        tolerance=_TOLERANCE,
    )


def _sample(
    space: Subspace, reduced: _Reduced, chosen: Tensor, quanta: Tensor, temperature: float
) -> WeightedNodes:
    """Nodes of the grid by their weight, with evenly spread draws of the oscillators."""
    m = space.complement.shape[1]
    # Scrambled: the plain points favour some octants, by 40 % in (y₁y₂y₃)².
    points = Sobol(m + 1, rng=np.random.default_rng(0)).random(_N_NODES)
    uniform = torch.from_numpy(points).to(quanta.device)
    index = torch.searchsorted(reduced.weights.cumsum(dim=0), uniform[:, 0].contiguous())
    index = index.clamp(max=len(reduced.weights) - 1)
    y = torch.special.ndtri(uniform[:, 1:])
    inside = reduced.nodes[index] @ space.parallel.T
    return WeightedNodes(
        nodes=inside + math.sqrt(temperature) * y @ space.complement.T,
        weights=y.new_full((_N_NODES,), 1 / _N_NODES),
        modes=reduced.on_nodes[index][:, chosen] * _hermite(y, quanta),
    )


def _hermite(y: Tensor, quanta: Tensor) -> Tensor:
    """Products of normalised probabilists' Hermite polynomials, (B, m) and (K, m) to (B, K)."""
    highest = int(quanta.max()) if quanta.numel() else 0
    values = [torch.ones_like(y), y]
    for n in range(1, highest):
        # √(n+1) h_{n+1} = y h_n − √n h_{n−1}
        values.append((y * values[n] - math.sqrt(n) * values[n - 1]) / math.sqrt(n + 1))
    table = torch.stack(values, dim=2)  # (B, m, degree)
    axes = torch.arange(y.shape[1], device=y.device)
    return table[:, axes, quanta].prod(dim=2)
