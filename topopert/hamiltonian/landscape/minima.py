"""The minima of an energy surface."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor

from topopert.errors import InvalidInputError
from topopert.hamiltonian.surfaces import EnergySurface

from .starts import minima_starts, one_per_cell
from .stationary import StationaryPoints, follow_flow

__all__ = ["distinct", "energy_order", "find_minima", "matches"]

# Rests closer than this, in units of the stiffest axis's thermal width, are one.
_SAME = 1e-3
# So many rests near a point are looked at.
_COPIES = 8
_FIRST_STEPS = 3


def find_minima(surface: EnergySurface) -> tuple[StationaryPoints, float]:
    """The minima that descents from everywhere U may bend end in, lowest first.

    Returns:
        The minima (at least one), and how far a descent may go before it has run away.

    Raises:
        InvalidInputError: If U does not confine, or none of the descents comes to rest.
    """
    starts, reach = minima_starts(surface)
    # After a few steps most have met near the minima: from there one of them is enough.
    begun = follow_flow(surface, starts, tolerance=0.5, reach=reach, n_steps=_FIRST_STEPS)
    convex = begun.index == 0
    near = begun[convex.nonzero().squeeze(1)]
    widths = near.curvatures.amax(dim=1).clamp_min(1e-12).rsqrt()
    met = near.points[one_per_cell(near.points, widths)]
    starts = torch.cat([met, begun.points[~convex]])
    rests = follow_flow(surface, starts, tolerance=0.5, reach=reach)
    escaped = (rests.points - starts).norm(dim=1) > reach
    if bool(escaped.any()):
        far = rests.points[escaped][0]
        msg = (
            "The surface does not confine: a descent ran away to "
            f"({', '.join(f'{x:.3g}' for x in far.tolist())}), where U = "
            f"{float(rests.energies[escaped][0]):.4g}. Add a term that grows, e.g. ½∣z∣²."
        )
        raise InvalidInputError(msg)
    # Without any curvature a point rests only because autograd sees no dependence on z.
    bends = rests.curvatures.abs().amax(dim=1) > 0
    minima = distinct(rests[rests.at_rest & (rests.index == 0) & bends])
    if not len(minima):
        msg = (
            f"No minimum was found: none of {len(starts)} descents came to rest in one. U must be "
            "twice differentiable by autograd where it is low; check it for kinks, for noise, and "
            "for a `detach` or a passage through NumPy."
        )
        raise InvalidInputError(msg)
    return minima, reach


def distinct(rests: StationaryPoints) -> StationaryPoints:
    """Each rest once, lowest first; of equal energy, by coordinates."""
    if not len(rests):
        return rests
    rests = rests[energy_order(rests)]
    while True:
        # Of many copies a point sees only its nearest: each pass leaves fewer.
        first = matches(rests.points, rests) == torch.arange(
            len(rests), device=rests.points.device
        )
        if first.all():
            return rests
        rests = rests[first]


def matches(points: Tensor, rests: StationaryPoints) -> Tensor:
    """The first of the rests that each point is at, −1 where none is, shape (B,)."""
    if not len(rests) or not len(points):
        return torch.full((len(points),), -1, dtype=torch.int64, device=points.device)
    radii = (_SAME * rests.curvatures.abs().amax(dim=1).clamp_min(1e-12).rsqrt()).cpu().numpy()
    tree = KDTree(rests.points.cpu().numpy())
    # SciPy drops the second axis where only one neighbour is asked for.
    shape = (len(points), min(_COPIES, len(rests)))
    distances, near = (
        np.reshape(part, shape) for part in tree.query(points.cpu().numpy(), k=shape[1])
    )
    here = distances <= radii[near]
    first = torch.from_numpy(near).masked_fill(~torch.from_numpy(here), len(rests)).amin(dim=1)
    return torch.where(first == len(rests), -1, first).to(points.device)


def energy_order(rests: StationaryPoints) -> Tensor:
    """By energy; energies that differ by rounding only count as equal."""
    scale = max([1.0, *rests.energies.abs().tolist()])
    digits = 9 - math.ceil(math.log10(scale))
    keys = [rests.points.round(decimals=6)[:, k] for k in range(rests.points.shape[1])]
    keys = [rests.energies.round(decimals=digits), *keys]
    order = torch.arange(len(rests), device=rests.points.device)
    for key in reversed(keys):
        order = order[key[order].argsort(stable=True)]
    return order
