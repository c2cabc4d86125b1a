"""Arrhenius' law: what the small levels say of the barriers as the temperature falls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from topopert.errors import InvalidInputError

from .axes import new_axes
from .numbers import drawable, write_inside
from .palette import BLUE, GREEN, INK, ORANGE, PURPLE, SKY, SMALL, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from topopert.hamiltonian.barcode import ArrheniusSeries

__all__ = ["plot_arrhenius"]

_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
_MARKERS = "osD^v*"


def plot_arrhenius(series: ArrheniusSeries, *, ax: Axes | None = None, **line_kw: Any) -> Axes:
    """−T log E_k against T, and the bars of U that it tends to as horizontal lines.

    Hollow markers are the activation energies, which are near the bars at higher temperatures
    already. Levels that have no bar, or are lost in rounding at all temperatures, are left out.

    Args:
        series: What `arrhenius` returns.
        ax: Where to draw; None makes new axes.
        **line_kw: For matplotlib's `Axes.plot` of −T log E_k.

    Raises:
        InvalidInputError: If there are no temperatures.
    """
    heat = drawable(series.temperatures, name="temperatures")
    raw = drawable(series.raw, name="raw", ndim=2)
    activation = drawable(series.activation_energies, name="activation_energies", ndim=2)
    bars = drawable(series.bars, name="bars")
    if not len(heat):
        msg = "The series has no temperatures. Pass what `arrhenius` returns."
        raise InvalidInputError(msg)
    ax = new_axes(3.4, 3.0) if ax is None else ax
    told = np.flatnonzero((bars > 0) & np.isfinite(raw).any(axis=0))
    for number, k in enumerate(told):
        marker = {"marker": _MARKERS[number % 6], "markersize": 4.5}
        style = {"color": _COLOURS[number % 6], "linewidth": 1.3, **marker}
        ax.plot(heat, raw[:, k], **{**style, **line_kw})
        hollow = {"linestyle": "none", "markerfacecolor": "white", "zorder": 1.9, **marker}
        ax.plot(heat, activation[:, k], color=style["color"], **hollow)
        if np.isfinite(bars[k]):
            ax.axhline(bars[k], color=INK, linestyle="--", linewidth=0.9, zorder=1)
    entries = {
        "$-T$ log $E_k$": {"linestyle": "-", "marker": "o"},
        "activation energy": {"linestyle": "none", "marker": "o", "markerfacecolor": "white"},
        "bar of $U$": {"linestyle": "--", "linewidth": 0.9},
    }
    for name, style in entries.items():
        ax.plot([], [], label=name, **{"color": "0.3", "markersize": 4.5, **style})
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(-0.05, 1.0),
        ncols=3,
        frameon=False,
        fontsize=SMALL,
        handlelength=1.6,
        columnspacing=0.9,
        handletextpad=0.4,
    )
    ax.set(xlabel="temperature $T$", ylabel="energy from level $E_k$, nats")
    ax.set_xlim(0.0, 1.05 * heat.max())
    if not len(told):
        write_inside(ax, "no level has a bar")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
