"""Minimum-energy paths: from one state over the lowest passes to another."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import accumulate
from numbers import Integral

import torch
from torch import Tensor

from topopert.errors import InvalidInputError
from topopert.hamiltonian.surfaces import EnergySurface

from .basins import basin_labels
from .flow_lines import Line, descending_lines, saddle_lines, straight_line
from .network import TransitionNetwork

__all__ = ["TransitionPath", "checked_place", "minimum_energy_path"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TransitionPath:
    """A path along which ∇U has no part across it, but where it turns at minima and saddles."""

    points: Tensor  # (n, d)
    energies: Tensor  # U, (n,), nats
    arc_lengths: Tensor  # from the beginning, (n,)
    saddles: Tensor  # rows of the saddles that it crosses, (K,), int64
    minima: Tensor  # rows of the minima that it passes, ends that are minima included, int64

    @property
    def length(self) -> float:
        """Length of the path."""
        return float(self.arc_lengths[-1])

    @property
    def barrier(self) -> float:
        """Highest U on the path minus U at its beginning, in nats."""
        return float(self.energies.max() - self.energies[0])

    @property
    def reverse_barrier(self) -> float:
        """Highest U on the path minus U at its end, in nats."""
        return float(self.energies.max() - self.energies[-1])


def minimum_energy_path(
    surface: EnergySurface,
    network: TransitionNetwork,
    begin: int | Tensor,
    end: int | Tensor,
    *,
    n_points: int,
) -> TransitionPath:
    """The path of the lowest highest point, made of flow lines down from its saddles.

    Of all ways between two minima it takes the one in the minimum spanning tree of saddles: each
    of its passes is as low as can be.

    Args:
        surface: U.
        network: Its minima and saddles.
        begin: Number of a minimum of the network, or a point (d,), from which the flow line leads
            down to one.
        end: The same, for the other end.
        n_points: About how many points; each minimum and saddle on the way is one of them.
    """
    first, lead_in = _entrance(surface, network, begin)
    last, lead_out = _entrance(surface, network, end)
    steps = _tree_path(network, first, last)
    rows = torch.tensor([saddle for saddle, _ in steps], dtype=torch.int64)
    rows = rows.to(network.ends.device)
    sides = saddle_lines(surface, network.saddles[rows], network.minima.points[network.ends[rows]])
    lines = lead_in + [
        line
        for (_, forward), pair in zip(steps, sides, strict=True)
        for line in _crossing(pair, forward=forward)
    ]
    lines += [line.reversed() for line in lead_out]
    # Stops lie between lines: a minimum after the way in, then saddles and minima in turn.
    stops = ["minimum", *["saddle", "minimum"] * len(steps)]
    stops = ["point"] * len(lead_in) + stops + ["point"] * len(lead_out)
    if not lines:
        lines = [straight_line(network.minima.points[first], network.minima.points[first])]
        stops *= 2
    return _sampled(surface, lines, stops, n_points)


def checked_place(
    place: int | Tensor, surface: EnergySurface, rows: Tensor, *, name: str
) -> int | Tensor:
    """A minimum of the network, given as a state, or a point in the surface's type and place.

    Args:
        place: Number of a state, or a point (d,).
        surface: U.
        rows: The minimum of the network that each state is, (M,).
        name: What the argument is called.

    Raises:
        InvalidInputError: If it is neither.
    """
    n = len(rows)
    if isinstance(place, Integral) and not isinstance(place, bool):
        if not 0 <= place < n:
            msg = f"`{name}` must be one of the {n} states, 0 to {n - 1}, got {place}."
            raise InvalidInputError(msg)
        return int(rows[int(place)])
    if not isinstance(place, Tensor) or place.ndim != 1:
        given = tuple(place.shape) if isinstance(place, Tensor) else repr(place)
        msg = (
            f"`{name}` must be the number of a state or a point ({surface.latent_dim},), "
            f"got {given}."
        )
        raise InvalidInputError(msg)
    point = surface.checked_codes(place[None])[0].detach()
    if not point.isfinite().all():
        msg = f"`{name}` has NaN or infinity: it is no point."
        raise InvalidInputError(msg)
    return point


def _entrance(
    surface: EnergySurface, network: TransitionNetwork, place: int | Tensor
) -> tuple[int, list[Line]]:
    """The minimum that a place leads to, and the line that leads there."""
    if not isinstance(place, Tensor):
        return place, []
    minimum = int(basin_labels(surface, network.minima, place[None])[0])
    (line,) = descending_lines(surface, place[None], network.minima.points[minimum][None])
    return minimum, [line]


def _tree_path(network: TransitionNetwork, first: int, last: int) -> list[tuple[int, bool]]:
    """The saddles on the way in the spanning tree, and whether from ends[0] to ends[1]."""
    tree = network.tree
    neighbours: list[list[tuple[int, int, bool]]] = [[] for _ in range(len(tree.births))]
    for saddle in tree.saddles[tree.saddles >= 0].tolist():
        i, j = network.ends[saddle].tolist()
        neighbours[i].append((j, saddle, True))
        neighbours[j].append((i, saddle, False))
    came: dict[int, tuple[int, int, bool]] = {first: (first, -1, True)}
    queue = deque([first])
    while queue:
        node = queue.popleft()
        for other, saddle, forward in neighbours[node]:
            if other not in came:
                came[other] = (node, saddle, forward)
                queue.append(other)
    steps = []
    while last != first:
        last, saddle, forward = came[last]
        steps.append((saddle, forward))
    return steps[::-1]


def _crossing(sides: tuple[Line, Line], *, forward: bool) -> list[Line]:
    up, down = sides if forward else sides[::-1]
    return [up.reversed(), down]


def _sampled(
    surface: EnergySurface, lines: list[Line], stops: list[str], n_points: int
) -> TransitionPath:
    total = sum(line.length for line in lines)
    intervals = [
        max(1, round((n_points - 1) * line.length / max(total, 1e-300))) for line in lines
    ]
    parts = [line.sampled(n) for line, n in zip(lines, intervals, strict=True)]
    points = torch.cat([parts[0][:1], *(part[1:] for part in parts)])
    with torch.no_grad():
        energies = surface.energy(points)
    pieces = (points[1:] - points[:-1]).norm(dim=1)
    at = [0, *accumulate(intervals)]
    rows = {
        kind: torch.tensor([row for row, stop in zip(at, stops, strict=True) if stop == kind])
        for kind in ("saddle", "minimum")
    }
    return TransitionPath(
        points=points,
        energies=energies,
        arc_lengths=torch.cat([pieces.new_zeros(1), pieces.cumsum(dim=0)]),
        saddles=rows["saddle"].to(torch.int64),
        minima=rows["minimum"].to(torch.int64),
    )
