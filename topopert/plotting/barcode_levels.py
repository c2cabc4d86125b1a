"""Bars of an energy surface against the activation energies of its levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .axes import new_axes
from .numbers import drawable, write_inside
from .palette import BLUE, GREY, SMALL, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from topopert.hamiltonian.barcode import BarcodeComparison

__all__ = ["plot_barcode_levels"]


def plot_barcode_levels(
    comparison: BarcodeComparison, *, ax: Axes | None = None, **scatter_kw: Any
) -> Axes:
    """The activation energy of each level over its bar, on the line where both are equal.

    Hollow squares are −T log E_k, which only a low temperature brings to the line. Bars that the
    grid does not see to their end and levels lost in rounding are left out.

    Args:
        comparison: What `barcode_comparison` returns.
        ax: Where to draw; None makes new axes.
        **scatter_kw: For matplotlib's `Axes.scatter` of the activation energies.
    """
    bars = drawable(comparison.bars, name="bars")
    activation = drawable(comparison.activation_energies, name="activation_energies")
    raw = drawable(comparison.raw, name="raw")
    ax = new_axes(3.4, 3.4) if ax is None else ax
    shown = np.concatenate([bars, activation, raw])
    shown = shown[np.isfinite(shown)]
    high = 1.08 * float(shown.max(initial=0.0)) or 1.0
    low = min(-0.04 * high, 1.08 * float(shown.min(initial=0.0)))
    ax.plot([low, high], [low, high], color=GREY, linewidth=0.8, zorder=0)
    hollow = {"facecolors": "none", "edgecolors": BLUE, "linewidths": 0.9}
    name = f"$-T$ log $E_k$, $T$ = {comparison.temperature:g}"
    ax.scatter(bars, raw, s=24, marker="s", label=name, **hollow)
    options = {"s": 36, "color": VERMILLION, "label": "activation energy", **scatter_kw}
    ax.scatter(bars, activation, **options)
    if not np.isfinite(bars).any():
        write_inside(ax, "no finite bar")
    ax.set(
        xlim=(low, high),
        ylim=(low, high),
        aspect="equal",
        xlabel="bar of $U$ in $H_0$, nats",
        ylabel="energy from level $E_k$, nats",
    )
    ax.legend(loc="upper left", frameon=False, fontsize=SMALL, handletextpad=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
