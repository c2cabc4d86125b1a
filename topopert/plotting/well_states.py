"""States of a one-dimensional spectrum, each at its level in the well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .axes import new_axes
from .mesh import mesh_over
from .numbers import brief, fractions, spread_out, text_gap
from .palette import BLUE, GREEN, INK, ORANGE, PURPLE, SKY, SMALL, VERMILLION
from .states import checked_states, occupied

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from topopert.hamiltonian.spectra import Spectrum

__all__ = ["plot_states_in_well"]

_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)


def plot_states_in_well(
    spectrum: Spectrum,
    indices: Sequence[int],
    *,
    n_points: int = 401,
    ax: Axes | None = None,
    **line_kw: Any,
) -> Axes:
    """The energy U(z) above its minimum, and the states φ_k(z), each upon its level.

    All states are drawn at one scale, that of the room between their levels. Levels are rates of
    dynamics on U, not heights in it: a state is not confined to where U lies below its level.

    Args:
        spectrum: One of a one-dimensional surface.
        indices: Which states, 0 for the ground state.
        n_points: Where the functions are evaluated.
        ax: Where to draw; None makes new axes.
        **line_kw: For matplotlib's `Axes.plot` of the states.

    Raises:
        InvalidInputError: If the surface is not one-dimensional, there is no such state, or none
            is asked for.
    """
    checked_states(spectrum, indices, latent_dim=1, instead="plot_state")
    ax = new_axes(3.4, 3.4) if ax is None else ax
    mesh = mesh_over(occupied(spectrum), n_points)
    z = mesh.axes[0].cpu().numpy()
    energy = mesh.values(spectrum.surface.energy)
    energy -= energy.min()
    states = mesh.values(spectrum.states)[:, list(indices)]  # (n, K)
    levels = [float(spectrum.levels[index]) for index in indices]
    spread = max(levels) - min(levels)
    room = spread / max(1, len(levels) - 1) or 1.0
    height = 0.9 * room / (float(np.abs(states).max()) or 1.0)
    ax.plot(z, energy, color=INK, linewidth=1.6, zorder=1)
    curves = np.array(levels) + height * states
    for number, level in enumerate(levels):
        colour = _COLOURS[number % len(_COLOURS)]
        options = {"color": colour, "linewidth": 1.2, "zorder": 3, **line_kw}
        ax.plot(z, curves[:, number], **options)
        ax.axhline(level, color=colour, linewidth=0.5, alpha=0.6, zorder=2)
        ax.fill_between(z, level, curves[:, number], color=colour, alpha=0.15, linewidth=0)
    ax.set(
        xlim=(z[0], z[-1]),
        ylim=(min(0.0, curves.min()) - 0.2 * room, max(curves.max(), max(levels) + room)),
        xlabel="$z$",
        ylabel="$U(z)$ above its minimum, nats",
    )
    _name(ax, indices, levels)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _name(ax: Axes, indices: Sequence[int], levels: list[float]) -> None:
    """Number and level to the right of the axes, moved apart where they would cover each other."""
    order = np.argsort(levels, kind="stable")
    heights = np.array(levels)[order]
    gap = min(text_gap(ax, SMALL), 1 / max(1, len(levels) - 1))
    for number, place in zip(order, spread_out(fractions(ax, heights), gap), strict=True):
        ax.annotate(
            f"$E_{{{indices[number]}}}$ = {brief(levels[number])}",
            (1.0, place),
            xytext=(4, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=_COLOURS[number % len(_COLOURS)],
            annotation_clip=False,
        )
