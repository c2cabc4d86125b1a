"""Loops from the doublets of a spectrum: certified by their bar, with their angle."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from .clusters import LocalModes
from .winding import Lattice, Winding, joint_birth, winding

__all__ = ["Loop", "LoopSearch", "ShallowHole", "find_loops"]

# A hole is one that thermal motion seldom crosses: its bar is longer than T. Deep ones come first,
# so that a shallow hole of a rough surface is taken only for what they leave unexplained.
_BARS = (4.0, 2.0, 1.0)
# Shallower holes are roughness; between this and T it cannot be told.
_SHALLOW_BAR = 0.25
# Modes whose pictures are looked at for holes about other points than 0.
_MODES = 5
# One lobe of a figure eight is half as steep as both at once.
_OFF_CENTER = 1.5
_BINS = 48
_HOLES = 4  # of a picture, the largest ones


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loop:
    """A loop that the energy surface runs along, and the angle on it.

    The angle is the phase of two modes about a point of their plane; it is 0 in the direction of
    the first. Its sense and its origin are as arbitrary as the signs of the modes.
    """

    cluster: int  # which cluster it lies in
    levels: tuple[float, float]  # of the two modes
    splitting: float  # relative, of the two levels
    radius: float  # √(T/E) of their mean: that of a circle as slow to go round
    persistence: float  # the bar of its hole in nats, as the lattice resolves it, up to 14 T
    overtone: float  # level of e^{2iθ} over that of e^{iθ}: 4 on a circle; NaN if out of reach
    coefficients: NDArray[np.float64]  # of the two modes in those of the spectrum, (n_levels, 2)
    center: NDArray[np.float64]  # the point of their plane that the angle is taken about, (2,)
    modes: Callable[[Tensor], Tensor]

    def angle(self, z: Tensor) -> Tensor:
        """The angle at z (B, d), in [0, 2π), shape (B,), differentiable where it is not 0."""
        values = self.modes(z)
        turn = torch.as_tensor(self.coefficients, dtype=values.dtype, device=values.device)
        center = torch.as_tensor(self.center, dtype=values.dtype, device=values.device)
        across = values @ turn - center  # (B, 2)
        return torch.atan2(across[:, 1], across[:, 0]).remainder(2 * math.pi)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShallowHole:
    """What two modes go round, too shallow to be called a loop."""

    cluster: int
    levels: tuple[float, float]
    persistence: float  # in nats, above 0 and below T


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoopSearch:
    """What was found in one cluster."""

    loops: tuple[Loop, ...]
    shallow: tuple[ShallowHole, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Picture:
    """Two modes about a point of their plane."""

    pair: tuple[int, int]
    center: NDArray[np.float64]  # (2,)
    winding: Winding


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """A picture that winds round what the ones before do not, and the bar of that."""

    picture: _Picture
    bar: float  # in units of T


def find_loops(
    local: LocalModes,
    values: NDArray[np.float64],
    energy: NDArray[np.float64],
    grid: Lattice,
    *,
    cluster: int,
    temperature: float,
    modes: Callable[[Tensor], Tensor],
    weights: NDArray[np.float64],
) -> LoopSearch:
    """The independent loops of one cluster.

    Two modes map the nodes to a plane. Where the image goes round a point, the phase about it
    is certified by its winding on sublevel sets of the energy (`winding`): a loop is a class of
    H¹ that lives longer than T. So overtones, which wind along a loop already found, and pairs
    that a filled disc or a sphere makes, count for nothing.

    Args:
        local: The cluster's modes.
        values: Modes of the spectrum at the cluster's nodes, (G, n_levels).
        energy: At the nodes, in units of T, (G,).
        grid: The nodes' neighbours, levels in units of T.
        cluster: Its number.
        temperature: T.
        modes: The spectrum's modes as a function of z.
        weights: Of the nodes, (G,), any sum.
    """
    own = values @ local.coefficients[:, 1:]  # (G, m), the constant left out
    levels = local.levels[1:]
    pairs = sorted(
        itertools.combinations(range(len(levels)), 2), key=lambda p: levels[p[0]] + levels[p[1]]
    )
    centers = [(pair, np.zeros(2)) for pair in pairs] + [
        (pair, center)
        for pair in pairs
        if max(pair) < _MODES
        for center in _holes(own[:, list(pair)], energy)
    ]
    every = (_picture(own, pair, center, grid) for pair, center in centers)
    pictures = [picture for picture in every if picture.winding.persistence > _SHALLOW_BAR]
    found = _independent(pictures, [], grid, _BARS)
    doubtful = _independent(pictures, found, grid, (_SHALLOW_BAR,))[len(found) :]
    shallow = [
        ShallowHole(
            cluster=cluster,
            levels=(float(levels[hole.picture.pair[0]]), float(levels[hole.picture.pair[1]])),
            persistence=hole.bar * temperature,
        )
        for hole in doubtful
    ]
    loops = [
        _loop(loop, local, own, weights, cluster=cluster, temperature=temperature, modes=modes)
        for loop in found
    ]
    return LoopSearch(loops=tuple(loops), shallow=tuple(shallow))


def _picture(
    own: NDArray[np.float64], pair: tuple[int, int], center: NDArray[np.float64], grid: Lattice
) -> _Picture:
    across = own[:, list(pair)] - center
    return _Picture(
        pair=pair, center=center, winding=winding(grid, across[:, 0] + 1j * across[:, 1])
    )


def _independent(
    pictures: list[_Picture], known: list[_Found], grid: Lattice, bars: tuple[float, ...]
) -> list[_Found]:
    """The known loops and more that are independent: deep holes first, then even phases.

    The phase that is steep nowhere goes once round one loop: overtones are steeper, and so is
    what goes round two.
    """
    smooth = sorted(pictures, key=_steepness)
    found = list(known)
    for least in bars:
        for picture in smooth:
            if picture.winding.persistence <= least:
                continue
            bar = _new_bar(picture.winding, [f.picture.winding for f in found], grid)
            if bar > least:
                found.append(_Found(picture=picture, bar=bar))
    return found


def _steepness(picture: _Picture) -> float:
    """The mean square slope of the phase, by which pictures are ordered."""
    # Next to a vortex the slope depends on where it lies between the nodes: the modes' own centre
    # is kept unless another is clearly better.
    return picture.winding.slope * (_OFF_CENTER if picture.center.any() else 1.0)


def _new_bar(winding: Winding, known: list[Winding], grid: Lattice) -> float:
    """The bar of what a phase winds round and those known do not; −∞ if there is nothing."""
    # Bars that are never alive together are two loops, whatever one is there to compare.
    alive = [w for w in known if w.death > winding.birth and winding.death > w.birth]
    return winding.death - joint_birth(grid, [*alive, winding])


def _holes(
    image: NDArray[np.float64], energy: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    """Points of the plane that the image goes round at some energy, largest holes first."""
    low, high = image.min(axis=0), image.max(axis=0)
    size = np.maximum(high - low, np.finfo(float).tiny) / _BINS
    bins = np.minimum(((image - low) / size).astype(np.int64), _BINS - 1)
    floor = np.full((_BINS, _BINS), np.inf)  # the least energy that is seen in a bin
    np.minimum.at(floor, tuple(bins.T), energy)
    depths = np.zeros((_BINS, _BINS))  # how far a bin is from the rim of its largest hole
    for level in np.arange(energy.min() + 1, energy.max() + 1):
        inside = floor <= level
        hole = np.asarray(ndimage.binary_fill_holes(inside)) & ~inside
        depth = np.asarray(ndimage.distance_transform_edt(hole))
        middle = (depth > 0) & (depth == ndimage.maximum_filter(depth, size=3))
        depths[middle] = np.maximum(depths[middle], depth[middle])
    order = np.argsort(-depths, axis=None, kind="stable")[:_HOLES]
    for row, column in np.column_stack(np.unravel_index(order, depths.shape)):
        if depths[row, column] > 0:
            yield low + (np.array([row, column]) + 0.5) * size


def _loop(
    found: _Found,
    local: LocalModes,
    own: NDArray[np.float64],
    weights: NDArray[np.float64],
    *,
    cluster: int,
    temperature: float,
    modes: Callable[[Tensor], Tensor],
) -> Loop:
    picture = found.picture
    i, j = picture.pair
    levels = local.levels[1:]
    mean = 0.5 * (levels[i] + levels[j])
    return Loop(
        cluster=cluster,
        levels=(float(levels[i]), float(levels[j])),
        splitting=_splitting(levels, picture.pair),
        radius=math.sqrt(temperature / mean),
        persistence=found.bar * temperature,
        overtone=_overtone(picture, levels, own, weights) / mean,
        coefficients=local.coefficients[:, [1 + i, 1 + j]],
        center=picture.center,
        modes=modes,
    )


def _splitting(levels: NDArray[np.float64], pair: tuple[int, int]) -> float:
    low, high = levels[pair[0]], levels[pair[1]]
    return float(2 * (high - low) / (high + low))


def _overtone(
    picture: _Picture,
    levels: NDArray[np.float64],
    own: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> float:
    """The mean level of e^{2iθ} in the modes at hand; NaN if they hold less than half of it."""
    i, j = picture.pair
    phase = np.angle(own[:, i] - picture.center[0] + 1j * (own[:, j] - picture.center[1]))
    shares = weights / weights.sum()
    held = np.abs((shares[:, None] * own).T @ np.exp(2j * phase)) ** 2
    # Modes of the cluster are normalised over the whole, e^{2iθ} over the cluster.
    held = held / (shares @ own**2)
    if held.sum() < 0.5:
        return math.nan
    return float(held @ levels[: len(held)] / held.sum())
