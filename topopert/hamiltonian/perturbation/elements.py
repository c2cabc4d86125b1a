"""Matrix elements between Hermite functions: of V, of W₁ and of the slopes that make up W₂."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .multi_indices import MultiIndices, n_multi_indices

__all__ = ["HermiteElements"]

Array = NDArray[np.float64]


class HermiteElements:
    """V_ab = E₀[h_a h_b λV] for the a of the lowest H₀-levels and all b that they couple to.

    With aₖ lowering the k-th axis, aₖh_b = √bₖ h_{b−eₖ}, as ∂ₖ does, the operators of H are
    W₁ = ½(nV + Vn) − Σₖ aₖ†Vaₖ, n = Σₖ aₖ†aₖ the degree, and ∂ₖV = Vaₖ† − aₖ†V.

    Args:
        coefficients: E₀[h_c λV] for all multi-indices up to max_degree + max_level, (n,).
        indices: At least those multi-indices.
        max_level: The highest n whose states h_a, ∣a∣ = n, are wanted as rows.
        max_degree: The highest degree ∣b∣ of the columns that are wanted.
    """

    def __init__(
        self, coefficients: Array, indices: MultiIndices, *, max_level: int, max_degree: int
    ) -> None:
        self.indices, self.max_degree = indices, max_degree
        n_columns = indices.up_to(max_degree + max_level)
        self._rows = np.zeros((indices.up_to(max_level), n_columns))
        self._rows[0] = coefficients[:n_columns]
        roots = np.sqrt(np.arange(max_degree + max_level + 2))
        # zₖ h_a h_b by Hermite's recurrence in a and in b: each row from two of lower degree.
        n_known = indices.up_to(max_degree + max_level - 1)
        up = [indices.raised(axis, n_known) for axis in range(indices.latent_dim)]
        down = [indices.lowered(axis, n_known) for axis in range(indices.latent_dim)]
        for place in range(1, len(self._rows)):
            index = indices.values[place]
            axis = int(np.argmax(index > 0))
            below = self._place(index, axis, 1)
            # A row of degree n is known for columns of degree max_degree + max_level − n.
            n = indices.up_to(max_degree + max_level - int(index.sum()))
            own = indices.values[:n, axis]
            previous = self._rows[below]
            row = roots[own + 1] * previous[up[axis][:n]] + roots[own] * previous[down[axis][:n]]
            if index[axis] > 1:
                row -= roots[index[axis] - 1] * self._rows[self._place(index, axis, 2), :n]
            self._rows[place, :n] = row / roots[index[axis]]

    @property
    def mean(self) -> float:
        """E₀[λV]."""
        return float(self._rows[0, 0])

    def potential(self, level: int) -> Array:
        """V between the states of an H₀-level and all others, shape (g, n)."""
        return self._rows[self._shell(level), : self.indices.up_to(self.max_degree)]

    def first_order(self, level: int) -> Array:
        """W₁ between the states of an H₀-level and all others, shape (g, n)."""
        potential = self.potential(level)
        n = potential.shape[1]
        result = 0.5 * (level + self.indices.degrees[:n]) * potential
        for axis in range(self.indices.latent_dim):
            result -= self._lowered_twice(level, axis, n)
        return result

    def slope(self, level: int, axis: int) -> Array:
        """∂ₖV between the states of an H₀-level and those below the highest degree, (g, n')."""
        n = self.indices.up_to(self.max_degree - 1)
        shell = self._shell(level)
        own = self.indices.values[shell, axis]
        columns = np.sqrt(self.indices.values[:n, axis] + 1.0)
        result = columns * self._rows[shell][:, self.indices.raised(axis, n)]
        for k in np.flatnonzero(own):
            below = self._place(self.indices.values[shell][k], axis, 1)
            result[k] -= np.sqrt(own[k]) * self._rows[below, :n]
        return result

    def _lowered_twice(self, level: int, axis: int, n: int) -> Array:
        """√(aₖbₖ) V_{a−eₖ, b−eₖ} for the states a of a level and the first n indices b."""
        shell = self._shell(level)
        columns = np.sqrt(self.indices.values[:n, axis])
        down = self.indices.lowered(axis, n)
        result = np.zeros((shell.stop - shell.start, n))
        for k, index in enumerate(self.indices.values[shell]):
            if index[axis]:
                row = self._rows[self._place(index, axis, 1)]
                result[k] = np.sqrt(index[axis]) * columns * row[down]
        return result

    def _shell(self, level: int) -> slice:
        d = self.indices.latent_dim
        return slice(n_multi_indices(d, level - 1), n_multi_indices(d, level))

    def _place(self, index: NDArray[np.int64], axis: int, steps: int) -> int:
        lower = index.copy()
        lower[axis] -= steps
        return int(self.indices.places(lower[None])[0])
