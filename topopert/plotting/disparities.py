"""Disparities between seeds, arm by arm, on a log axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from topopert.records import Estimate

from .axes import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_disparities"]

_COLOURS = ("#0072B2", "#E69F00")
_FLOOR = 1e-6  # a disparity of 0 has no place on a log axis


def plot_disparities(
    arms: Sequence[str],
    disparities: Mapping[str, Sequence[Estimate]],
    *,
    ax: Axes | None = None,
    **bar_kw: Any,
) -> Axes:
    """Bars with 95 % intervals, one group per arm.

    Args:
        arms: Names of the arms.
        disparities: Per kind of disparity (the legend's text) one estimate per arm.
        ax: Where to draw; None makes new axes.
        **bar_kw: For matplotlib's `Axes.bar`.
    """
    ax = new_axes(1.6 + 1.1 * len(arms), 3.6) if ax is None else ax
    width = 0.8 / len(disparities)
    for index, (kind, estimates) in enumerate(disparities.items()):
        value, low, high = (
            np.maximum([getattr(e, bound) for e in estimates], _FLOOR)
            for bound in ("value", "low", "high")
        )
        position = np.arange(len(arms)) + (index - (len(disparities) - 1) / 2) * width
        ax.bar(
            position,
            value,
            width=width,
            label=kind,
            color=_COLOURS[index % 2],
            yerr=[value - low, high - value],
            capsize=3,
            ecolor="0.25",
            **bar_kw,
        )
    ax.set_yscale("log")
    ax.set_xticks(range(len(arms)), arms)
    ax.set_ylabel("disparity between seeds")
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=len(disparities))
    ax.spines[["top", "right"]].set_visible(False)
    return ax
