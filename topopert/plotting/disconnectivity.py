"""The disconnectivity graph of an energy landscape: its minima, and the heights that part them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from topopert._checks import check_real
from topopert._lazy import require
from topopert.errors import InvalidInputError

from .axes import new_axes
from .numbers import drawable
from .palette import BLUE, INK, SMALL, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from topopert.hamiltonian.landscape import MergeTree

__all__ = ["plot_disconnectivity"]

_NUMBERED = 20  # leaves: the numbers of more would touch


def plot_disconnectivity(
    tree: MergeTree,
    *,
    min_persistence: float = 0.0,
    ax: Axes | None = None,
    **line_kw: Any,
) -> Axes:
    """A leaf for each minimum at its energy; two branches meet at the saddle that joins them.

    No branches cross: a state stands beside the one that it joins. The lowest minimum is marked.
    Up to 20 leaves bear their numbers.

    Args:
        tree: What `EnergyLandscape.barrier_tree` returns.
        min_persistence: Minima whose barrier to a lower one is less are left out, in nats.
        ax: Where to draw; None makes new axes.
        **line_kw: For matplotlib's `LineCollection` of the branches.

    Raises:
        InvalidInputError: If the tree has no minima, or `min_persistence` is negative.

    References:
        Becker & Karplus, The topology of multidimensional potential energy surfaces, J. Chem.
        Phys. 106 (1997); Wales, Energy Landscapes (2003), section 5.2.
    """
    births = drawable(tree.births, name="births")
    if not len(births):
        msg = "The tree has no minima. Pass the `barrier_tree()` of a landscape."
        raise InvalidInputError(msg)
    check_real(min_persistence, name="min_persistence", low=0.0)
    # No state outlives the one that it joins: without a branch, all that joins it is gone too.
    kept = drawable(tree.persistence, name="persistence") >= min_persistence
    leaves = np.array([state for state in tree.leaf_order.tolist() if kept[state]])
    ax = new_axes(3.4, 3.4) if ax is None else ax
    height = _branch_top(births, drawable(tree.deaths, name="deaths"), leaves)
    branches = _branches(tree, leaves, height)
    lines: Any = require("matplotlib.collections", extra="plot")
    ax.add_collection(
        lines.LineCollection(
            branches, **{"colors": INK, "linewidths": 1.2, "capstyle": "projecting", **line_kw}
        )
    )
    lowest = leaves[births[leaves].argmin()]
    place = np.arange(len(leaves))
    size = 4.5 if len(leaves) <= _NUMBERED else 2.0
    style = {"linestyle": "none", "marker": "o", "markersize": size, "zorder": 3}
    ax.plot(place, births[leaves], color=BLUE, **style)
    ax.plot(place[leaves == lowest], births[[lowest]], color=VERMILLION, **style)
    if len(leaves) <= _NUMBERED:
        for x, state in zip(place, leaves, strict=True):
            ax.annotate(
                f"{state}",
                (x, births[state]),
                xytext=(0, -4),
                textcoords="offset points",
                ha="center",
                va="top",
                fontsize=SMALL,
            )
    low = float(births[leaves].min())
    ax.set(
        xticks=[],
        xlim=(-0.7, len(leaves) - 0.3),
        ylim=(low - 0.1 * (height - low), height),  # room for the lowest leaf's number
        xlabel="minima",
        ylabel="energy $U$, nats",
    )
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    return ax


def _branch_top(
    births: NDArray[np.float64], deaths: NDArray[np.float64], leaves: NDArray[np.int_]
) -> float:
    """Where the branches that join nothing end."""
    ends = deaths[leaves][np.isfinite(deaths[leaves])]
    low, high = (
        float(births[leaves].min()),
        float(max(births[leaves].max(), ends.max(initial=-np.inf))),
    )
    return high + (0.08 * (high - low) or 1.0)


def _branches(tree: MergeTree, leaves: NDArray[np.int_], top: float) -> list[NDArray[np.float64]]:
    """Polygons of the branches: one for each saddle, and one for what goes on to the top."""
    births = drawable(tree.births, name="births")
    deaths = drawable(tree.deaths, name="deaths")
    x = {state: float(place) for place, state in enumerate(leaves.tolist())}
    foot = {state: float(births[state]) for state in x}  # where the branch of a component begins
    branches = []
    for state in sorted(x, key=deaths.__getitem__):
        elder, height = int(tree.elders[state]), float(deaths[state])
        if elder < 0:
            branches.append(np.array([(x[state], foot[state]), (x[state], top)]))
            continue
        corners = [(x[elder], foot[elder]), (x[elder], height)]
        corners += [(x[state], height), (x[state], foot[state])]
        branches.append(np.array(corners))
        x[elder], foot[elder] = 0.5 * (x[elder] + x[state]), height
    return branches
