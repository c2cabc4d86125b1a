"""The effective Hamiltonian of a degenerate level of H₀, to second order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .elements import HermiteElements

__all__ = ["EffectiveHamiltonian", "effective_hamiltonian", "mode_mixing"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EffectiveHamiltonian:
    """n + first + second acts on the g states of level n; λ and λ² are included."""

    level: int
    first: Array  # P W₁ P, (g, g)
    second: Array  # (g, g)
    truncation: float  # estimated error of `second` by what lies beyond the highest degree

    def matrix(self, order: int) -> Array:
        """The effective Hamiltonian to an order, shape (g, g)."""
        total = self.level * np.eye(len(self.first)) + self.first
        return total + self.second if order == 2 else total


def effective_hamiltonian(elements: HermiteElements, level: int) -> EffectiveHamiltonian:
    """The operator n + P W₁ P + P W₂ P + Σ_{m≠n} P W₁ P_m W₁ P / (n − m).

    P projects on level n of H₀, W₂ is ¼∣∇V∣² and is cut off with W₁: states up to the highest
    degree N between the W₁ go with states up to N − 1 between the slopes. So H stays a sum of
    squares Dₖ†Dₖ, and its ground level 0.

    References:
        Kato, Perturbation Theory for Linear Operators, 2nd ed. (1976), section II.2.
    """
    indices, highest = elements.indices, elements.max_degree
    couplings = elements.first_order(level)  # (g, n)
    slopes = [elements.slope(level, axis) for axis in range(indices.latent_dim)]
    start, stop = indices.up_to(level - 1), indices.up_to(level)
    away = _distances(elements, level)

    def second(degree: int) -> Array:
        n, n_slope = indices.up_to(degree), indices.up_to(degree - 1)
        total = (couplings[:, :n] / away[:n]) @ couplings[:, :n].T
        for slope in slopes:
            total = total + 0.25 * slope[:, :n_slope] @ slope[:, :n_slope].T
        return 0.5 * (total + total.T)

    first = couplings[:, start:stop]
    full, half, quarter = (second(degree) for degree in (highest, highest // 2, highest // 4))
    return EffectiveHamiltonian(
        level=level,
        first=0.5 * (first + first.T),
        second=full,
        truncation=_tail(_norm(full - half), _norm(half - quarter)),
    )


def mode_mixing(elements: HermiteElements, level: int) -> Array:
    """The modes f = φ/√p_λ that the states h_a of a level become, in Hermite functions, (g, n).

    To first order φ is h_a + Σ_{∣b∣≠n} h_b ⟨b∣W₁∣a⟩/(n − ∣b∣) and √(p₀/p_λ) 1 + ½(V − V₀₀). Their
    product falls off faster in ∣b∣ than either, and for the ground state it is 1.
    """
    start, stop = elements.indices.up_to(level - 1), elements.indices.up_to(level)
    potential = elements.potential(level)
    mixing = elements.first_order(level) / _distances(elements, level) + 0.5 * potential
    mixing[:, start:stop] += (1 - 0.5 * elements.mean) * np.eye(stop - start)
    return mixing


def _distances(elements: HermiteElements, level: int) -> Array:
    """The distances n − ∣b∣, infinite within the level, which is no intermediate state, (n,)."""
    degrees = elements.indices.degrees[: elements.indices.up_to(elements.max_degree)]
    return np.where(degrees == level, np.inf, level - degrees.astype(np.float64))


def _tail(last: float, before: float) -> float:
    """What is still to come after two steps that each doubled the degree.

    A tail that falls like a power of the degree shrinks by the same factor with each doubling; a
    geometric one, of which this is an upper bound, by more.
    """
    ratio = min(last / before, 0.9) if before > 0 else 0.9
    return last * ratio / (1 - ratio)


def _norm(matrix: Array) -> float:
    return float(np.linalg.norm(matrix, 2))
