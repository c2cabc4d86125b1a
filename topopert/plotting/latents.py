"""Latent spaces: one run, and all seeds of several arms side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .axes import new_axes, new_figure

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
    colour: NDArray[np.floating[Any]],
    *,
    colour_label: str,
    cyclic: bool = False,
) -> Figure:
    """The latent spaces of all seeds, a row per arm, all panels at one scale.

    Args:
        arms: Per arm latents of shape (K, N, d); d ≥ 3 is drawn in three dimensions.
        colour: One number per point, shape (N,): a label 0…9 or, if cyclic, an angle.
        colour_label: What the colour means.
        cyclic: Whether the colour is an angle in [0, 2π).
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
    style = _cyclic_style() if cyclic else _label_style()
    reach = max(float(np.quantile(np.abs(latents), 0.999)) for latents in arms.values()) * 1.08
    for index, (name, latents) in enumerate(arms.items()):
        row = grid[index]
        for seed, (ax, z) in enumerate(zip(row, latents, strict=True)):
            plot_latents(z, colour, ax=ax, **style)
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
    bar: Any = figure.colorbar(grid[0, 0].collections[0], ax=grid, pad=0.01, aspect=30)
    bar.solids.set_alpha(1)
    bar.set_label(colour_label)
    if cyclic:
        bar.set_ticks([0, np.pi, 2 * np.pi], labels=["0", "π", "2π"])
    else:
        bar.set_ticks(range(10), labels=[str(k) for k in range(10)])
    return figure


def _name_row(ax: Any, name: str, *, solid: bool) -> None:
    if solid:  # three-dimensional axes have no outer y label
        ax.text2D(-0.06, 0.5, name, transform=ax.transAxes, rotation=90, va="center", ha="right")
    else:
        ax.set_ylabel(name)


def _cyclic_style() -> dict[str, Any]:
    return {"cmap": "hsv", "vmin": 0.0, "vmax": 2 * np.pi, "alpha": 0.7}


def _label_style() -> dict[str, Any]:
    return {"cmap": "tab10", "vmin": -0.5, "vmax": 9.5, "alpha": 0.8}
