"""What becomes of each level of H₀: its levels in H_λ, their errors, slopes and modes."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from topopert.errors import InvalidInputError
from topopert.hamiltonian.spectra.degeneracy import degeneracies, level_groups
from topopert.hamiltonian.surfaces import TiltedSurface

from .coefficients import Coefficients, hermite_coefficients, max_quadrature_degree
from .effective import EffectiveHamiltonian, effective_hamiltonian, mode_mixing
from .elements import HermiteElements
from .multi_indices import MultiIndices, n_multi_indices

__all__ = ["TOLERANCE", "Shells", "solve_shells"]

Array = NDArray[np.float64]

# Levels closer than this, relative, count as one.
TOLERANCE = 1e-6
# Matrix elements that are worth their time, and that fit: 8 and 128 MB, some six times that while
# they are put together.
_WANTED_ELEMENTS, _MAX_ELEMENTS = 1 << 20, 1 << 24
# The recurrence in n that makes elements loses digits: of narrow wells 6 are left at 12.
_MAX_LEVEL = 12
_MAX_DEGREE = {1: 160, 2: 96, 3: 48}
_MAX_DEGREE_BEYOND = 40
# A level of H₀ is looked at too if its lowest first-order level comes so near to those wanted.
_MARGIN = 0.25
# At a kink a quadrature errs like 1/nodes: 2.5 times the difference to one with 1/1.4 of them.
_LEFT_BY_NODES = 3.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shells:
    """The lowest levels, ascending, and what belongs to each."""

    levels: Array  # (n_levels,)
    degeneracies: NDArray[np.int64]  # (n_levels,)
    errors: Array  # estimated, absolute, (n_levels,)
    activation: Array  # d log E/d log T at T = 1, NaN for the ground level, (n_levels,)
    modes: Array  # in Hermite functions, (n_levels, n)
    first_order: float  # the norm of what is of first order in a mode, the largest
    spread: float  # standard deviation of λV under the prior, nats
    indices: NDArray[np.int64]  # of those functions, (n, d)


def solve_shells(surface: TiltedSurface, n_levels: int, order: int) -> Shells:
    """The lowest n_levels of H to an order, each level of H₀ diagonalised by itself.

    Raises:
        InvalidInputError: If the elements need too much memory or do not exist.
    """
    d, max_level = surface.latent_dim, 0
    while n_multi_indices(d, max_level) < n_levels:
        max_level += 1
    while True:
        degree = _highest_degree(surface, max_level, n_levels)
        indices = MultiIndices(d, degree + max_level + 2)
        coefficients = hermite_coefficients(surface, indices)
        if not _next_one_reaches(coefficients.values, indices, max_level, n_levels):
            break
        max_level += 1
    solver = _Solver(coefficients, indices, max_level=max_level, degree=degree, order=order)
    shells = [solver.ground(), *(solver.shell(level) for level in range(1, max_level + 1))]
    levels = np.concatenate([shell.levels for shell in shells])
    order_of_levels = np.argsort(levels, kind="stable")
    # Errors are left out: they are the series', while a symmetry's degeneracy holds in each order.
    groups = level_groups(levels[order_of_levels], np.zeros(len(levels)), TOLERANCE)
    lowest = order_of_levels[:n_levels]
    return Shells(
        levels=levels[lowest],
        degeneracies=degeneracies(groups)[:n_levels],
        errors=np.concatenate([shell.errors for shell in shells])[lowest],
        activation=np.concatenate([shell.activation for shell in shells])[lowest],
        modes=np.concatenate([shell.modes for shell in shells])[lowest],
        first_order=max(shell.first_order for shell in shells),
        spread=solver.spread,
        indices=shells[0].indices,
    )


class _Solver:
    """The shells of one set of coefficients."""

    def __init__(
        self,
        coefficients: Coefficients,
        indices: MultiIndices,
        *,
        max_level: int,
        degree: int,
        order: int,
    ) -> None:
        self.order, self.indices = order, indices
        self.size = {"max_level": max_level, "max_degree": degree}
        own = coefficients.values
        self.spread = float(np.linalg.norm(own[1:]))
        self.slope_energy = 0.25 * float(indices.degrees @ own**2)  # E₀[W₂] = ¼E₀∣∇V∣²
        self.elements = self._elements(own)
        coarse = coefficients.coarse
        self.coarse = None if coarse is None else self._elements(coarse)
        slope = _temperature_slope(own, indices)
        # To second order H is quadratic in V, so half this difference is the exact derivative.
        self.warmer, self.colder = self._elements(own + slope), self._elements(own - slope)

    def ground(self) -> Shells:
        """The level 0 with its mode 1, exact to all orders."""
        values = self.indices.values[: self.indices.up_to(self.elements.max_degree)]
        mode = np.zeros((1, len(values)))
        mode[0, 0] = 1.0
        return Shells(
            levels=np.zeros(1),
            degeneracies=np.ones(1, dtype=np.int64),
            errors=np.zeros(1),
            activation=np.full(1, np.nan),
            modes=mode,
            first_order=0.0,
            spread=self.spread,
            indices=values,
        )

    def shell(self, level: int) -> Shells:
        """All that comes of a level n ≥ 1 of H₀."""
        effective = effective_hamiltonian(self.elements, level)
        levels, vectors = np.linalg.eigh(effective.matrix(self.order))
        errors = np.full(len(levels), self._series_error(effective))
        if self.coarse is not None:
            other = effective_hamiltonian(self.coarse, level).matrix(self.order)
            errors += _LEFT_BY_NODES * np.abs(np.linalg.eigvalsh(other) - levels)
        warmer, colder = (
            effective_hamiltonian(elements, level).matrix(self.order)
            for elements in (self.warmer, self.colder)
        )
        slopes = np.einsum("ak,ab,bk->k", vectors, 0.5 * (warmer - colder), vectors)
        mixing = mode_mixing(self.elements, level)
        changed = mixing.copy()
        start = self.indices.up_to(level - 1)
        changed[:, start : start + len(levels)] -= np.eye(len(levels))
        return Shells(
            levels=levels,
            degeneracies=np.ones(len(levels), dtype=np.int64),  # counted once all are known
            errors=errors,
            activation=slopes / levels,
            modes=vectors.T @ mixing,
            first_order=float(np.linalg.norm(changed, 2)),
            spread=self.spread,
            indices=self.indices.values[: mixing.shape[1]],
        )

    def _series_error(self, effective: EffectiveHamiltonian) -> float:
        """How large what was left out may be: of the series, and of the second order's degrees.

        The second order is a difference, which may be small by accident; the third is sized by
        one of its parts too. On random landscapes it was 0.3 times this, at most 1.1 times.
        """
        second = float(np.linalg.norm(effective.second, 2))
        third = (second + self.slope_energy) * self.spread
        series = third if self.order == 2 else second + third
        return series + effective.truncation

    def _elements(self, values: Array) -> HermiteElements:
        return HermiteElements(values, self.indices, **self.size)


def _temperature_slope(values: Array, indices: MultiIndices) -> Array:
    """The coefficients of d/dT of V(√T z)/T at T = 1, which is −V + ½ z·∇V; (n') of them.

    H of U/T is, in units of its own prior's width, H₀ with this potential. In Hermite functions
    zₖ∂ₖ is (aₖ + aₖ†)aₖ.
    """
    n = indices.up_to(indices.degree - 2)
    stretched = indices.degrees[:n] * values[:n]
    for axis in range(indices.latent_dim):
        own = indices.values[:n, axis]
        twice = indices.raised(axis, indices.up_to(indices.degree - 1))
        stretched = stretched + np.sqrt((own + 1.0) * (own + 2.0)) * values[twice[twice[:n]]]
    slope = np.zeros_like(values)
    slope[:n] = 0.5 * stretched - values[:n]
    return slope


def _highest_degree(surface: TiltedSurface, max_level: int, n_levels: int) -> int:
    """The highest degree of intermediate states that memory and quadrature allow."""
    d = surface.latent_dim
    most = _MAX_DEGREE.get(d, _MAX_DEGREE_BEYOND)
    by_quadrature = max_quadrature_degree(surface)
    if by_quadrature is not None:
        most = min(most, by_quadrature - max_level - 2)
    degree = max_level + 1
    if max_level > _MAX_LEVEL:
        msg = (
            f"`n_levels` is {n_levels}, of which some come from level {max_level} of H₀; beyond "
            f"{_MAX_LEVEL} rounding spoils them. Ask for n_levels <= "
            f"{n_multi_indices(d, _MAX_LEVEL)}, or topopert.spectrum."
        )
        raise InvalidInputError(msg)
    if degree > most or _n_elements(d, max_level, degree) > _MAX_ELEMENTS:
        msg = (
            f"`n_levels` is {n_levels} with latent_dim={d}: states of degree {max_level} have too "
            f"many matrix elements. Ask for n_levels <= {n_multi_indices(d, max_level - 1)}; how "
            "level 1 splits to first order, `splitting_matrix` says in any dimension."
        )
        raise InvalidInputError(msg)
    while degree < most and _n_elements(d, max_level, degree + 1) <= _WANTED_ELEMENTS:
        degree += 1
    return degree


def _n_elements(latent_dim: int, max_level: int, degree: int) -> int:
    """The size of the largest table: of elements, or of multi-indices, which go two further."""
    elements = n_multi_indices(latent_dim, max_level) * n_multi_indices(
        latent_dim, degree + max_level
    )
    return max(elements, latent_dim * n_multi_indices(latent_dim, degree + max_level + 2) // 8)


def _next_one_reaches(values: Array, indices: MultiIndices, max_level: int, n_levels: int) -> bool:
    """Whether the next level of H₀ comes down, in first order, to the levels that are wanted."""
    following = max_level + 1
    if _n_elements(indices.latent_dim, following, following) > _MAX_ELEMENTS:
        return False
    elements = HermiteElements(values, indices, max_level=following, max_degree=following)
    shells = []
    for level in range(following + 1):
        shell = slice(indices.up_to(level - 1), indices.up_to(level))
        shells.append(level + np.linalg.eigvalsh(elements.first_order(level)[:, shell]))
    wanted = np.sort(np.concatenate(shells[:-1]))[n_levels - 1]
    return float(shells[-1].min(initial=inf)) < wanted + _MARGIN
