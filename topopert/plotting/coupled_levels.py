"""Levels against the coupling: how a potential lifts a degeneracy, and what theory predicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topopert.errors import InvalidInputError

from .axes import new_axes
from .numbers import drawable
from .palette import GREY, SMALL, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_levels_against_coupling"]

_SAME = 1e-2  # levels of one multiplet agree so far, relative, where the coupling is least


def plot_levels_against_coupling(
    couplings: ArrayLike,
    levels: ArrayLike,
    *,
    first_order: ArrayLike | None = None,
    second_order: ArrayLike | None = None,
    highlighted: Sequence[int] | None = None,
    ax: Axes | None = None,
    **line_kw: Any,
) -> Axes:
    """Exact levels as solid lines, first order dashed, second order dotted.

    NaN leaves a gap: a coupling beyond the range of perturbation theory.

    Args:
        couplings: λ, ascending, shape (C,).
        levels: The exact levels at each, in nats, shape (C, n_levels).
        first_order: Those of first-order perturbation theory, shape (C, n_levels).
        second_order: Those of second order, shape (C, n_levels).
        highlighted: Columns to draw in colour; None takes the first excited multiplet: those that
            agree with column 1 to 1 % at the coupling nearest to 0.
        ax: Where to draw; None makes new axes.
        **line_kw: For matplotlib's `Axes.plot` of the exact levels.

    Raises:
        InvalidInputError: If the shapes disagree or there is nothing to draw.
    """
    strengths = drawable(couplings, name="couplings")
    exact = _checked(levels, "levels", len(strengths))
    theory = {
        name: (_checked(given, name.replace(" ", "_"), len(strengths)), style)
        for name, given, style in (
            ("first order", first_order, (0, (4, 2))),
            ("second order", second_order, (0, (1, 1.2))),
        )
        if given is not None
    }
    chosen = _multiplet(strengths, exact) if highlighted is None else set(highlighted)
    if not chosen <= set(range(exact.shape[1])):
        msg = (
            f"`highlighted` must be columns of `levels`, 0 to {exact.shape[1] - 1}, got {chosen}."
        )
        raise InvalidInputError(msg)
    ax = new_axes(3.4, 3.0) if ax is None else ax
    order = sorted(range(exact.shape[1]), key=lambda k: k in chosen)  # the coloured ones on top
    for k in order:
        style = {"color": VERMILLION if k in chosen else GREY, "linewidth": 1.6}
        ax.plot(strengths, exact[:, k], **{**style, **line_kw})
    for values, dashes in theory.values():
        for k in range(values.shape[1]):
            colour = VERMILLION if k in chosen else GREY
            ax.plot(strengths, values[:, k], color=colour, linestyle=dashes, linewidth=1.1)
    if theory:
        entries = {"exact": "-", **{name: dashes for name, (_, dashes) in theory.items()}}
        for name, dashes in entries.items():
            ax.plot([], [], color="0.15", linestyle=dashes, linewidth=1.3, label=name)
        ax.legend(
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=len(entries),
            frameon=False,
            fontsize=SMALL,
            handlelength=2.0,
            columnspacing=1.0,
        )
    # Beyond its range perturbation theory runs away; the exact levels keep the scale.
    low, high = float(np.nanmin(exact)), float(np.nanmax(exact))
    margin = 0.05 * (high - low) or 0.5
    ax.set(
        xlim=(strengths[0], strengths[-1]) if len(strengths) > 1 else None,
        ylim=(low - margin, high + margin),
        xlabel="coupling λ",
        ylabel="level $E_k$, nats",
    )
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _checked(levels: ArrayLike, name: str, n_couplings: int) -> NDArray[np.float64]:
    array = drawable(levels, name=name, ndim=2)
    if array.shape[0] != n_couplings or not np.isfinite(array).any():
        msg = (
            f"`{name}` must have shape (C, n_levels), a row for each of the {n_couplings} "
            f"couplings, and not be NaN throughout, got {array.shape}."
        )
        raise InvalidInputError(msg)
    return array


def _multiplet(couplings: NDArray[np.float64], levels: NDArray[np.float64]) -> set[int]:
    """The columns that meet column 1 where the coupling is nearest to 0."""
    row = levels[np.abs(couplings).argmin()]
    if len(row) < 2:
        return set()
    return set(np.flatnonzero(np.abs(row - row[1]) <= _SAME * abs(row[1])).tolist())
