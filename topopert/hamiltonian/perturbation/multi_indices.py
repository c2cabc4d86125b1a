"""Multi-indices in the order of their degree, and where the neighbours of each stand."""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

__all__ = ["MultiIndices", "n_multi_indices"]


def n_multi_indices(latent_dim: int, degree: int) -> int:
    """How many multi-indices have at most a degree: C(degree + d, d), and 0 below degree 0."""
    return comb(degree + latent_dim, latent_dim) if degree >= 0 else 0


class MultiIndices:
    """All b in ℕᵈ with ∣b∣ = b₁ + … + b_d ≤ degree, ascending in ∣b∣.

    Within a degree they ascend in b₂ + … + b_d, then in b₃ + … + b_d and so on, so that the place
    of an index is a sum of binomial coefficients.

    Args:
        latent_dim: d.
        degree: The highest degree.
    """

    def __init__(self, latent_dim: int, degree: int) -> None:
        self.latent_dim, self.degree = latent_dim, degree
        # _binomials[k, s]: how many indices of k axes have a degree below s.
        self._binomials = np.array(
            [
                [comb(s - 1 + k, k) if s else 0 for s in range(degree + 2)]
                for k in range(1 + latent_dim)
            ]
        )
        shells = [np.zeros((1, latent_dim), dtype=np.int64)]
        for _ in range(degree):
            shells.append(self._next_shell(shells[-1]))
        self.values: NDArray[np.int64] = np.concatenate(shells)  # (n, d)
        self.degrees: NDArray[np.int64] = self.values.sum(axis=1)  # (n,)
        self._raised: dict[int, NDArray[np.int64]] = {}
        self._lowered: dict[int, NDArray[np.int64]] = {}

    def __len__(self) -> int:
        return len(self.values)

    def up_to(self, degree: int) -> int:
        """How many indices have at most that degree: they stand first."""
        return n_multi_indices(self.latent_dim, degree)

    def places(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where indices stand, shape (n,); their degrees are at most one above the highest."""
        tails = values[:, ::-1].cumsum(axis=1)[:, ::-1]  # bₖ + … + b_d, (n, d)
        axes = np.arange(self.latent_dim, 0, -1)
        return self._binomials[axes, tails].sum(axis=1)

    def raised(self, axis: int, n: int) -> NDArray[np.int64]:
        """Where b + e stands for the first n indices, e the unit of the axis."""
        if axis not in self._raised:
            values = self.values.copy()
            values[:, axis] += 1
            self._raised[axis] = self.places(values)
        return self._raised[axis][:n]

    def lowered(self, axis: int, n: int) -> NDArray[np.int64]:
        """Where b − e stands for the first n indices; 0 stands where there is none."""
        if axis not in self._lowered:
            places = np.zeros(len(self), dtype=np.int64)
            # Raising is one to one, so its inverse is filled in from it.
            n_below = self.up_to(self.degree - 1)
            places[self.raised(axis, n_below)] = np.arange(n_below)
            self._lowered[axis] = places
        return self._lowered[axis][:n]

    def _next_shell(self, shell: NDArray[np.int64]) -> NDArray[np.int64]:
        """Each index of the next degree once: a unit is added at or behind its last entry."""
        axes = np.arange(1, self.latent_dim + 1)
        last = np.maximum(((shell > 0) * axes).max(axis=1) - 1, 0)
        parts = []
        for axis in range(self.latent_dim):
            part = shell[last <= axis].copy()
            part[:, axis] += 1
            parts.append(part)
        following = np.concatenate(parts)
        return following[np.argsort(self.places(following))]
