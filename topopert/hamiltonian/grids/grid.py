"""The grid that a Hamiltonian is put on: its box, its spacing and the nodes that are kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from topopert.errors import InvalidInputError
from topopert.hamiltonian.surfaces import EnergySurface

__all__ = ["Box", "EnergyGrid", "NodeLimitError", "confining_box", "energy_grid", "fine_width"]

# Values held of one array over the box: 80 MB in double precision.
_MAX_BOX = 10_000_000
# A surface that is not confined by then grows by less than its cut over a million widths.
_MAX_LOOKS = 40
# Nodes along an axis of the coarse look at where the density is, at least and at most.
_SCAN = {1: (201, 20_000), 2: (41, 400), 3: (19, 60)}
# At so many centres the energy is asked.
_ASKED = 1000
# A part of the kept nodes that is cut off from the others is kept if it is so many nats deep.
_LEAST_DEPTH = 12.0
# Of many features so many may be narrower than what the grid resolves; the error says if it shows.
_NARROW_SHARE = 0.05


class NodeLimitError(InvalidInputError):
    """A grid that would have more nodes than fit, `excess` times as many."""

    def __init__(
        self, n_nodes: int, limit: int, counts: list[int], spacing: NDArray[np.float64]
    ) -> None:
        shape = " × ".join(str(n) for n in counts)
        steps = ", ".join(f"{h:.3g}" for h in spacing)
        super().__init__(
            f"A grid of {shape} (spacing {steps}) has {n_nodes} nodes to solve on; the limit is "
            f"{limit}. Take method='ritz', which needs no grid, or larger widths or bandwidth."
        )
        self.excess = n_nodes / limit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Box:
    """A rectangle outside of which the density is below e^{−cut} of its greatest."""

    low: NDArray[np.float64]  # (d,)
    high: NDArray[np.float64]  # (d,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EnergyGrid:
    """U/T at the nodes of a rectangular grid, counted from its minimum, and which are kept."""

    axes: list[NDArray[np.float64]]  # coordinates, d arrays (n₁,) … (n_d,)
    spacing: NDArray[np.float64]  # (d,)
    energy: NDArray[np.float64]  # (n₁, …, n_d), minimum 0; +∞ where there is no density
    kept: NDArray[np.bool_]  # where energy ≤ cut
    offset: float  # what was taken off the energy

    @property
    def n_nodes(self) -> int:
        """How many nodes are kept."""
        return int(self.kept.sum())

    @property
    def cell(self) -> float:
        """The volume of a cell."""
        return float(self.spacing.prod())

    @property
    def root(self) -> NDArray[np.float64]:
        """ψ = e^{−U/2T} on the box, 0 where not kept."""
        with np.errstate(over="ignore"):
            return np.where(self.kept, np.exp(-0.5 * self.energy), 0.0)

    def nodes(self) -> NDArray[np.float64]:
        """The coordinates of the kept nodes, (G, d)."""
        indices = np.nonzero(self.kept)
        return np.stack([x[i] for x, i in zip(self.axes, indices, strict=True)], axis=1)


def fine_width(surface: EnergySurface) -> NDArray[np.float64]:
    """The length that a grid must resolve along each axis, (d,).

    Of 20 features and more the narrowest twentieth may be left out: a few narrow components among
    many weigh little, and the error estimate shows if they do not.
    """
    widths = surface.features.widths.cpu().numpy()
    rank = int(_NARROW_SHARE * len(widths))
    return np.partition(widths, rank, axis=0)[rank].astype(np.float64)


def confining_box(surface: EnergySurface, cut: float) -> Box:
    """Where U ≤ U_min + cut may hold, by looks at coarse grids that grow until the rim is above.

    Raises:
        InvalidInputError: If the surface does not confine or its energy is NaN or −∞ somewhere.
    """
    told = _told_by_features(surface, cut)
    low, high, floor, finer = told.low, told.high, told.floor, 1
    for _ in range(_MAX_LOOKS):
        axes = _scan_axes(low, high, told.width, finer)
        energy = _on_grid(surface, axes)
        floor = min(floor, float(energy.min()))
        kept = energy <= floor + cut
        if not kept.any():  # a valley between these nodes, which a centre lies in
            finer *= 2
            continue
        span, step = high - low, np.array([x[1] - x[0] for x in axes])
        first, last = _extent(kept)
        ends = np.array([len(x) - 1 for x in axes])
        open_low, open_high = first == 0, last == ends
        if open_low.any() or open_high.any():
            low, high = low - 0.5 * span * open_low, high + 0.5 * span * open_high
            continue
        # What was seen, and a step more all round.
        seen_low = np.array([x[i] for x, i in zip(axes, first, strict=True)]) - step
        seen_high = np.array([x[i] for x, i in zip(axes, last, strict=True)]) + step
        if not ((seen_high - seen_low > 0.5 * span).all() or told.width is not None):
            low, high = seen_low, seen_high
            continue
        beyond = None
        if not surface.features_are_complete:
            beyond = _seen_beyond(surface, Box(low=seen_low, high=seen_high), floor + cut)
        if beyond is None:
            break
        low, high = beyond.low, beyond.high
    else:
        raise InvalidInputError(_UNCONFINED.format(size=float((high - low).max()), cut=cut))
    return Box(low=seen_low, high=seen_high)


def _seen_beyond(surface: EnergySurface, box: Box, ceiling: float) -> Box | None:
    """A box with what lies below the ceiling as far again on all sides, None if nothing does.

    A cold function has wells behind walls that end its box too early.
    """
    span = box.high - box.low
    n = 3 * _SCAN[len(span)][0]
    axes = [
        np.linspace(low, high, n)
        for low, high in zip(box.low - span, box.high + span, strict=True)
    ]
    below = _on_grid(surface, axes) <= ceiling
    if not below.any():  # what is in the box lies between these nodes
        return None
    first, last = _extent(below)
    low, high = (
        np.array([x[i] for x, i in zip(axes, ends, strict=True)]) for ends in (first, last)
    )
    if (low >= box.low).all() and (high <= box.high).all():
        return None
    return Box(low=np.minimum(low, box.low), high=np.maximum(high, box.high))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Told:
    """What the features say before the surface is looked at."""

    low: NDArray[np.float64]  # (d,)
    high: NDArray[np.float64]  # (d,)
    floor: float  # the least energy at a centre
    width: NDArray[np.float64] | None  # to be seen by the scan, (d,); None if it is a guess


def _told_by_features(surface: EnergySurface, cut: float) -> _Told:
    features = surface.features
    centers, widths = features.centers.cpu().numpy(), features.widths.cpu().numpy()
    n = len(centers)
    chosen = np.arange(0, n, -(-n // _ASKED))
    with torch.no_grad():
        at_centers = surface.energy(features.centers[torch.from_numpy(chosen)]).cpu().numpy()
    _check_energy(at_centers)
    # Up to there a parabola of that width stays within the cut of its own minimum.
    reach = math.sqrt(2 * cut) * widths
    return _Told(
        low=(centers - reach).min(axis=0),
        high=(centers + reach).max(axis=0),
        floor=float(at_centers.min()),
        # One feature says where to begin, and its width may be anything.
        width=fine_width(surface) if n > 1 else None,
    )


def _scan_axes(
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    width: NDArray[np.float64] | None,
    finer: int,
) -> list[NDArray[np.float64]]:
    """Coarse axes; their steps are below the radius, √(2 · cut) > 6 widths, of a lone feature.

    Raises:
        InvalidInputError: If they have to be finer than memory allows.
    """
    fewest, most = _SCAN[len(low)]
    if width is None:
        counts = np.full(len(low), fewest)
    else:
        counts = np.clip(np.ceil((high - low) / (4 * width)).astype(int), fewest, most)
    counts = finer * counts
    if math.prod(counts.tolist()) > _MAX_BOX:
        msg = (
            f"e^(−U) is so narrow that {_MAX_BOX:,} nodes in a box of {high - low} miss it. Take "
            "method='ritz', or another unit of length."
        )
        raise InvalidInputError(msg)
    return [np.linspace(a, b, n) for a, b, n in zip(low, high, counts, strict=True)]


def _extent(kept: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first and the last index along each axis where a node is kept, (d,) each."""
    first, last = [], []
    for k in range(kept.ndim):
        (seen,) = np.nonzero(kept.any(axis=tuple(j for j in range(kept.ndim) if j != k)))
        first.append(seen[0])
        last.append(seen[-1])
    return np.array(first), np.array(last)


def energy_grid(
    surface: EnergySurface, box: Box, spacing: NDArray[np.float64], *, cut: float, max_nodes: int
) -> EnergyGrid:
    """U on a grid of that spacing over the box, cropped to the nodes within the cut.

    Raises:
        InvalidInputError: If U is NaN somewhere.
        NodeLimitError: If the box or the kept nodes are too many.
    """
    counts = np.ceil((box.high - box.low) / spacing).astype(np.int64) + 1
    total = math.prod(counts.tolist())
    if total > _MAX_BOX:
        raise NodeLimitError(total, _MAX_BOX, counts.tolist(), spacing)
    middle = 0.5 * (box.low + box.high)
    axes = [
        m + h * (np.arange(n) - 0.5 * (n - 1))
        for m, h, n in zip(middle, spacing, counts, strict=True)
    ]
    energy = _on_grid(surface, axes)
    offset = float(energy.min())
    kept = _without_islands(energy, energy <= offset + cut, offset + cut)
    window = [slice(a, b + 1) for a, b in zip(*_extent(kept), strict=True)]
    kept = np.ascontiguousarray(kept[tuple(window)])
    n_nodes = int(kept.sum())
    if n_nodes > max_nodes:
        raise NodeLimitError(n_nodes, max_nodes, counts.tolist(), spacing)
    return EnergyGrid(
        axes=[x[w] for x, w in zip(axes, window, strict=True)],
        spacing=spacing,
        energy=energy[tuple(window)] - offset,
        kept=kept,
        offset=offset,
    )


def _without_islands(
    energy: NDArray[np.float64], kept: NDArray[np.bool_], ceiling: float
) -> NDArray[np.bool_]:
    """The kept nodes but for shallow ponds that the ceiling cuts off from all others.

    Cut off, a pond has a level of exactly 0; what carries it over to the others lies above the
    ceiling, and its density is at most e^{depth − cut} of the greatest.
    """
    labelled: Any = ndimage.label(kept, structure=np.ones((3,) * kept.ndim))
    labels, n = labelled
    if n == 1:
        return kept
    index = np.arange(1, n + 1)
    deep = ndimage.minimum(energy, labels, index) <= ceiling - _LEAST_DEPTH
    return np.isin(labels, index[deep])


def _on_grid(surface: EnergySurface, axes: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    tensors: list[Tensor] = [torch.from_numpy(x).to(surface.device) for x in axes]
    energy = surface.on_grid(tensors).cpu().numpy()
    _check_energy(energy)
    return energy


def _check_energy(energy: NDArray[np.float64]) -> None:
    if np.isnan(energy).any():
        msg = (
            "The energy surface is NaN somewhere, so it has no spectrum. Check the function on "
            "codes far out."
        )
        raise InvalidInputError(msg)
    if np.isneginf(energy).any():
        msg = (
            "The energy surface is −∞ somewhere, so its density cannot be normalised on a grid. "
            "Bound the energy from below."
        )
        raise InvalidInputError(msg)
    if not np.isfinite(energy).any():
        msg = "The energy surface is +∞ wherever it was asked, so there is no density."
        raise InvalidInputError(msg)


_UNCONFINED = (
    "The energy surface does not confine: over a box of {size:.3g} it does not rise by {cut:g} "
    "nats, so e^(−U) cannot be normalised. Add a term that grows, such as the prior's ½∣z∣²."
)
