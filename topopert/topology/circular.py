"""Circular coordinates: from cocycles of H1 to angles on the landmarks."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.linalg import cg

from topopert.backends import RipsPersistence
from topopert.errors import BackendError

from .cocycles import integer_lift
from .components import minimum_spanning_tree
from .lattice import reduced_basis

__all__ = ["circular_coordinates"]

logger = logging.getLogger(__name__)

# On a trefoil the coordinate agrees with the true parameter to .98 (mean resultant length) at 30 %
# of the class's life and only to .31 at 90 %, where chords cut across.
_INTO_LIFE = 0.3
# Classes are smoothed together, at 30 % of their common life, if that is no later in any own life.
_EARLY = 0.5
_LEAST_WEIGHT = 1e-3  # the longest edges still count


def circular_coordinates(
    dist: NDArray[np.float64],
    persistence: RipsPersistence,
    classes: list[int],
    mass: NDArray[np.float64],
) -> NDArray[np.float64] | None:
    """Circular coordinates of chosen H1 classes on the landmarks.

    Classes that live at a common scale are smoothed there together and lattice-reduced, so that a
    torus gives its two simplest circles and not sums of them. Orientation and origin are fixed by
    the angles' own distribution: they do not depend on the order of the points.

    Args:
        dist: Distances of the landmarks, shape (n, n).
        persistence: Diagrams and cocycles of the same landmarks.
        classes: Indices of the classes in the H1 diagram.
        mass: Number of data points that each landmark stands for, shape (n,).

    Returns:
        Angles in [0, 2π), one column per class, shape (n, k), or None if a class has no lift to
        the integers mod this prime; try another.

    References:
        de Silva, Morozov, Vejdemo-Johansson, Persistent cohomology and circular coordinates
        (2011).
        Perea, Sparse circular coordinates via principal Z-bundles (2020).
    """
    n = len(dist)
    angles = np.zeros((n, len(classes)))
    if not classes:
        return angles
    pairs = persistence.diagrams[1].pairs
    for group in _groups_by_life(pairs, classes):
        births, deaths = pairs[[classes[g] for g in group]].T
        low, high = births.max(), deaths.min()
        scale = low + _INTO_LIFE * (high - low)
        edges = dist <= scale
        np.fill_diagonal(edges, val=False)
        lifts = []
        for g in group:
            lift = integer_lift(persistence.cocycles[classes[g]], edges, prime=persistence.prime)
            if lift is None:
                logger.info(
                    "the H1 class of bar %d has no integer lift mod %d",
                    classes[g],
                    persistence.prime,
                )
                return None
            lifts.append(lift)
        weights = _with_bridges(_edge_weights(dist, edges, scale), dist, scale)
        angles[:, group] = _smoothed_angles(weights, lifts)
    return _orient(angles, mass / mass.sum())


def _groups_by_life(pairs: NDArray[np.float64], classes: list[int]) -> list[list[int]]:
    """Positions in `classes`, grouped where one scale lies early in the lives of all."""
    groups: list[list[int]] = []
    for position in sorted(range(len(classes)), key=lambda p: -pairs[classes[p], 1]):
        for group in groups:
            births, deaths = pairs[[classes[p] for p in (*group, position)]].T
            common = births.max() + _INTO_LIFE * (deaths.min() - births.max())
            if np.all(births <= common) and np.all(common <= births + _EARLY * (deaths - births)):
                group.append(position)
                break
        else:
            groups.append([position])
    return groups


def _edge_weights(
    dist: NDArray[np.float64], edges: NDArray[np.bool_], scale: float
) -> NDArray[np.float64]:
    """Weights of the edges under which smoothing does not see the landmarks' density, (n, n).

    The kernel 1 − (d/scale)² divided by the kernel density at both ends, as in diffusion maps.
    With equal weights the angle runs slow where landmarks are dense: the mean resultant length
    with the true angle was .986 on a noisy circle, .984 on a trefoil and .982 on a torus, and is
    .998, .998 and .997 with these.

    References:
        Coifman, Lafon, Diffusion maps (2006), section 3, α = 1.
    """
    kernel = np.where(edges, 1 - (dist / scale) ** 2 + _LEAST_WEIGHT, 0.0)
    density = kernel.sum(axis=1)
    density[density == 0] = 1.0  # a landmark without edges
    return kernel / np.outer(density, density)


def _with_bridges(
    weights: NDArray[np.float64], dist: NDArray[np.float64], scale: float
) -> NDArray[np.float64]:
    """The weights and some for the spanning tree's edges beyond the scale, shape (n, n).

    The complex falls apart without them, and an angle would be arbitrary away from its loop. They
    carry no flow, so their weight does not matter: beyond a bridge an angle stays what it is at
    the bridge's end.
    """
    tree = minimum_spanning_tree(dist)
    ends = [(i, j) for i, j, length in tree.edges(data="length") if length > scale]
    i, j = np.array(ends, dtype=np.intp).reshape(-1, 2).T
    joined = weights.copy()
    joined[i, j] = joined[j, i] = weights.max()
    return joined


def _smoothed_angles(
    weights: NDArray[np.float64], cocycles: list[NDArray[np.int32]]
) -> NDArray[np.float64]:
    """Angles of the harmonic representatives of a reduced basis, shape (n, number of cocycles).

    Each is the cocycle α less the coboundary δf, (δf)(i, j) = f(j) − f(i), that leaves it least:
    weighted least squares, solved through its normal equations, with the graph's Laplacian.

    Args:
        weights: Symmetric weights of the edges of a connected graph, shape (n, n).
        cocycles: Antisymmetric integer values on the edges, each of shape (n, n).
    """
    n = len(weights)
    rows, cols = np.nonzero(weights)
    weight = weights[rows, cols]
    adjacency: csr_array = coo_array((weight, (rows, cols)), shape=(n, n)).tocsr()
    degree = weights.sum(axis=1)
    laplacian = diags_array(degree) - adjacency
    potentials, harmonics = [], []
    for cocycle in cocycles:
        alpha = cocycle[rows, cols]
        divergence = np.bincount(rows, weights=weight * alpha, minlength=n)
        solution, stop = cg(
            laplacian, -divergence, rtol=1e-12, maxiter=20 * n, M=diags_array(1 / degree)
        )
        if stop != 0:
            msg = f"Smoothing a cocycle on {n} landmarks did not converge."
            raise BackendError(msg)
        potentials.append(solution)
        harmonics.append(np.sqrt(weight) * (alpha - solution[cols] + solution[rows]))
    harmonic = np.array(harmonics)
    basis = reduced_basis(harmonic @ harmonic.T)
    # α = η + δf is integer, so θ = −2πf mod 2π has dθ = 2πη along every edge.
    return np.asarray(-2 * np.pi * (basis @ np.array(potentials)).T, dtype=np.float64)


def _orient(angles: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles mod 2π with an origin and an orientation that only the data's distribution decides.

    Landmarks weighted by their points: another choice of landmarks then changes little.
    """
    for k in range(angles.shape[1]):
        phasor = np.exp(1j * angles[:, k])
        # The origin sits opposite the mean direction.
        phasor *= -np.exp(-1j * np.angle(weight @ phasor))
        # Reflection flips the sign of the odd moment; keep it positive.
        if np.imag(weight @ phasor**2) < 0:
            phasor = phasor.conj()
        angles[:, k] = np.angle(phasor)
    wrapped = np.mod(angles, 2 * np.pi)
    return np.where(wrapped >= 2 * np.pi, 0.0, wrapped)  # −1e-17 mod 2π rounds up to 2π
