"""The wells of a landscape: at the landmarks' anchors, depth from persistence, width from ε*."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.spatial.distance import cdist

from topopert.records import WellSpec

from .features import LandmarkFeatures

__all__ = ["landmark_wells"]

_LEAST_DEPTH = 1e-9  # of the deepest: rounding, no well


def landmark_wells(anchors: NDArray[np.float64], found: LandmarkFeatures) -> WellSpec:
    """Gaussian wells whose sum is as deep at each landmark as its classes are persistent.

    The landscape's depth at a landmark is the persistence of the significant classes that it
    belongs to, in units of ε* and counted as nats: the gap that sets its component apart, the
    loops that it lies on, the voids; 1 nat at the least. Wells overlap, so their own depths are
    the non-negative ones whose sum comes nearest; landmarks that need no well of their own have
    none.

    Args:
        anchors: Anchors of the landmarks, shape (n, d), in units of the prior.
        found: The landmarks' topology.
    """
    edges = _short_edges(found)
    steps = np.array([anchors[i] - anchors[j] for i, j, _ in edges])
    lengths = np.array([length for *_, length in edges])
    # What a unit of length in the data is in the prior's units, along the graph.
    stretch = float(np.sqrt((steps**2).sum() / (lengths**2).sum()))
    width = stretch * found.scale
    persistence = _gap_of_component(found) + _loops_through(found)
    persistence += sum(f.persistence for f in found.features if f.homology_dim == 2)
    wanted = np.maximum(1.0, persistence / found.scale)
    overlap = np.exp(-0.5 * cdist(anchors, anchors, metric="sqeuclidean") / width**2)
    depths, _ = nnls(overlap, wanted)
    wells = np.flatnonzero(depths > _LEAST_DEPTH * depths.max())
    return WellSpec(
        centers=anchors[wells], depths=depths[wells], widths=np.full(len(wells), width)
    )


def _short_edges(found: LandmarkFeatures) -> list[tuple[int, int, float]]:
    """The edges within the parts of the graph; all of them if there is no other."""
    edges = list(found.graph.edges(data=True))
    inside = [edge for edge in edges if not edge[2]["bridge"]]
    return [(i, j, data["length"]) for i, j, data in inside or edges]


def _gap_of_component(found: LandmarkFeatures) -> NDArray[np.float64]:
    """The shortest gap between each landmark's component and another, 0 if it is alone, (n,)."""
    gap = np.full(int(found.labels.max()) + 1, np.inf)
    for i, j, length in found.graph.edges(data="length"):
        ends = found.labels[[i, j]]
        if ends[0] != ends[1]:
            gap[ends] = np.minimum(gap[ends], length)
    return np.where(np.isfinite(gap), gap, 0.0)[found.labels]


def _loops_through(found: LandmarkFeatures) -> NDArray[np.float64]:
    """The summed persistence of the loops that each landmark lies on, shape (n,).

    Away from its loop a circular coordinate stands still. On a loop of radius R = death/√3 it
    turns by 1/R per length; a landmark belongs to the loop by the share of that which it has.
    """
    i, j, lengths = (np.array(column) for column in zip(*_short_edges(found), strict=True))
    n = len(found.labels)
    total = np.zeros(n)
    loops = [f for f in found.features if f.homology_dim == 1]
    for angle, loop in zip(found.angles.T, loops, strict=True):
        turn = np.abs(np.angle(np.exp(1j * (angle[i] - angle[j]))))
        turned, walked = (
            np.bincount(i, weights=w, minlength=n) + np.bincount(j, weights=w, minlength=n)
            for w in (turn**2, lengths**2)
        )
        speed = np.sqrt(turned / np.maximum(walked, np.finfo(np.float64).tiny))
        total += loop.persistence * np.minimum(1.0, speed * loop.death / np.sqrt(3))
    return total
