"""The level diagram of a spectrum: a line per state, the states of one level side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from topopert.errors import InvalidInputError

from .axes import new_axes
from .numbers import drawable, fractions, spread_out, text_gap
from .palette import BLUE, GREEN, GREY, INK, SMALL, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from topopert.hamiltonian.spectra import Spectrum

__all__ = ["plot_levels"]

_KINDS = {"ground": INK, "harmonic": BLUE, "diffusive": GREEN, "barrier": VERMILLION}
_APART = 0.06  # between the states of one level, in widths of the diagram
_NOISE = 1e-10  # a level below is rounding, and has no place on a logarithmic axis


def plot_levels(
    spectrum: Spectrum,
    *,
    labels: Sequence[str] | None = None,
    log: bool = False,
    ax: Axes | None = None,
    **line_kw: Any,
) -> Axes:
    """The levels as horizontal lines, a segment per state, in bands as wide as their errors.

    Beside a level stand its degeneracy and its label; a barrier's activation energy with it. The
    labels "ground", "harmonic", "diffusive" and "barrier" have colours of their own. Where levels
    are so many that their texts do not fit, the lowest have theirs.

    Args:
        spectrum: What `topopert.spectrum` or `topopert.posterior_spectrum` returns.
        labels: One per state, for example the labels of `describe`; the first of each level
            counts.
        log: Whether the levels above the ground level stand on a logarithmic axis: for clusters,
            whose levels are exponentially small.
        ax: Where to draw; None makes new axes.
        **line_kw: For matplotlib's `Axes.hlines`.

    Raises:
        InvalidInputError: If there are no levels, or not as many labels as levels.
    """
    levels = drawable(spectrum.levels, name="levels")
    errors = np.nan_to_num(drawable(spectrum.errors, name="errors"))
    if not len(levels):
        msg = "The spectrum has no levels. Ask for `n_levels` of at least 1."
        raise InvalidInputError(msg)
    if labels is not None and len(labels) != len(levels):
        msg = f"`labels` must have one label per state, {len(levels)}, got {len(labels)}."
        raise InvalidInputError(msg)
    ax = new_axes(3.4, 3.4) if ax is None else ax
    groups = list(_groups(drawable(spectrum.degeneracies, name="degeneracies")))
    left, right = (np.concatenate(ends) for ends in zip(*map(_segments, groups), strict=True))
    colours = [_KINDS.get(label, INK) for label in labels or [""] * len(levels)]
    ax.bar(
        left,
        2 * errors,
        width=right - left,
        bottom=levels - errors,
        align="edge",
        color=colours,
        alpha=0.2,
        linewidth=0,
    )
    ax.hlines(levels, left, right, **{"colors": colours, "linewidth": 1.6, **line_kw})
    _scale(ax, levels, errors, log=log)
    texts = [_text(spectrum, labels, group) for group in groups]
    lasts = [group.stop - 1 for group in groups]  # the lines that end where the texts begin
    _annotate(ax, levels[lasts], texts, [colours[group.start] for group in groups])
    ax.set(xticks=[], ylabel="level $E_k$, nats")
    ax.set_xlim(-0.05, 2.0 if labels else 1.35 if any(texts) else 1.05)
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    return ax


def _groups(degeneracies: NDArray[np.float64]) -> Iterator[range]:
    """The states of each level."""
    start = 0
    while start < len(degeneracies):
        end = min(len(degeneracies), start + max(1, int(degeneracies[start])))
        yield range(start, end)
        start = end


def _segments(group: range) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the lines of one level's states begin and end; the diagram is 1 wide."""
    # Of many states the spaces between them may not eat up the lines.
    apart = min(_APART, 0.4 / len(group))
    width = (1 - apart * (len(group) - 1)) / len(group)
    left = np.arange(len(group), dtype=np.float64) * (width + apart)
    return left, left + width


def _scale(
    ax: Axes, levels: NDArray[np.float64], errors: NDArray[np.float64], *, log: bool
) -> None:
    low, high = float((levels - errors).min()), float((levels + errors).max())
    excited = levels[levels > _NOISE]
    if log and len(excited):
        # The ground level is 0: below the decade of the lowest level the axis is linear.
        decade = 10.0 ** np.floor(np.log10(excited.min()))
        ax.set_yscale("symlog", linthresh=decade, linscale=0.6)
        ax.set_ylim(-0.35 * decade, 1.6 * high)
        return
    margin = 0.05 * (high - low) or 0.5
    ax.set_ylim(min(low, 0.0) - margin, high + margin)


def _text(spectrum: Spectrum, labels: Sequence[str] | None, group: range) -> str:
    degeneracy = f"×{len(group)}" if len(group) > 1 else ""
    label = "" if labels is None else labels[group.start]
    height = float(spectrum.activation_energies[group.start])
    if label == "barrier" and np.isfinite(height):
        label = f"barrier {height:.1f} nats"
    return "  ".join(filter(None, (degeneracy, label)))


def _annotate(
    ax: Axes, heights: NDArray[np.float64], texts: Sequence[str], colours: Sequence[str]
) -> None:
    """The texts to the right of the levels, moved apart where they would cover each other."""
    gap = text_gap(ax, SMALL)
    runs: list[list[int]] = []  # levels that share a text: equal ones too near to stand apart
    at = fractions(ax, heights)
    for k, text in enumerate(texts):
        last = runs[-1][-1] if runs else None
        if last is not None and text == texts[last] and at[k] - at[last] < gap:
            runs[-1].append(k)
        elif text:
            runs.append([k])
    runs = runs[: int(1 / gap)]
    middles = np.array([at[run].mean() for run in runs])
    for run, place in zip(runs, spread_out(middles, gap), strict=True):
        k = run[len(run) // 2]
        ax.annotate(
            f"{len(run)} levels  {texts[k]}" if len(run) > 1 else texts[k],
            (1.02, heights[k]),
            xytext=(1.14, place),
            textcoords=ax.get_xaxis_transform(),
            va="center",
            fontsize=SMALL,
            color=colours[k],
            arrowprops={
                "arrowstyle": "-",
                "color": GREY,
                "linewidth": 0.5,
                "shrinkA": 1.0,
                "relpos": (0.0, 0.5),  # from the text's left end, not its middle
            },
        )
