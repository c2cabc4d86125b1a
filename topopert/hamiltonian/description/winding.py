"""How a phase winds on the sublevel sets of an energy: the bar of the loop that it goes round."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

__all__ = ["Lattice", "Winding", "joint_birth", "lattice", "winding"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lattice:
    """Nodes of a rectangular grid with their neighbours; a cell enters with its last node."""

    edges: NDArray[np.int64]  # (L, 2)
    conductances: NDArray[np.float64]  # of the edges, e^{−U/T}/h² at their middle, (L,)
    closing: NDArray[np.int64]  # which edges are off the least spanning tree, (M,)
    closing_levels: NDArray[np.float64]  # of these, (M,)
    parents: NDArray[np.int64]  # in the least spanning tree, a root is its own, (G,)
    squares: NDArray[np.int64]  # corners in order round the square, (S, 4)
    square_levels: NDArray[np.float64]  # (S,)
    top: float  # the highest energy of a node: beyond it nothing is known


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Winding:
    """Where a phase winds: on sublevel sets between birth and death it goes round a loop."""

    birth: float  # the lowest level at which a cycle has a winding number that is not 0
    death: float  # the lowest level at which the phase has a vortex, or the lattice's top
    numbers: NDArray[np.int64]  # winding number of each closing edge's cycle, (M,)
    slope: float  # mean square of the phase's gradient, E_p∣∇θ∣²

    @property
    def persistence(self) -> float:
        """Death minus birth; −∞ if nothing winds."""
        return self.death - self.birth


def lattice(
    index: NDArray[np.int64], energy: NDArray[np.float64], spacing: NDArray[np.float64]
) -> Lattice:
    """The neighbours of nodes and the tree along which their energies rise least.

    Args:
        index: The place of each node in the grid, (G, d), G ≥ 1, no place twice.
        energy: At the nodes in units of T, (G,).
        spacing: Of the grid, (d,).
    """
    index = index - index.min(axis=0)
    shape = index.max(axis=0) + 2  # a rim of no nodes above; negative steps are never taken
    place = np.full(shape, -1, dtype=np.int64)
    place[tuple(index.T)] = np.arange(len(index))
    steps = np.eye(index.shape[1], dtype=np.int64)

    def cells(*offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        corners = np.stack([place[tuple((index + o).T)] for o in offsets], axis=1)
        return corners[(corners >= 0).all(axis=1)]

    zero = np.zeros_like(steps[0])
    along = [cells(zero, step) for step in steps]
    edges = np.concatenate(along)
    density = np.exp(-energy)
    roots = np.sqrt(density / density.sum())
    stiffness = [roots[e].prod(axis=1) / h**2 for e, h in zip(along, spacing, strict=True)]
    squares = [cells(zero, a, a + b, b) for a, b in itertools.combinations(steps, 2)]
    square_nodes = np.concatenate([np.empty((0, 4), dtype=np.int64), *squares])
    parents, in_tree = _least_tree(edges, energy)
    closing = np.flatnonzero(~in_tree)
    return Lattice(
        edges=edges,
        conductances=np.concatenate(stiffness),
        closing=closing,
        closing_levels=energy[edges[closing]].max(axis=1),
        parents=parents,
        squares=square_nodes,
        square_levels=energy[square_nodes].max(axis=1),
        top=float(energy.max()),
    )


def winding(grid: Lattice, values: NDArray[np.complex128]) -> Winding:
    """The winding of the phase of complex values at the nodes, (G,).

    The steps of the phase along edges, each in (−π, π], are a cocycle wherever no square has a
    vortex. By the elder rule a cycle is born with the edge that closes it in the least tree; it
    winds if the phase does not come back to itself. Where birth < death the class of the cocycle
    in H¹ of the sublevel sets is not 0, so that the energy has a bar in H₁ at least as long.

    References:
        de Silva, Morozov, Vejdemo-Johansson, Persistent cohomology and circular coordinates
        (2011), section 2.
    """
    phase = np.angle(values)
    along = _phase_from_roots(grid.parents, phase)
    i, j = grid.edges.T
    steps = _wrapped(phase[j] - phase[i])
    around = (along[i] + steps - along[j])[grid.closing]
    numbers = np.rint(around / (2 * np.pi)).astype(np.int64)
    birth = grid.closing_levels[numbers != 0].min(initial=np.inf)
    corners = phase[grid.squares]
    turns = _wrapped(np.roll(corners, -1, axis=1) - corners).sum(axis=1)
    death = grid.square_levels[np.abs(turns) > np.pi].min(initial=grid.top)
    return Winding(
        birth=float(birth),
        death=float(death),
        numbers=numbers,
        slope=float(grid.conductances @ steps**2),
    )


def joint_birth(grid: Lattice, windings: list[Winding]) -> float:
    """The lowest level at which phases wind independently, +∞ if nowhere while all are defined.

    What winds along a known loop and besides round a hole that is born later is as old as the
    known loop, but it is new only from that later birth on.
    """
    level = min(w.death for w in windings)
    closed = grid.closing_levels < level
    numbers = np.stack([w.numbers[closed] for w in windings], axis=1)  # (M, W)
    levels = grid.closing_levels[closed]
    some = (numbers != 0).any(axis=1)
    order = np.flatnonzero(some)[np.argsort(levels[some], kind="stable")]
    _, first = np.unique(numbers[order], axis=0, return_index=True)
    chosen = numbers[order[:0]]
    for row in np.sort(first):
        longer = np.vstack([chosen, numbers[order[row]]])
        if np.linalg.matrix_rank(longer.astype(np.float64)) == len(longer):
            chosen = longer
            if len(chosen) == len(windings):
                return float(levels[order[row]])
    return float("inf")


def _least_tree(
    edges: NDArray[np.int64], energy: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Parents in the least spanning forest, (G,), and which edges are in it, (M,)."""
    n = len(energy)
    # Ranks instead of energies: ties are broken once and for all, and no weight is 0, which a
    # sparse matrix would take for no edge.
    order = np.argsort(energy[edges].max(axis=1), kind="stable")
    ranks = np.empty(len(edges))
    ranks[order] = np.arange(1, len(edges) + 1)
    graph = sparse.coo_array((ranks, tuple(edges.T)), shape=(n, n)).tocsr()
    tree = csgraph.minimum_spanning_tree(graph).tocoo()
    in_tree = np.zeros(len(edges), dtype=bool)
    in_tree[order[tree.data.astype(np.int64) - 1]] = True
    # One more node above one of each component makes the forest a tree.
    _, labels = csgraph.connected_components(tree, directed=False)
    _, roots = np.unique(labels, return_index=True)
    rows = np.concatenate([tree.row, np.full(len(roots), n)])
    columns = np.concatenate([tree.col, roots])
    joined = sparse.coo_array((np.ones(len(rows)), (rows, columns)), shape=(n + 1, n + 1))
    _, parents = csgraph.breadth_first_order(joined.tocsr(), n, directed=False)
    parents = parents[:n].astype(np.int64)
    parents[roots] = roots
    return parents, in_tree


def _phase_from_roots(
    parents: NDArray[np.int64], phase: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The phase summed along the tree, (G,); pointers double, so the depth costs its logarithm."""
    along = _wrapped(phase - phase[parents])
    above = parents
    while (above != above[above]).any():
        along = along + along[above]
        above = above[above]
    return along


def _wrapped(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """The angle in [−π, π]."""
    return angle - 2 * np.pi * np.rint(angle / (2 * np.pi))
