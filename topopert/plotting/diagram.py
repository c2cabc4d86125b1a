"""Persistence diagrams with the significant bars marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from topopert.records import PersistenceDiagram, TopologicalFeature

from .axes import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_diagrams"]

# Okabe and Ito's palette: told apart with any colour vision.
_COLOURS = ("#0072B2", "#D55E00", "#009E73")


def plot_diagrams(
    diagrams: Sequence[PersistenceDiagram],
    features: Sequence[TopologicalFeature] = (),
    *,
    ax: Axes | None = None,
    **scatter_kw: Any,
) -> Axes:
    """Birth against death; small dots are noise, ringed large ones are significant.

    Args:
        diagrams: One per homology dimension.
        features: The significant classes.
        ax: Where to draw; None makes new axes.
        **scatter_kw: For matplotlib's `Axes.scatter` of the dots.
    """
    ax = new_axes() if ax is None else ax
    longest = max((float(d.pairs.max(initial=0.0)) for d in diagrams), default=1.0) or 1.0
    ax.plot([0, 1.08 * longest], [0, 1.08 * longest], color="0.6", linewidth=0.8, zorder=0)
    for diagram in diagrams:
        colour = _COLOURS[diagram.homology_dim]
        births, deaths = diagram.pairs.T
        options = {"s": 12, "color": colour, "alpha": 0.5, "linewidths": 0, **scatter_kw}
        ax.scatter(births, deaths, label=f"$H_{diagram.homology_dim}$", **options)
        real = np.array(
            [(f.birth, f.death) for f in features if f.homology_dim == diagram.homology_dim]
        )
        if len(real):
            ax.scatter(
                *real.T,
                s=90,
                facecolors="none",
                edgecolors=colour,
                linewidths=1.8,
                label=f"$H_{diagram.homology_dim}$ significant ({len(real)})",
            )
    ax.set(
        xlabel="birth (edge length)",
        ylabel="death (edge length)",
        xlim=(-0.04 * longest, 1.08 * longest),
        ylim=(-0.04 * longest, 1.08 * longest),
        aspect="equal",
    )
    ax.legend(
        loc="lower right", frameon=False, title=None if features else "no bar stands out of noise"
    )
    return ax
