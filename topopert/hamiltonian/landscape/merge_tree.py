"""The merge tree of an energy surface: which state joins which, and at what height."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from topopert.records import PersistenceDiagram

__all__ = ["MergeTree", "absorbed", "merge_tree", "minimax_heights"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MergeTree:
    """The elder rule: where two components of {U ≤ E} meet, the one of the higher minimum ends.

    States are numbered by energy, so that a state's elder has the smaller number.
    """

    births: Tensor  # energy of each minimum, (M,), nats
    deaths: Tensor  # energy of the saddle where its component ends, (M,); +∞ for the lowest
    elders: Tensor  # the state whose component goes on, (M,), int64; −1 for the lowest
    saddles: Tensor  # the saddle of that, index into the saddles given, (M,); −1 for the lowest
    contacts: Tensor  # the state on the saddle's other side, in the elder's component, (M,)

    @property
    def persistence(self) -> Tensor:
        """Death minus birth, (M,), nats: the barrier that keeps a state from a lower one."""
        return self.deaths - self.births

    @property
    def diagram(self) -> PersistenceDiagram:
        """The H0 bars of U's sublevels, longest first."""
        ends = self.elders >= 0
        pairs = torch.stack([self.births, self.deaths], dim=1)[ends].cpu()
        order = (pairs[:, 0] - pairs[:, 1]).argsort(stable=True)
        return PersistenceDiagram(
            pairs=pairs[order].numpy(),
            essential=self.births[~ends].cpu().numpy(),
            homology_dim=0,
        )

    @property
    def leaf_order(self) -> Tensor:
        """The states in an order in which a disconnectivity graph's branches do not cross, (M,).

        A state stands beside its elder; of those that join the same elder, the first to join is
        nearest.
        """
        children: list[list[int]] = [[] for _ in range(len(self.births))]
        for state in self.deaths.argsort(stable=True).tolist():
            if self.elders[state] >= 0:
                children[int(self.elders[state])].append(state)
        order: list[int] = []
        # Depth first, by hand: a chain of thousands of states would exhaust Python's stack.
        stack = [s for s in range(len(self.births)) if self.elders[s] < 0][::-1]
        while stack:
            state = stack.pop()
            order.append(state)
            stack.extend(reversed(children[state]))
        return torch.tensor(order, dtype=torch.int64)


def merge_tree(births: Tensor, heights: Tensor, ends: Tensor) -> MergeTree:
    """The merge tree of minima and saddles by the elder rule.

    Args:
        births: Energies of the minima, ascending, shape (M,), nats.
        heights: Energies of the saddles, shape (S,).
        ends: The two minima that each saddle joins, shape (S, 2).

    Returns:
        A forest, if the saddles do not join all minima: each part keeps its lowest.
    """
    n = len(births)
    component = list(range(n))  # union-find; the root of each is its lowest minimum

    def root(state: int) -> int:
        while component[state] != state:
            component[state] = component[component[state]]
            state = component[state]
        return state

    deaths = torch.full_like(births, torch.inf)
    elders, saddles, contacts = (
        torch.full((n,), -1, dtype=torch.int64, device=births.device) for _ in range(3)
    )
    pairs, energies = ends.tolist(), heights.tolist()
    for saddle in heights.argsort(stable=True).tolist():
        i, j = pairs[saddle]
        a, b = root(i), root(j)
        if a == b:
            continue
        elder, younger = min(a, b), max(a, b)
        component[younger] = elder
        deaths[younger] = energies[saddle]
        elders[younger], saddles[younger] = elder, saddle
        contacts[younger] = i if a == elder else j
    return MergeTree(
        births=births, deaths=deaths, elders=elders, saddles=saddles, contacts=contacts
    )


def minimax_heights(tree: MergeTree, pairs: Tensor) -> Tensor:
    """The lowest level at which two states are in one component, (P,); +∞ where there is none."""
    first, second = (side.clone() for side in pairs.unbind(dim=1))
    elders = tree.elders.to(pairs.device)
    height = tree.births[first]  # of a state with itself
    while True:
        apart = first != second
        if not apart.any():
            return height
        # Deaths grow from a state to its elder: the one that dies first is the next to join.
        first_dies = tree.deaths[first] <= tree.deaths[second]
        dying = torch.where(first_dies, first, second)
        height = torch.where(apart, tree.deaths[dying], height)
        follows = apart & (elders[dying] >= 0)
        # Two lowest states of different parts never meet.
        never = apart & ~follows
        first = torch.where(follows & first_dies, elders[first], first)
        second = torch.where(follows & ~first_dies, elders[second], second)
        second = torch.where(never, first, second)


def absorbed(tree: MergeTree, min_persistence: float) -> Tensor:
    """The state that each belongs to, once those of less persistence are given to a neighbour.

    Such a one goes to the state on the other side of the saddle where it ends, which need not be
    the elder: that may be far away by then. The bars of the others stay what they were.

    Returns:
        Shape (M,), int64; a state that counts belongs to itself.
    """
    own = torch.arange(len(tree.births), device=tree.births.device)
    passes = (tree.persistence < min_persistence) & (tree.elders >= 0)
    owner = torch.where(passes, tree.contacts, own)
    while not torch.equal(owner[owner], owner):
        owner = owner[owner]
    return owner
