"""The network of a surface's minima and the transition states between them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from topopert.errors import BackendError
from topopert.hamiltonian.surfaces import EnergySurface, MixtureSurface, row_blocks

from .merge_tree import MergeTree, absorbed, merge_tree, minimax_heights
from .minima import energy_order, find_minima, matches
from .pairs import linking_pairs
from .saddles import Peaks, converged_saddles, mode_peaks, path_peaks, segment_peaks, sides_of
from .starts import LOW
from .stationary import StationaryPoints, joined
from .string_method import relaxed_strings

__all__ = ["TransitionNetwork", "transition_network"]

# Rounds in which minima found beyond a saddle are linked to their own neighbours.
_ROUNDS = 20
# Beyond so many minima none is left along its own modes any more: there would be no end.
_MANY = 1000
# Rounds of the string method, and how many pairs are relaxed in each, lowest paths first.
_STRING_ROUNDS, _STRINGS = 12, 96
# A path that is so much lower than the tree says, in nats, shows that a saddle is missing.
_BEATS = 1e-6
# Minima that a climb of so many nats joins are one valley, flat along a line: no saddle is there.
_FLAT = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TransitionNetwork:
    """All minima found, however shallow, lowest first, and the saddles of index 1 between them."""

    minima: StationaryPoints  # m of them
    saddles: StationaryPoints  # s of them, lowest first
    ends: Tensor  # the two minima that each saddle joins, (s, 2), int64; both may be one
    reach: float  # a descent that goes farther has run away

    @property
    def tree(self) -> MergeTree:
        """The merge tree of all minima."""
        return merge_tree(self.minima.energies, self.saddles.energies, self.ends)


def transition_network(surface: EnergySurface, *, min_barrier: float) -> TransitionNetwork:
    """Minima, saddles and what they join, of an energy surface.

    Straight segments between neighbouring minima are climbed at their peaks, and of surfaces that
    are no mixtures each minimum is left along its modes; each saddle is left on both sides to
    learn what it joins. Where a path is lower than the saddles found say, where
    they leave parts unjoined, and between neighbours of a barrier that counts, a string is relaxed
    and its peaks are climbed.

    Args:
        surface: U.
        min_barrier: The least barrier that counts, in nats: strings are spent on these.

    Raises:
        InvalidInputError: If U does not confine, or no minimum is found.
        BackendError: If some minima are joined to the rest by no saddle that could be found.
    """
    minima, reach = find_minima(surface)
    search = _Search(surface, minima, reach)
    fresh = linking_pairs(minima.points)
    begun = 0
    for _ in range(_ROUNDS):
        known = len(search.minima)
        if not isinstance(surface, MixtureSurface) and known <= _MANY:
            # Of a mixture every place where U bends is known; any other has to be explored.
            search.climb(mode_peaks(search.low_minima(begun)), fresh[:0])
        begun = known
        begins, ends = search.minima.points[fresh[:, 0]], search.minima.points[fresh[:, 1]]
        search.climb(segment_peaks(surface, begins, ends), fresh)
        if len(search.minima) == known:
            break
        fresh = linking_pairs(search.minima.points)
        fresh = fresh[(fresh >= known).any(dim=1)]
    for attempt in range(_STRING_ROUNDS):
        pairs = search.doubtful_pairs(min_barrier if attempt == 0 else None)
        if not len(pairs):
            break
        begins, ends = search.minima.points[pairs[:, 0]], search.minima.points[pairs[:, 1]]
        search.climb(path_peaks(surface, relaxed_strings(surface, begins, ends)), pairs)
        search.relaxed = torch.cat([search.relaxed, pairs])
    return search.network()


class _Search:
    """What has been found so far; minima keep their numbers while it goes on."""

    def __init__(self, surface: EnergySurface, minima: StationaryPoints, reach: float) -> None:
        self.surface, self.minima, self.reach = surface, minima, reach
        self.saddles = minima[torch.zeros(0, dtype=torch.int64)]
        self.ends = torch.zeros(0, 2, dtype=torch.int64, device=minima.points.device)
        self.relaxed = self.ends  # pairs whose strings have been relaxed
        self.pairs, self.heights = self.ends, minima.energies[:0]  # upper bounds by paths

    def climb(self, peaks: Peaks, pairs: Tensor) -> None:
        """Adds the saddles above the peaks and the minima beyond them."""
        self.pairs = torch.cat([self.pairs, pairs])
        self.heights = torch.cat([self.heights, peaks.heights])
        saddles = converged_saddles(self.surface, peaks, reach=self.reach)
        saddles = saddles[matches(saddles.points, self.saddles) < 0]
        rests = sides_of(self.surface, saddles, reach=self.reach)
        held = rests.at_rest & (rests.index == 0)
        ended = held.reshape(2, -1).all(dim=0)
        saddles, rests = saddles[ended], rests[ended.repeat(2)]
        unknown = rests[matches(rests.points, self.minima) < 0]
        unknown = unknown[energy_order(unknown)]
        first = matches(unknown.points, unknown) == torch.arange(len(unknown))
        self.minima = joined(self.minima, unknown[first])
        self.saddles = joined(self.saddles, saddles)
        ends = matches(rests.points, self.minima).reshape(2, -1).T
        self.ends = torch.cat([self.ends, ends])

    def low_minima(self, begun: int) -> StationaryPoints:
        """The minima from a number on that e^{−U} is not too small at to count for anything."""
        energies = self.minima.energies
        low = energies <= energies.min() + LOW
        return self.minima[low.nonzero().squeeze(1)[int(low[:begun].sum()) :]]

    def tree(self) -> tuple[MergeTree, Tensor]:
        """The merge tree so far, and the rank by energy of each minimum."""
        order = energy_order(self.minima)
        rank = torch.empty_like(order)
        rank[order] = torch.arange(len(order), device=order.device)
        births = self.minima.energies[order]
        return merge_tree(births, self.saddles.energies, rank[self.ends]), rank

    def doubtful_pairs(self, min_barrier: float | None) -> Tensor:
        """Pairs not relaxed yet whose path may cross a saddle that is not known, (P, 2)."""
        tree, rank = self.tree()
        minimax = minimax_heights(tree, rank[self.pairs])
        below = self.heights < minimax - _BEATS
        pairs, heights = self.pairs[below], self.heights[below]
        if not len(pairs) and bool((tree.elders < 0).sum() > 1):
            pairs, heights = self._bridges(tree, rank)
        chosen = pairs[heights.argsort(stable=True)]
        if min_barrier is not None:
            chosen = torch.cat([self._unjoined(tree, rank, min_barrier), chosen])
        chosen = _without(chosen, self.relaxed)
        return chosen[:_STRINGS]

    def _unjoined(self, tree: MergeTree, rank: Tensor, min_barrier: float) -> Tensor:
        """Neighbours among the states that count, which no saddle joins directly, (P, 2)."""
        owner = absorbed(tree, min_barrier)  # by rank
        states = owner.unique()
        where = rank.argsort()  # from rank to number
        near = linking_pairs(self.minima.points[where[states]])
        direct = owner[rank[self.ends]]
        numbers = where[states[near]]
        known = torch.cat([where[direct], where[direct.flip(1)]])
        return _without(numbers, known)

    def _bridges(self, tree: MergeTree, rank: Tensor) -> tuple[Tensor, Tensor]:
        """From each minimum to the nearest of another part not tried yet, and the distances."""
        part = absorbed(tree, torch.inf)[rank]
        points = self.minima.points
        pairs, lengths = [], []
        for rows in row_blocks(len(points), 1 << 10):
            distance = torch.cdist(points[rows], points)
            distance[part[rows, None] == part] = torch.inf
            for side in (self.relaxed, self.relaxed.flip(1)):
                here = side[(side[:, 0] >= rows.start) & (side[:, 0] < rows.stop)]
                distance[here[:, 0] - rows.start, here[:, 1]] = torch.inf
            length, nearest = distance.min(dim=1)
            own = torch.arange(rows.start, rows.stop, device=points.device)
            pairs.append(torch.stack([own, nearest], dim=1)[length.isfinite()])
            lengths.append(length[length.isfinite()])
        return torch.cat(pairs).sort(dim=1).values, torch.cat(lengths)

    def network(self) -> TransitionNetwork:
        """What was found, by energy.

        Raises:
            BackendError: If it is in parts.
        """
        minima, saddles, ends = self.minima, self.saddles, self.ends
        order = energy_order(minima)
        rank = order.argsort()
        up = energy_order(saddles)
        found = TransitionNetwork(
            minima=minima[order], saddles=saddles[up], ends=rank[ends][up], reach=self.reach
        )
        n_parts = int((found.tree.elders < 0).sum())
        if n_parts == 1:
            return found
        return _without_flat_copies(found, rank[self.pairs], self.heights)


def _without_flat_copies(
    network: TransitionNetwork, pairs: Tensor, heights: Tensor
) -> TransitionNetwork:
    """Drops minima that a path of no barrier joins to a lower one: points of one flat valley.

    Raises:
        BackendError: If parts remain that nothing joins.
    """
    energies = network.minima.energies
    flat = heights <= energies[pairs].amax(dim=1) + _FLAT
    # Paths that are flat are joined before saddles are, as if each were one.
    tree = merge_tree(energies, heights[flat], pairs[flat])
    owner = absorbed(tree, torch.inf)
    kept = owner.unique()
    number = torch.searchsorted(kept, owner)
    reduced = TransitionNetwork(
        minima=network.minima[kept],
        saddles=network.saddles,
        ends=number[network.ends],
        reach=network.reach,
    )
    lonely = reduced.tree.elders < 0
    if int(lonely.sum()) > 1:
        at = reduced.minima.energies[lonely]
        msg = (
            f"{int(lonely.sum())} groups of minima, the lowest of each at U = "
            f"{', '.join(f'{x:.4g}' for x in at[:5].tolist())} nats, are joined by no saddle that "
            "could be found. U must be smooth (twice differentiable) between them; a wider "
            "`bandwidth` or wider wells leave fewer."
        )
        raise BackendError(msg)
    return reduced


def _without(pairs: Tensor, others: Tensor) -> Tensor:
    """The pairs that are not among the others, each once, in their order; both ways count."""
    pairs, others = pairs.sort(dim=1).values, others.sort(dim=1).values
    seen = set(map(tuple, others.tolist()))
    rows = []
    for row, pair in enumerate(map(tuple, pairs.tolist())):
        if pair not in seen:
            seen.add(pair)
            rows.append(row)
    return pairs[torch.tensor(rows, dtype=torch.int64, device=pairs.device)]
