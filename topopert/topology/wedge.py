"""Loops side by side: circles that touch, or stand apart by the gap that the data leave."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray

__all__ = ["Gap", "component_gaps", "wedge_in_a_plane", "wedge_of_pages"]

_QUARTER_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gap:
    """A bridge of the landmark graph."""

    length: float
    far_side: NDArray[np.bool_]  # the landmarks beyond it, (n,)


def component_gaps(graph: nx.Graph) -> list[Gap]:
    """The bridges between the parts of the landmark graph, longest first.

    Args:
        graph: Connected graph of the landmarks, edge attributes ``length`` and ``bridge``.
    """
    bridges = [(i, j) for i, j, bridge in graph.edges(data="bridge") if bridge]
    parts = nx.Graph()
    parts.add_nodes_from(graph)
    parts.add_edges_from((i, j) for i, j, bridge in graph.edges(data="bridge") if not bridge)
    label = np.empty(len(graph), dtype=np.intp)
    for part, members in enumerate(nx.connected_components(parts)):
        label[list(members)] = part
    tree = nx.Graph()  # empty at first: given edges, older networkx would look for pandas
    tree.add_edges_from((int(label[i]), int(label[j])) for i, j in bridges)
    gaps = []
    for i, j in bridges:
        ends = int(label[i]), int(label[j])
        tree.remove_edge(*ends)
        beyond = np.array(sorted(nx.node_connected_component(tree, ends[1])))
        tree.add_edge(*ends)
        gaps.append(
            Gap(length=float(graph.edges[i, j]["length"]), far_side=np.isin(label, beyond))
        )
    return sorted(gaps, key=lambda gap: -gap.length)


def wedge_in_a_plane(
    angles: NDArray[np.float64],
    radii: NDArray[np.float64],
    gaps: list[Gap],
    guide: NDArray[np.float64],
    mass: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Circles side by side in a plane, shape (n, 2).

    Away from its loop a circular coordinate stands still at the angle where the rest is attached.
    So the *sum* over the loops of the points at their angles draws each circle in turn, held at
    the point where the others touch it, however many there are. A gap adds a step to all that
    lies beyond. What is left to choose is how each circle is turned: so that what is attached to
    it lies where the guide has it.

    Args:
        angles: Circular coordinates of the landmarks, shape (n, k).
        radii: Radii of the circles, shape (k,).
        gaps: Gaps between the parts of the data.
        guide: A layout that shows roughly what lies where, shape (n, 2).
        mass: Weights of the landmarks, shape (n,).
    """
    layout = _steps(gaps, guide, mass)
    for angle, radius in zip(angles.T, radii, strict=True):
        circle, outwards, towards = _facing(angle, guide, mass)
        turn = np.outer(outwards, towards) + np.outer(
            _QUARTER_TURN @ outwards, _QUARTER_TURN @ towards
        )
        layout += radius * circle @ turn.T
    return layout


def wedge_of_pages(
    angles: NDArray[np.float64],
    radii: NDArray[np.float64],
    gaps: list[Gap],
    guide: NDArray[np.float64],
    mass: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Circles as the pages of a book, upright on a common axis, shape (n, m + 1).

    In a plane three circles through one point cross each other; upright they only touch.

    Args:
        angles: Circular coordinates of the landmarks, shape (n, k).
        radii: Radii of the circles, shape (k,).
        gaps: Gaps between the parts of the data.
        guide: A layout that shows roughly what lies where, shape (n, m).
        mass: Weights of the landmarks, shape (n,).
    """
    ground, height = _steps(gaps, guide, mass), np.zeros(len(angles))
    for angle, radius in zip(angles.T, radii, strict=True):
        circle, outwards, towards = _facing(angle, guide, mass)
        ground += radius * np.outer(circle @ towards, outwards)
        height += radius * circle @ (_QUARTER_TURN @ towards)
    return np.column_stack([ground, height])


def _facing(
    angle: NDArray[np.float64], guide: NDArray[np.float64], mass: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The angles on the unit circle (n, 2); directions in the guide (m,) and there (2,).

    The two directions go together best: they are the leading pair of singular vectors of the
    covariance of guide and circle.
    """
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    weight = mass / mass.sum()
    left, _, right = np.linalg.svd((weight[:, None] * (guide - weight @ guide)).T @ circle)
    outwards, towards = left[:, 0], right[0]
    if weight @ circle @ towards < 0:  # the pair's common sign is arbitrary
        outwards, towards = -outwards, -towards
    return circle, outwards, towards


def _steps(
    gaps: list[Gap], guide: NDArray[np.float64], mass: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A step by each gap's length, for the landmarks beyond, shape (n, m)."""
    layout = np.zeros_like(guide)
    for gap in gaps:
        far, near = mass * gap.far_side, mass * ~gap.far_side
        direction = far @ guide / far.sum() - near @ guide / near.sum()
        norm = np.linalg.norm(direction)
        if norm > 0:
            layout += np.outer(gap.far_side, gap.length * direction / norm)
    return layout
