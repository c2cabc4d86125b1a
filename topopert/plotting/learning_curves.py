"""Training losses, arm by arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .axes import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_learning_curves"]

# Okabe and Ito's palette, its yellow left out: too light for a line.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES = ("-", "--", "-.", ":")  # arms may lie on top of one another
_LEFT_OUT = 0.05  # of training: the first losses are so large that all else would be flat


def plot_learning_curves(
    arms: Mapping[str, NDArray[np.floating[Any]]],
    *,
    ax: Axes | None = None,
    **line_kw: Any,
) -> Axes:
    """The mean over seeds of each arm's training loss in a band from the least to the largest.

    Args:
        arms: Per arm the losses of evenly spaced stretches of training, shape (n, K).
        ax: Where to draw; None makes new axes.
        **line_kw: For matplotlib's `Axes.plot`.
    """
    ax = new_axes(5.6, 3.8) if ax is None else ax
    shown = []
    for index, (name, losses) in enumerate(arms.items()):
        # A stretch stands for its middle.
        progress = (np.arange(len(losses)) + 0.5) / max(len(losses), 1)
        finite = losses[:, np.isfinite(losses).all(axis=0)]
        if not finite.size:
            continue
        colour = _COLOURS[index % len(_COLOURS)]
        style = {"color": colour, "linestyle": _DASHES[index % len(_DASHES)], "linewidth": 1.4}
        options = {**style, "label": name, **line_kw}
        ax.plot(progress, finite.mean(axis=1), **options)
        ax.fill_between(
            progress, finite.min(axis=1), finite.max(axis=1), color=colour, alpha=0.15, linewidth=0
        )
        shown.append(finite[progress >= min(_LEFT_OUT, progress[-1])])
    if shown:
        low, high = min(s.min() for s in shown), max(s.max() for s in shown)
        margin = 0.05 * (high - low) or 1.0
        ax.set_ylim(low - margin, high + margin)
        ax.legend(frameon=False)
    ax.set(xlim=(0, 1), xlabel="progress of training", ylabel="training loss, nats per point")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
