"""Layouts of the landmarks in R^d that compete to carry the data's topology."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.spatial.distance import pdist

from .embedding_dim import torus_groups
from .wedge import component_gaps, wedge_in_a_plane, wedge_of_pages

__all__ = ["circle_layouts", "geodesic_layout", "pca_layout"]

# Trials for the angle at which the tube of a torus points outwards, and its least R/r.
_TUBE_PHASES = tuple(2 * np.pi * np.arange(24) / 24)
_LEAST_ASPECT = 1.25


def pca_layout(
    landmarks: NDArray[np.floating], mass: NDArray[np.float64], latent_dim: int
) -> NDArray[np.float64]:
    """The landmarks on their first principal axes, each weighted by the points it stands for.

    Args:
        landmarks: Shape (n, D).
        mass: Weights, shape (n,).
        latent_dim: Number of axes d, at most D.

    Returns:
        Coordinates, shape (n, d), in units of the data.
    """
    weight = mass / mass.sum()
    centred = landmarks - weight @ landmarks
    _, _, axes = np.linalg.svd(np.sqrt(weight)[:, None] * centred, full_matrices=False)
    return _fix_signs(_with_axes(centred @ axes[:latent_dim].T, latent_dim), weight)


def geodesic_layout(
    dist: NDArray[np.float64], mass: NDArray[np.float64], latent_dim: int
) -> NDArray[np.float64]:
    """Classical scaling of geodesic distances, each landmark weighted by the points it stands for.

    Args:
        dist: Geodesic distances, shape (n, n).
        mass: Weights, shape (n,).
        latent_dim: Number of axes d.

    Returns:
        Coordinates, shape (n, d), in units of the distances; an axis without variance is 0.

    References:
        Tenenbaum, de Silva, Langford, A global geometric framework for nonlinear dimensionality
        reduction (2000).
    """
    weight = mass / mass.sum()
    sq_dist = dist**2
    mean = sq_dist @ weight
    inner = -0.5 * (sq_dist - mean[:, None] - mean + weight @ mean)
    root = np.sqrt(weight)
    n = len(dist)
    eigenvalues, vectors = eigh(
        root[:, None] * inner * root, subset_by_index=(max(0, n - latent_dim), n - 1)
    )
    coordinates = vectors[:, ::-1] / root[:, None] * np.sqrt(eigenvalues[::-1].clip(min=0))
    return _fix_signs(_with_axes(coordinates, latent_dim), weight)


def circle_layouts(
    angles: NDArray[np.float64],
    deaths: NDArray[np.float64],
    dist: NDArray[np.float64],
    graph: nx.Graph,
    geodesic: NDArray[np.float64],
    mass: NDArray[np.float64],
    latent_dim: int,
) -> list[NDArray[np.float64]]:
    """All layouts that turn circular coordinates into circles of radius death/√3 in R^d.

    Where 2k ≤ d the k circles stand in orthogonal planes. Two classes that fill a torus lie around
    its tube and its axis where d = 3. Classes that do not are laid side by side in a plane, as
    pages of a book where d ≥ 3 and a plane is too crowded. What the circles leave of the geodesics
    fills the axes that are left.

    Args:
        angles: Circular coordinates, shape (n, k), k ≥ 1.
        deaths: Deaths of the k classes; a Rips circle of radius R dies at √3 R.
        dist: Distances of the landmarks, shape (n, n).
        graph: Connected landmark graph, edge attributes ``length`` and ``bridge``.
        geodesic: Its geodesic distances, shape (n, n).
        mass: Weights, shape (n,).
        latent_dim: Number of axes d.

    Returns:
        Coordinates, each of shape (n, d); empty where the circles do not fit.
    """
    n_classes = angles.shape[1]
    radii = deaths / np.sqrt(3)
    layouts = []
    if 2 * n_classes <= latent_dim:
        plane = [radii * np.cos(angles), radii * np.sin(angles)]
        layouts.append(np.stack(plane, axis=2).reshape(len(angles), -1))  # (n, 2k)
    side_by_side = max(map(len, torus_groups(angles))) == 1
    if n_classes == 2 and latent_dim == 3 and not side_by_side:
        layouts.append(_torus_of_revolution(angles, radii, dist))
    gaps = component_gaps(graph)
    if side_by_side and latent_dim >= 2 and n_classes + len(gaps) >= 2:
        guide = geodesic_layout(geodesic, mass, 2)
        layouts.append(wedge_in_a_plane(angles, radii, gaps, guide, mass))
        if latent_dim >= 3 and n_classes >= 3:
            guide = geodesic_layout(geodesic, mass, latent_dim - 1)
            layouts.append(wedge_of_pages(angles, radii, gaps, guide, mass))
    return [
        np.hstack([layout, _residual_axes(angles, geodesic, mass, latent_dim - layout.shape[1])])
        if layout.shape[1] < latent_dim
        else layout
        for layout in layouts
    ]


def _torus_of_revolution(
    angles: NDArray[np.float64], radii: NDArray[np.float64], dist: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The torus of revolution with the classes' radii that fits the distances best, shape (n, 3).

    What the diagrams leave open is tried: which class runs around the axis, and at which angle the
    tube points outwards.
    """
    upper = np.triu_indices(len(dist), k=1)
    target = dist[upper]
    best, best_stress = np.empty(0), np.inf
    for axis, tube in ((0, 1), (1, 0)):
        small = radii[tube]
        large = max(radii[axis], _LEAST_ASPECT * small)  # R = r would pinch it at its axis
        for phase in _TUBE_PHASES:
            layout = _on_torus(angles[:, axis], angles[:, tube] - phase, large, small)
            made = pdist(layout)
            # Only shape counts: the best common factor is taken out.
            stress = 1 - (made @ target) ** 2 / ((made @ made) * (target @ target))
            if stress < best_stress:
                best, best_stress = layout, stress
    return best


def _on_torus(
    around: NDArray[np.float64], tube: NDArray[np.float64], large: float, small: float
) -> NDArray[np.float64]:
    distance = large + small * np.cos(tube)
    return np.stack(
        [distance * np.cos(around), distance * np.sin(around), small * np.sin(tube)], axis=1
    )


def _residual_axes(
    angles: NDArray[np.float64],
    geodesic: NDArray[np.float64],
    mass: NDArray[np.float64],
    n_axes: int,
) -> NDArray[np.float64]:
    """Principal axes of what trigonometric functions of the angles leave of the geodesics."""
    weight = mass / mass.sum()
    full = geodesic_layout(geodesic, mass, min(len(geodesic), 10 + n_axes))
    harmonics = np.hstack(
        [np.ones((len(angles), 1))]
        + [trig(order * angles) for order, trig in itertools.product((1, 2, 3), (np.cos, np.sin))]
    )
    root = np.sqrt(weight)[:, None]
    coefficients, *_ = np.linalg.lstsq(root * harmonics, root * full, rcond=None)
    return pca_layout(full - harmonics @ coefficients, mass, n_axes)


def _with_axes(coordinates: NDArray[np.float64], latent_dim: int) -> NDArray[np.float64]:
    """The coordinates with axes of 0 added where there are fewer landmarks than axes."""
    return np.pad(coordinates, ((0, 0), (0, latent_dim - coordinates.shape[1])))


def _fix_signs(
    coordinates: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    # An eigenvector's sign is arbitrary; a positive third moment does not depend on row order.
    sign = np.where(weight @ coordinates**3 < 0, -1.0, 1.0)
    return coordinates * sign
