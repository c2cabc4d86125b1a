"""The transition states: saddles of index 1, and the minima that each joins."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from topopert.hamiltonian.surfaces import EnergySurface

from .minima import distinct, matches
from .stationary import StationaryPoints, follow_flow, joined

__all__ = ["Peaks", "converged_saddles", "mode_peaks", "path_peaks", "segment_peaks", "sides_of"]

# Points on a segment, ends included: peaks narrower than a twentieth of it are overlooked.
_SEGMENT_POINTS = 21
# A saddle is left by so many thermal widths of its unstable direction: U drops by .005 nats.
_PUSH = 0.1
# A climb along a mode begins so many thermal widths from its minimum.
_OUTSET = 0.5
# How near a flow line is followed down from a saddle.
_FLOW_TOLERANCE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Peaks:
    """Interior maxima of U along paths between two points."""

    points: Tensor  # (C, d)
    directions: Tensor  # along the path, (C, d)
    heights: Tensor  # largest U of each path, if they are of paths, (P,), nats; bounds its saddle


def segment_peaks(surface: EnergySurface, begins: Tensor, ends: Tensor) -> Peaks:
    """The interior maxima of U on straight segments, shape (P, d) at both ends."""
    share = torch.linspace(0, 1, _SEGMENT_POINTS, dtype=begins.dtype, device=begins.device)
    paths = begins[:, None] + share[:, None] * (ends - begins)[:, None]
    return path_peaks(surface, paths)


def path_peaks(surface: EnergySurface, paths: Tensor) -> Peaks:
    """The interior maxima of U on paths of points, (P, n, d)."""
    with torch.no_grad():
        energy = surface.energy(paths.flatten(0, 1)).reshape(paths.shape[:2])
    inner = energy[:, 1:-1]
    row, column = ((inner >= energy[:, :-2]) & (inner > energy[:, 2:])).nonzero(as_tuple=True)
    along = paths[row, column + 2] - paths[row, column]
    return Peaks(
        points=paths[row, column + 1],
        directions=along / along.norm(dim=1, keepdim=True).clamp_min(1e-300),
        heights=energy.amax(dim=1),
    )


def mode_peaks(minima: StationaryPoints) -> Peaks:
    """Points a little up each axis of minima, both ways: where a climb out of a basin begins.

    References:
        Wales, Energy Landscapes (2003), section 6.2.1.
    """
    climbs = _OUTSET * minima.axes * minima.curvatures.clamp_min(1e-12).rsqrt()[:, None]
    directions = minima.axes.mT.repeat(1, 2, 1).flatten(0, 1)  # (m · 2d, d)
    steps = torch.cat([climbs, -climbs], dim=2).mT  # (m, 2d, d)
    return Peaks(
        points=(minima.points[:, None] + steps).flatten(0, 1),
        directions=directions,
        heights=minima.energies.new_zeros(0),
    )


def converged_saddles(surface: EnergySurface, peaks: Peaks, *, reach: float) -> StationaryPoints:
    """The distinct saddles of index 1 that eigenvector following finds from the peaks.

    Where it comes to rest on a higher hill, as by symmetry it may, it goes on down both sides of
    the hill, climbing along the same direction.
    """
    directions = peaks.directions
    rests = follow_flow(surface, peaks.points, tolerance=0.5, directions=directions, reach=reach)
    found = rests[rests.at_rest & (rests.index == 1)]
    for _ in range(surface.latent_dim - 1):
        hills = (rests.at_rest & (rests.index >= 2)).nonzero().squeeze(1)
        copies = matches(rests.points[hills], rests[hills])
        hills = hills[copies == torch.arange(len(hills), device=hills.device)]
        if not len(hills):
            break
        starts, directions = _beside(rests[hills], directions[hills])
        rests = follow_flow(surface, starts, tolerance=0.5, directions=directions, reach=reach)
        found = joined(found, rests[rests.at_rest & (rests.index == 1)])
    return distinct(found)


def _beside(hills: StationaryPoints, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Points on both sides of hills, down each mode but the one climbed, and their directions."""
    overlap = (hills.axes.mT @ directions[..., None]).squeeze(-1).abs()
    climbed = torch.nn.functional.one_hot(overlap.argmax(dim=1), overlap.shape[1]).bool()
    hill, mode = ((hills.curvatures < 0) & ~climbed).nonzero(as_tuple=True)
    push = _PUSH * hills.curvatures[hill, mode].abs().rsqrt()[:, None]
    push = push * hills.axes[hill, :, mode]
    starts = torch.cat([hills.points[hill] + push, hills.points[hill] - push])
    return starts, directions[hill].repeat(2, 1)


def sides_of(
    surface: EnergySurface, saddles: StationaryPoints, *, reach: float
) -> StationaryPoints:
    """Where the flow goes from each saddle, down along its unstable direction: 2S rests.

    The first S are those of one side, the last S of the other.
    """
    push = _PUSH * saddles.curvatures[:, :1].abs().rsqrt() * saddles.axes[:, :, 0]
    starts = torch.cat([saddles.points + push, saddles.points - push])
    return follow_flow(surface, starts, tolerance=_FLOW_TOLERANCE, reach=reach)
