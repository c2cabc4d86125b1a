"""Where a density is thin between its basins: what a sample of it never shows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import networkx as nx
import torch
from torch import Tensor

from topopert.hamiltonian.surfaces import EnergySurface

from .partition import BasinShares

__all__ = ["Bridges", "basin_shares", "find_bridges"]

_NEIGHBOURS = 6
_BARRIER = 2.0  # nats over T above the higher end: what parts two basins
_N_POINTS = 24  # at most, on a bridge
_NEWTON_STEPS = 8
_TRUST = 1.0  # length of a step, in units of the scale
_CAREFUL = 0.1  # the same towards a saddle
_FLATTEST = 0.05  # curvatures are not taken to be smaller than this, in units of the scale
# A logistic function of this rate has the slope of erf(x/√2) where it changes over.
_LOGISTIC = 1.6
_SHARPNESS = (0.7, 1.0, 1.4)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bridges:
    """Basins of centres and the passes over the barriers between them, which form a tree."""

    n_basins: int
    edges: tuple[tuple[int, int], ...]  # the basins on both sides of each pass, E pairs
    saddles: Tensor  # (E, d)
    directions: Tensor  # unstable, of norm 1 in units of the scale, to the second basin, (E, d)
    curvatures: Tensor  # ∣μ∣ of U/T along them, in units of the scale, (E,)
    lengths: Tensor  # of the paths, in units of the scale, (E,)
    points: Tensor  # along all paths, (P, d)


def find_bridges(
    centers: Tensor, surface: EnergySurface, *, temperature: float, scale: Tensor
) -> Bridges | None:
    """The tree of lowest straight passes between centres, cut where it crosses a barrier.

    Args:
        centers: (J, d), J ≥ 2.
        surface: U.
        temperature: T.
        scale: The unit of length of each axis, (d,).

    Returns:
        None if no barrier is higher than 2 T above its higher side.
    """
    surface = surface.tempered(temperature)
    pairs = _neighbours(centers / scale)  # (E, 2)
    ends = surface.energy(centers)  # (J,)
    share = torch.linspace(0, 1, 13, dtype=centers.dtype, device=centers.device)[1:-1, None]
    start, stop = centers[pairs[:, 0]], centers[pairs[:, 1]]
    between = start[:, None] + share * (stop - start)[:, None]  # (E, 11, d)
    top = surface.energy(between.flatten(0, 1)).unflatten(0, between.shape[:2]).amax(dim=1)
    height = top - torch.maximum(ends[pairs[:, 0]], ends[pairs[:, 1]])
    graph = nx.Graph()
    graph.add_nodes_from(range(len(centers)))
    for (i, j), weight, barrier in zip(pairs.tolist(), top.tolist(), height.tolist(), strict=True):
        graph.add_edge(i, j, weight=weight, barrier=barrier)
    tree = nx.minimum_spanning_tree(graph)
    cut = [(i, j) for i, j, own in tree.edges(data=True) if own["barrier"] > _BARRIER]
    if not cut:
        return None
    tree.remove_edges_from(cut)
    groups = list(nx.connected_components(tree))
    basin = {i: number for number, group in enumerate(groups) for i in group}
    paths = [_path(centers[i], centers[j], surface, scale) for i, j in cut]
    highest = torch.stack([_highest(path, surface) for path in paths])
    saddles, directions, curvatures = _saddles(highest, surface, scale)
    along = torch.stack([(centers[j] - centers[i]) / scale for i, j in cut])
    sides = torch.where((directions * along).sum(dim=1, keepdim=True) < 0, -1.0, 1.0)
    return Bridges(
        n_basins=len(groups),
        edges=tuple((basin[i], basin[j]) for i, j in cut),
        saddles=saddles,
        directions=directions * sides,
        curvatures=curvatures,
        lengths=along.norm(dim=1),
        points=torch.cat([*paths, saddles]),
    )


def basin_shares(bridges: Bridges, scale: Tensor) -> BasinShares:
    """The shares of the basins."""
    # The widths of all passes from one σ: only then are the boundaries flat. So the distance of
    # the two centres says how sharp a pass is.
    rates = _LOGISTIC * bridges.curvatures.sqrt()
    sharpness = float((rates / bridges.lengths).median())
    half = 0.5 * (rates / sharpness)[:, None] * bridges.directions * scale
    sides = torch.tensor(bridges.edges, device=scale.device).T.flatten()
    return BasinShares(
        centers=torch.cat([bridges.saddles - half, bridges.saddles + half]),
        scale=scale,
        members=torch.nn.functional.one_hot(sides, bridges.n_basins).to(scale.dtype),
        sharpness=tuple(factor * sharpness for factor in _SHARPNESS),
    )


def _neighbours(points: Tensor) -> Tensor:
    """Pairs i < j: near neighbours, and a spanning tree so that all hang together, (E, 2)."""
    dist = torch.cdist(points, points)
    n_near = min(_NEIGHBOURS + 1, len(points))
    near = dist.topk(n_near, largest=False).indices[:, 1:]
    graph = nx.from_numpy_array(dist.cpu().numpy())
    edges = {(min(i, j), max(i, j)) for i, j in nx.minimum_spanning_edges(graph, data=False)}
    edges |= {(min(i, j), max(i, j)) for i, row in enumerate(near.tolist()) for j in row}
    return torch.tensor(sorted(edges), device=points.device).reshape(-1, 2)


def _path(start: Tensor, stop: Tensor, surface: EnergySurface, scale: Tensor) -> Tensor:
    """Points from start to stop, each brought down within its plane across the line, (P, d)."""
    line = (stop - start) / scale
    length = float(line.norm())
    n_points = min(_N_POINTS, max(3, math.ceil(length) + 1))
    share = torch.linspace(0, 1, n_points, dtype=start.dtype, device=start.device)[:, None]
    points = start + share * (stop - start)
    along = torch.outer(line, line) / length**2
    across = torch.eye(len(line), dtype=line.dtype, device=line.device) - along
    for _ in range(_NEWTON_STEPS):
        slope, bend = _local(points, surface, scale)
        values, vectors = torch.linalg.eigh(across @ bend @ across + along)
        step = _steps(slope @ across, values.abs(), vectors) @ across
        points = points + step * scale
    return points


def _highest(path: Tensor, surface: EnergySurface) -> Tensor:
    """The highest place of the polygon through the points, (d,)."""
    top = int(surface.energy(path)[1:-1].argmax()) + 1
    share = torch.linspace(0, 1, 33, dtype=path.dtype, device=path.device)[:, None]
    near = torch.cat(
        [torch.lerp(path[top - 1], path[top], share), torch.lerp(path[top], path[top + 1], share)]
    )
    return near[surface.energy(near).argmax()]


def _saddles(
    points: Tensor, surface: EnergySurface, scale: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Saddles near points (E, d), their unstable directions and −curvatures, in the scale."""
    for _ in range(_NEWTON_STEPS):
        slope, bend = _local(points, surface, scale)
        values, vectors = torch.linalg.eigh(bend)
        # Uphill along the lowest curvature, downhill along the others.
        signed = torch.cat([-values[:, :1].abs(), values[:, 1:].abs()], dim=1)
        # Between sharp components U bends over far less than the scale.
        points = points + _CAREFUL * _steps(slope / _CAREFUL, signed, vectors) * scale
    values, vectors = torch.linalg.eigh(_local(points, surface, scale)[1])
    return points, vectors[:, :, 0], (-values[:, 0]).clamp(min=_FLATTEST)


def _local(points: Tensor, surface: EnergySurface, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients and second derivatives in units of the scale."""
    local = surface.derivatives(points)
    return local.gradient * scale, local.hessian * scale * scale[:, None]


def _steps(slope: Tensor, values: Tensor, vectors: Tensor) -> Tensor:
    """Newton's steps with given curvatures along given vectors, no longer than allowed."""
    values = values.sign() * values.abs().clamp(min=_FLATTEST)
    inside = (vectors.mT @ slope[..., None]).squeeze(-1) / values
    step = -(vectors @ inside[..., None]).squeeze(-1)
    return step * (_TRUST / step.norm(dim=1, keepdim=True).clamp(min=_TRUST))
