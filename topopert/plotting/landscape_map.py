"""A two-dimensional energy landscape from above: its minima, its saddles and the ways between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from topopert.errors import InvalidInputError

from .axes import new_axes
from .contours import nice_step
from .mesh import framed
from .numbers import drawable
from .palette import BLUE, INK, ORANGE, SMALL, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from topopert.hamiltonian.landscape import EnergyLandscape, TransitionPath

__all__ = ["plot_landscape"]

_ABOVE = 4.0  # nats above the highest saddle that the contours go on
_LINES = 12
_NUMBERED = 20  # minima: the numbers of more would touch


def plot_landscape(
    landscape: EnergyLandscape,
    *,
    paths: Sequence[TransitionPath] = (),
    trajectories: Tensor | None = None,
    n_points: int = 151,
    ax: Axes | None = None,
    **contour_kw: Any,
) -> Axes:
    """Contours of U, dark where it is low, with minima, saddles, paths and trajectories.

    The frame is as large as the highest contour needs. Up to 20 minima bear their numbers.

    Args:
        landscape: A two-dimensional one.
        paths: What `path` returned, to draw as lines.
        trajectories: What `simulate` returned, (n_steps + 1, B, 2), to draw as thin lines.
        n_points: Along each axis of the mesh that U is evaluated on.
        ax: Where to draw; None makes new axes.
        **contour_kw: For matplotlib's `Axes.contourf`.

    Raises:
        InvalidInputError: If the landscape is not two-dimensional.
    """
    minima = drawable(landscape.minima, name="minima", ndim=2)
    if minima.shape[1] != 2:
        msg = (
            f"A landscape of {minima.shape[1]} latent dimension(s) has no map. Draw its "
            "`barrier_tree()` with `plot_disconnectivity`, or a path with `plot_path`."
        )
        raise InvalidInputError(msg)
    ax = new_axes(3.4, 3.4) if ax is None else ax
    passes = [data for *_, data in landscape.graph.edges(data=True)]
    saddles = np.array([data["position"] for data in passes]).reshape(-1, 2)
    ways = [drawable(path.points, name="points", ndim=2) for path in paths]
    heights = [*landscape.energies.tolist(), *(data["energy"] for data in passes)]
    lowest, highest = min(heights), max(heights) + _ABOVE
    mesh = framed(landscape.energy, np.concatenate([minima, saddles, *ways]), n_points, highest)
    energy = mesh.values(landscape.energy)
    step = nice_step((highest - lowest) / _LINES)
    lines = np.arange(lowest, highest + step, step)
    first, second = (axis.cpu().numpy() for axis in mesh.axes)
    options = {"levels": lines, "cmap": "Blues_r", "alpha": 0.75, **contour_kw}
    ax.contourf(first, second, energy, **options)
    ax.contour(first, second, energy, levels=lines[1:], colors="0.4", linewidths=0.4)
    if trajectories is not None:
        for walk in trajectories.detach().cpu().double().numpy().swapaxes(0, 1):
            ax.plot(*walk.T, color=INK, linewidth=0.4, alpha=0.6)
    for way in ways:
        ax.plot(*way.T, color=ORANGE, linewidth=1.8, zorder=3)
    marks = {"linestyle": "none", "markeredgecolor": "white", "markeredgewidth": 0.6}
    ax.plot(*saddles.T, marker="^", color=VERMILLION, markersize=5, zorder=4, **marks)
    numbered = len(minima) <= _NUMBERED
    size = 10 if numbered else 5
    ax.plot(*minima.T, marker="o", color=BLUE, markersize=size, zorder=5, **marks)
    for number, (x, y) in enumerate(minima.tolist() if numbered else []):
        ax.text(
            x,
            y,
            f"{number}",
            color="white",
            fontsize=7,
            zorder=6,
            ha="center",
            va="center_baseline",
        )
    ax.set(xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
    ax.set_title(f"contours {step:g} nat{'' if step == 1 else 's'} apart", fontsize=SMALL)
    return ax
