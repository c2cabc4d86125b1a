"""Latent spaces: one run, and all seeds of several arms side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .axes import new_axes, new_figure
from .colours import colour_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_latents", "plot_latents_grid"]


def plot_latents(
    latents: NDArray[np.floating[Any]],
    colour: NDArray[np.floating[Any]] | None = None,
    *,
    ax: Axes | None = None,
    **scatter_kw: Any,
) -> Axes:
    """A scatter of the first two latent axes, of the first three if `ax` is three-dimensional.

    Args:
        latents: Shape (N, d).
        colour: One number per point, shape (N,).
        ax: Where to draw; None makes new axes.
        **scatter_kw: For matplotlib's `Axes.scatter`.
    """
    ax = new_axes() if ax is None else ax
    n_axes = min(3 if ax.name == "3d" else 2, latents.shape[1])
    columns = [latents[:, k] for k in range(n_axes)] + [np.zeros(len(latents))] * (2 - n_axes)
    ax.scatter(*columns, c=colour, **{"s": 5, "linewidths": 0, **scatter_kw})
    return ax


def plot_latents_grid(
    arms: Mapping[str, NDArray[np.floating[Any]]],
    colour: NDArray[Any] | None = None,
    *,
    colour_label: str = "",
    cyclic: bool = False,
) -> Figure:
    """The latent spaces of all seeds, a row per arm, all panels at one scale.

    Args:
        arms: Per arm latents of shape (K, N, d); d ≥ 3 is drawn in three dimensions. Seeds that
            are not finite are named so.
        colour: One value per point, shape (N,): labels (text, or up to 20 distinct whole numbers),
            numbers or, if cyclic, angles. None draws all points in one colour.
        colour_label: What the colour means.
        cyclic: Whether the colour is an angle in radians.
    """
    n_seeds, _, latent_dim = next(iter(arms.values())).shape
    solid = latent_dim >= 3
    figure = new_figure(1.7 * n_seeds + 0.9, 1.85 * len(arms) + 0.3)
    grid: NDArray[Any] = figure.subplots(
        len(arms),
        n_seeds,
        squeeze=False,
        sharex=not solid,
        sharey=not solid,
        subplot_kw={"projection": "3d"} if solid else None,
    )
    scale = None if colour is None else colour_scale(colour, cyclic=cyclic)
    values = None if scale is None else scale.values
    style = {"alpha": 0.6} if scale is None else {**scale.style, "plotnonfinite": True}
    reach = max(_reach(latents) for latents in arms.values()) * 1.08
    for index, (name, latents) in enumerate(arms.items()):
        row = grid[index]
        for seed, (ax, z) in enumerate(zip(row, latents, strict=True)):
            if np.isfinite(z).all():
                plot_latents(z, values, ax=ax, **style)
            else:
                _write(ax, "diverged", solid=solid)
            limits = {"xlim": (-reach, reach), "ylim": (-reach, reach)}
            if solid:
                limits["zlim"] = (-reach, reach)
                ax.set_box_aspect((1, 1, 1), zoom=1.25)
                ax.set_zticks([])
            else:
                ax.set_aspect("equal")
            ax.set(xticks=[], yticks=[], **limits)  # all panels share one scale; frames suffice
            if index == 0:
                ax.set_title(f"seed {seed}", fontsize=9)
        _name_row(row[0], name, solid=solid)
    drawn = [ax.collections[0] for ax in grid.flat if ax.collections]
    if scale is not None and drawn:
        bar: Any = figure.colorbar(drawn[0], ax=grid, pad=0.01, aspect=30, extend=scale.extend)
        bar.solids.set_alpha(1)
        bar.set_label(colour_label)
        if scale.ticks is not None:
            bar.set_ticks(scale.ticks, labels=scale.tick_labels)
            bar.minorticks_off()
    return figure


def _write(ax: Any, text: str, *, solid: bool) -> None:
    write = ax.text2D if solid else ax.text
    write(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color="0.4")


def _reach(latents: NDArray[np.floating[Any]]) -> float:
    finite = latents[np.isfinite(latents).all(axis=(1, 2))]
    return float(np.quantile(np.abs(finite), 0.999)) or 1.0 if finite.size else 1.0


def _name_row(ax: Any, name: str, *, solid: bool) -> None:
    if solid:  # three-dimensional axes have no outer y label
        ax.text2D(-0.06, 0.5, name, transform=ax.transAxes, rotation=90, va="center", ha="right")
    else:
        ax.set_ylabel(name)
