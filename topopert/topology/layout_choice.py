"""The competition of layouts: the one whose own diagrams are nearest to the data's wins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topopert.backends import gudhi_persistence, wasserstein_distance
from topopert.errors import InvalidInputError
from topopert.records import PersistenceDiagram

from .distances import pairwise_distances
from .features import LandmarkFeatures
from .graph import geodesic_distances
from .layouts import circle_layouts, geodesic_layout, pca_layout

__all__ = ["LAYOUTS", "LayoutChoice", "choose_layout"]

LAYOUTS = ("auto", "cohomology", "geodesic", "pca")
# Diagram distances that differ by less than this share are equal: on digits another draw of four
# fifths of the rows moved the difference between two layouts by .2 % (one standard deviation).
_RESOLUTION = 0.005


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayoutChoice:
    """The layout that won, and the diagram distances of all that were tried."""

    name: str
    values: NDArray[np.float64]  # (n, latent_dim), in units of the data
    distances: dict[str, float]  # by name, the smallest of each


def choose_layout(
    landmarks: NDArray[np.float64],
    dist: NDArray[np.float64],
    mass: NDArray[np.float64],
    found: LandmarkFeatures,
    *,
    latent_dim: int,
    layout: str,
) -> LayoutChoice:
    """The layout in R^d with the smallest diagram distance to the landmarks.

    Distances within .5 % of the smallest count as equal; then a layout by cohomology goes before
    the geodesic one, and that before principal components.

    Args:
        landmarks: Shape (n, D).
        dist: Their distances, shape (n, n).
        mass: Number of points that each stands for, shape (n,).
        found: Their topology.
        latent_dim: Dimension d.
        layout: One of `LAYOUTS`.

    Raises:
        InvalidInputError: If the layout asked for does not exist in that dimension.
    """
    wanted = LAYOUTS[1:] if layout == "auto" else (layout,)
    geodesic = geodesic_distances(found.graph)
    candidates: list[tuple[str, NDArray[np.float64]]] = []
    if "cohomology" in wanted and found.angles.shape[1] > 0:
        deaths = np.array([f.death for f in found.features if f.homology_dim == 1])
        circles = circle_layouts(
            found.angles, deaths, dist, found.graph, geodesic, mass, latent_dim
        )
        candidates += [("cohomology", values) for values in circles]
    if "geodesic" in wanted:
        candidates.append(("geodesic", geodesic_layout(geodesic, mass, latent_dim)))
    if "pca" in wanted:
        candidates.append(("pca", pca_layout(landmarks, mass, latent_dim)))
    if not candidates:
        msg = (
            f"layout='cohomology' found {found.angles.shape[1]} significant loops, which have no "
            f"layout in {latent_dim} dimensions. Use layout='auto', or two dimensions a loop."
        )
        raise InvalidInputError(msg)
    target = [_scaled(diagram, 1 / _rms_radius(landmarks)) for diagram in found.diagrams]
    distances = [_diagram_distance(values, target) for _, values in candidates]
    # The first of those that cannot be told apart.
    best = int(np.argmax(np.array(distances) <= (1 + _RESOLUTION) * min(distances)))
    by_name: dict[str, float] = {}
    for (name, _), distance in zip(candidates, distances, strict=True):
        by_name[name] = min(distance, by_name.get(name, distance))
    return LayoutChoice(name=candidates[best][0], values=candidates[best][1], distances=by_name)


def _diagram_distance(values: NDArray[np.float64], target: list[PersistenceDiagram]) -> float:
    """Wasserstein distance of the layout's diagrams to the landmarks', both in RMS radii."""
    own = gudhi_persistence(
        pairwise_distances(values) / _rms_radius(values), max_homology_dim=len(target) - 1
    )
    return sum(wasserstein_distance(a, b) for a, b in zip(own, target, strict=True))


def _rms_radius(points: NDArray[np.float64]) -> float:
    return float(np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean()))


def _scaled(diagram: PersistenceDiagram, factor: float) -> PersistenceDiagram:
    return PersistenceDiagram(
        pairs=factor * diagram.pairs,
        essential=factor * diagram.essential,
        homology_dim=diagram.homology_dim,
    )
