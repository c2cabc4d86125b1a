"""The energy along a path between two states: what has to be climbed on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from topopert.errors import InvalidInputError

from .axes import new_axes
from .numbers import drawable
from .palette import BLUE, GREY, INK, SMALL, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from topopert.hamiltonian.landscape import TransitionPath

__all__ = ["plot_path"]


def plot_path(path: TransitionPath, *, ax: Axes | None = None, **line_kw: Any) -> Axes:
    """U against the arc length, minima and saddles marked.

    An arrow measures the climb from the first minimum to the highest saddle.

    Args:
        path: What `EnergyLandscape.path` returns.
        ax: Where to draw; None makes new axes.
        **line_kw: For matplotlib's `Axes.plot` of the profile.

    Raises:
        InvalidInputError: If the path has no points.
    """
    energies = drawable(path.energies, name="energies")
    length = drawable(path.arc_lengths, name="arc_lengths")
    if not len(energies):
        msg = "The path has no points. Pass what `EnergyLandscape.path` returns."
        raise InvalidInputError(msg)
    ax = new_axes(3.4, 2.6) if ax is None else ax
    ax.plot(length, energies, **{"color": INK, "linewidth": 1.6, **line_kw})
    marks = {"linestyle": "none", "markersize": 6, "zorder": 3, "clip_on": False}
    minima, saddles = path.minima.cpu().numpy(), path.saddles.cpu().numpy()
    ax.plot(length[minima], energies[minima], color=BLUE, marker="o", label="minimum", **marks)
    ax.plot(
        length[saddles], energies[saddles], color=VERMILLION, marker="^", label="saddle", **marks
    )
    if len(saddles):
        top = saddles[energies[saddles].argmax()]
        _measure(ax, length[[minima[0], top]], energies[[minima[0], top]])
    low, high = float(energies.min()), float(energies.max())
    ax.set(
        xlim=(0.0, float(length[-1]) or 1.0),
        ylim=(low - (0.12 * (high - low) or 0.5), high + (0.25 * (high - low) or 0.5)),
        xlabel="arc length",
        ylabel="energy $U$, nats",
    )
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _measure(ax: Axes, places: NDArray[np.float64], heights: NDArray[np.float64]) -> None:
    """The climb between two heights as an arrow under the higher one, with its number."""
    (begin, end), (low, high) = places, heights
    ax.hlines(low, begin, end, color=GREY, linestyle=":", linewidth=0.9, zorder=1)
    ax.annotate(
        "",
        (end, high),
        xytext=(end, low),
        arrowprops={"arrowstyle": "<->", "color": GREY, "linewidth": 0.9, "shrinkA": 0},
    )
    ax.annotate(
        f"{high - low:.2f} nats",
        (end, high),
        xytext=(0, 7),
        textcoords="offset points",
        ha="center",
        fontsize=SMALL,
        color=VERMILLION,
    )
