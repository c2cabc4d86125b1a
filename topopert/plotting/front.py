"""Lifting against −ELBO, a number per coupling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .axes import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_front"]

_CHOSEN, _OTHER = "#D55E00", "#0072B2"


def plot_front(calibration: Any, *, ax: Axes | None = None, **error_kw: Any) -> Axes:
    """The gauge-dependent disparity of each coupling over what it costs in −ELBO.

    Args:
        calibration: What `topopert.calibrate` returns.
        ax: Where to draw; None makes new axes.
        **error_kw: For matplotlib's `Axes.errorbar`.
    """
    ax = new_axes(8.0, 4.6) if ax is None else ax
    points = sorted(calibration.front, key=lambda point: -point.disparity)
    for number, point in enumerate(points, start=1):
        chosen = point.coupling is calibration.coupling
        colour, loss = _CHOSEN if chosen else _OTHER, point.elbo_loss
        ax.errorbar(
            loss.value,
            point.disparity,
            xerr=np.array([[loss.value - loss.low], [loss.high - loss.value]]),
            **{"fmt": "none", "ecolor": colour, "capsize": 2, "elinewidth": 0.6, **error_kw},
        )
        # The number itself is the marker: names beside the points would cover each other.
        ax.plot(
            loss.value,
            point.disparity,
            linestyle="none",
            marker=f"${number}$",
            markersize=6 if number < 10 else 9,
            markeredgewidth=0.3,
            color=colour,
            label=f"{_label(point.coupling)}{'  (chosen)' if chosen else ''}",
        )
    ax.axhline(calibration.baseline.disparity, color="0.5", linestyle="--", linewidth=1)
    ax.axvspan(-calibration.elbo_spread, calibration.elbo_spread, color="0.92", zorder=0)
    ax.set_yscale("log")
    ax.set_xlabel("held-out −ELBO above the baseline's, nats (grey: ±1 sd of its seeds)")
    ax.set_ylabel("gauge-dependent disparity (dashed: baseline)")
    ax.legend(
        title="λ(p), p the progress", loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False
    )
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _label(coupling: Any) -> str:
    """30·(1 − p/0.7)³ for an adiabatic coupling, else what it prints."""
    if not all(hasattr(coupling, name) for name in ("start", "off_at", "power")):
        return f"{coupling.value:g}" if hasattr(coupling, "value") else repr(coupling)
    power = {1: "", 2: "²", 3: "³"}.get(coupling.power, f"^{coupling.power:g}")
    return f"{coupling.start:g}·(1 − p/{coupling.off_at:g}){power}"
