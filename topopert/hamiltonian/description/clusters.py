"""Clusters from the small levels of a spectrum: how many, and which code belongs to which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

__all__ = [
    "BARRIER_ACTIVATION",
    "Clusters",
    "LocalModes",
    "closure_defect",
    "count_small_levels",
    "find_clusters",
    "local_modes",
]

# No harmonic well has neighbouring levels further apart than 2, no segment or ring than 4: a
# larger ratio is a gap. Two equal clusters reach 4 at 3.0 sd in one dimension (5.6 at 3.5 sd).
_GAP = 4.0
# The activation energy of clusters 3.5 sd apart, in units of T: .92 for three, 1.02 for two.
_LEAST_ACTIVATION = 0.9
# With five clusters in a ring the gap is 4.5 at 4 sd, in a chain 3.8, with eight 3.5, while all
# activation energies (1.34 to 1.61 T) are beyond free diffusion's 1.1.
_SMALLER_GAP = 3.0
BARRIER_ACTIVATION = 1.25
# Share of the products of modes that leaves their span: 0 for indicators of clusters, ≤ .20 for
# 2 to 8 clusters at 3.5 sd; 1/3 for a segment's first mode, 3/7 for a ring's, .6 harmonic.
_CLOSURE = 0.25


_TINY = np.finfo(np.float64).tiny
# Corners of the simplex are sought among the nodes that hold all but so much of the density:
# further out modes are divided by next to nothing.
_CORNER_TAIL = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clusters:
    """The clusters of a surface, largest first, and what was left out of them."""

    n_small: int  # levels above 0 and below the gap: one less than clusters and outliers
    masses: NDArray[np.float64]  # share of the density, (n_clusters,)
    matrix: NDArray[np.float64]  # memberships from all modes, (n_levels, n_clusters)
    outliers: NDArray[np.float64]  # likewise of what is too small to count, (n_levels, n_out)
    outlier_masses: NDArray[np.float64]  # (n_out,)

    def assigned(self, modes: NDArray[np.float64]) -> NDArray[np.int64]:
        """The cluster with the greatest share at each node, n_clusters and up for outliers."""
        return (modes @ np.hstack([self.matrix, self.outliers])).argmax(axis=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocalModes:
    """The modes that live in one cluster, as combinations of those of the whole."""

    levels: NDArray[np.float64]  # ascending, the first near 0, (m,)
    coefficients: NDArray[np.float64]  # in the modes of the whole, (n_levels, m)


def closure_defect(modes: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """How far modes are from being combinations of indicators, in [0, 1].

    Functions span the indicators of as many sets iff products of two of them stay in the span:
    the defect is the share of Σ ∣fᵢfⱼ∣², 1 ≤ i ≤ j, that lies outside.

    Args:
        modes: f₀ … f_k at the nodes, orthonormal, (G, k + 1).
        weights: Of the nodes, (G,), sum 1.
    """
    k = modes.shape[1] - 1
    total = outside = 0.0
    for i in range(1, k + 1):
        products = modes[:, i : i + 1] * modes[:, i:]  # (G, k + 1 − i)
        norms = weights @ products**2
        inside = ((weights[:, None] * modes).T @ products) ** 2
        total += float(norms.sum())
        outside += float((norms - inside.sum(axis=0)).sum())
    return max(outside, 0.0) / total if total > 0 else 0.0


def count_small_levels(
    levels: NDArray[np.float64],
    activations: NDArray[np.float64],
    modes: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> int:
    """The number of levels above 0 and below the last gap that clusters explain.

    Args:
        levels: Ascending, level 0 included, (n,).
        activations: In units of T, (n,); +∞ where a level is too small to tell.
        modes: At the nodes, (G, n).
        weights: Of the nodes, (G,), sum 1.
    """
    for k in range(len(levels) - 1, 0, -1):
        # Above the highest level nothing is known: it takes barriers all the way up.
        gap = levels[k + 1] / max(levels[k], _TINY) if k + 1 < len(levels) else _SMALLER_GAP
        least = activations[1 : k + 1].min()
        wide = gap >= _GAP and least >= _LEAST_ACTIVATION
        high = gap >= _SMALLER_GAP and least >= BARRIER_ACTIVATION
        if (wide or high) and closure_defect(modes[:, : k + 1], weights) <= _CLOSURE:
            return k
    return 0


def find_clusters(
    levels: NDArray[np.float64],
    activations: NDArray[np.float64],
    modes: NDArray[np.float64],
    weights: NDArray[np.float64],
    least_mass: float,
) -> Clusters:
    """The clusters that the small levels make, with their memberships.

    Args:
        levels: As for `count_small_levels`.
        activations: As for `count_small_levels`.
        modes: As for `count_small_levels`.
        weights: As for `count_small_levels`.
        least_mass: A cluster with less of the density is an outlier.
    """
    k = count_small_levels(levels, activations, modes, weights)
    matrix = np.zeros((len(levels), k + 1))
    matrix[: k + 1] = _memberships(modes[:, : k + 1], weights)
    masses = weights @ (modes @ matrix)
    order = np.argsort(-masses)
    large = order[masses[order] >= least_mass]
    small = order[masses[order] < least_mass]
    return Clusters(
        n_small=k,
        masses=masses[large],
        matrix=matrix[:, large],
        outliers=matrix[:, small],
        outlier_masses=masses[small],
    )


def _memberships(modes: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix that turns k modes into the memberships of k clusters, (k, k).

    In the space of the modes each cluster is near one corner of a simplex. The corners are the
    nodes furthest from the span of those before; memberships are the barycentric coordinates.
    They sum to 1 and may leave [0, 1] by a little.

    Args:
        modes: f₀ … f_{k−1} at the nodes, (G, k).
        weights: Of the nodes, (G,), sum 1.

    References:
        Weber, Galliat, Characterization of transition states in conformational dynamics using
        fuzzy sets (2002).
    """
    heaviest = np.argsort(-weights)
    n_bulk = int(np.searchsorted(np.cumsum(weights[heaviest]), 1 - _CORNER_TAIL)) + 1
    places = modes[heaviest[:n_bulk]]
    corners = [int(np.argmax(np.linalg.norm(places[:, 1:], axis=1)))]
    away = places - places[corners[0]]
    for _ in range(modes.shape[1] - 1):
        norms = np.linalg.norm(away, axis=1)
        corners.append(int(np.argmax(norms)))
        direction = away[corners[-1]] / norms[corners[-1]]
        away = away - np.outer(away @ direction, direction)
    return linalg.inv(places[corners])


def local_modes(
    levels: NDArray[np.float64],
    modes: NDArray[np.float64],
    weights: NDArray[np.float64],
    inside: NDArray[np.bool_],
) -> LocalModes:
    """The modes of one cluster: combinations that have most of their norm inside.

    Modes of clusters with equal levels come mixed from the solver; the eigenvectors of the
    cluster's indicator in their span, of eigenvalue near 1, are unmixed.

    Args:
        levels: Of all modes, (n,).
        modes: At the nodes, (G, n).
        weights: Of the nodes, (G,).
        inside: The nodes of the cluster, (G,).
    """
    own = modes[inside]
    shares, vectors = linalg.eigh((weights[inside, None] * own).T @ own)
    living = vectors[:, shares > 0.5]
    local_levels, turn = linalg.eigh((living.T * levels) @ living)
    return LocalModes(levels=local_levels, coefficients=living @ turn)
