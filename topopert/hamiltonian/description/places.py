"""Nodes on a lattice on which winding numbers can be counted, whatever the solver's own were."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topopert.hamiltonian.surfaces import EnergySurface, MixtureSurface

__all__ = ["Places", "bulk_places"]

# Nats above the minimum that are looked at: a bar longer than that is long enough.
_REACH = 14.0
# Nodes along an axis of a lattice laid here, by its dimension.
_ACROSS = {1: 400, 2: 120, 3: 40}
_MAX_AXES = 3
# An axis along which the variance is so many times that of the narrowest may hold structure.
_WIDE = 1.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Places:
    """Nodes of a rectangular lattice where the density is not negligible."""

    index: NDArray[np.int64]  # (G, m)
    spacing: NDArray[np.float64]  # of the lattice, (m,)
    energy: NDArray[np.float64]  # U/T from its least value, (G,)
    weights: NDArray[np.float64]  # e^{−U/T}, sum 1, (G,)
    modes: NDArray[np.float64]  # (G, n_levels)
    n_unseen: int  # axes that the lattice leaves out though the density is wide along them


def bulk_places(
    nodes: NDArray[np.float64],
    weights: NDArray[np.float64],
    modes: NDArray[np.float64],
    *,
    surface: EnergySurface,
    temperature: float,
    evaluate: Callable[[Tensor], Tensor],
) -> Places:
    """The nodes within 14 T of the minimum, on a lattice.

    A solver's grid is taken as it is; its weights are e^{−U/T}. For nodes that are draws, or lie
    in more than three dimensions, a lattice is laid along their principal axes, at most three.

    Args:
        nodes: Of the quadrature, (G, d).
        weights: Of the nodes, sum 1, (G,).
        modes: At the nodes, (G, n_levels).
        surface: U.
        temperature: T.
        evaluate: The modes at z (B, d), (B, n_levels).
    """
    own = _own_lattice(nodes)
    if own is None:
        return _laid(nodes, weights, surface, temperature, evaluate)
    energy = -np.log(np.maximum(weights, np.finfo(float).tiny))
    energy -= energy.min()
    near = energy <= _REACH
    index, spacing = own
    return Places(
        index=index[near],
        spacing=spacing,
        energy=energy[near],
        weights=weights[near] / weights[near].sum(),
        modes=modes[near],
        n_unseen=0,
    )


def _own_lattice(
    nodes: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """The place of each node in a rectangular grid and its spacing; None if on none."""
    if nodes.shape[1] > _MAX_AXES:
        return None
    index = np.empty(nodes.shape, dtype=np.int64)
    spacing = np.empty(nodes.shape[1])
    for k, x in enumerate(nodes.T):
        seen = np.unique(x)
        if len(seen) < 2:
            return None
        steps = np.diff(seen)
        # Coordinates that differ by rounding are one.
        spacing[k] = steps[steps > 1e-9 * (seen[-1] - seen[0])].min()
        places = (x - seen[0]) / spacing[k]
        index[:, k] = np.rint(places)
        if np.abs(places - index[:, k]).max() > 1e-3:
            return None
    return index, spacing


def _laid(
    nodes: NDArray[np.float64],
    weights: NDArray[np.float64],
    surface: EnergySurface,
    temperature: float,
    evaluate: Callable[[Tensor], Tensor],
) -> Places:
    middle = weights @ nodes
    away = nodes - middle
    variances, axes = np.linalg.eigh((weights[:, None] * away).T @ away)
    m = min(nodes.shape[1], _MAX_AXES)
    basis = torch.from_numpy(np.ascontiguousarray(axes[:, ::-1][:, :m])).to(surface.device)
    spread = np.sqrt(np.maximum(variances[::-1][:m], 1e-12 * variances[-1]))
    across = away @ basis.cpu().numpy()
    low, high = across.min(axis=0) - 0.5 * spread, across.max(axis=0) + 0.5 * spread
    lines = [
        torch.linspace(a, b, _ACROSS[m], dtype=torch.float64, device=surface.device)
        for a, b in zip(low, high, strict=True)
    ]
    shape = [len(line) for line in lines]
    inside = torch.cartesian_prod(*lines).reshape(math.prod(shape), m)
    origin = torch.from_numpy(middle).to(surface.device)
    codes = origin + inside @ basis.T
    with torch.no_grad():
        if isinstance(surface, MixtureSurface):
            # The marginal on the axes, which the solver took too.
            shift = origin @ basis
            marginal = surface.projected(basis)
            energies = marginal.on_grid([x + s for x, s in zip(lines, shift, strict=True)])
            energies = energies.reshape(-1)
        else:
            energies = surface.energy(codes)
        energy = energies.cpu().numpy() / temperature
        energy = energy - energy.min()
        near = energy <= _REACH
        values = evaluate(codes[torch.from_numpy(near).to(codes.device)]).cpu().numpy()
    density = np.exp(-energy[near])
    return Places(
        index=np.stack(np.unravel_index(np.flatnonzero(near), shape), axis=1).astype(np.int64),
        spacing=np.array([float(line[1] - line[0]) for line in lines]),
        energy=energy[near],
        weights=density / density.sum(),
        modes=values,
        n_unseen=int((variances[::-1][m:] > _WIDE * variances[0]).sum()),
    )
