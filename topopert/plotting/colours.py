"""How a column of any kind becomes colours and the ticks beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topopert._lazy import require

__all__ = ["ColourScale", "colour_scale"]

_FEW = 20  # whole numbers with at most that many distinct values are labels
_MISSING = "0.75"
_TAIL = 0.01  # the share of numbers at either end that may lie beyond the colours


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColourScale:
    """Numbers for matplotlib's scatter, and what they stand for."""

    values: NDArray[np.float64]  # (N,), NaN where missing
    style: dict[str, Any]  # for `Axes.scatter`
    ticks: tuple[float, ...] | None  # None leaves them to matplotlib
    tick_labels: tuple[str, ...]
    extend: str  # which ends of the colour bar are open


def colour_scale(column: NDArray[Any], *, cyclic: bool = False) -> ColourScale:
    """The colours of a column.

    Text, truth values and up to 20 distinct whole numbers are categories; of more than 20 texts
    the 18 most frequent have colours of their own.

    Args:
        column: Numbers or text, shape (N,); NaN is missing.
        cyclic: Whether the numbers are angles in radians.

    Raises:
        MissingDependencyError: If matplotlib is not installed.
    """
    column = np.asarray(column)
    if column.dtype.kind == "b":
        column = np.where(column, "yes", "no")
    if column.dtype.kind not in "iuf":
        return _categories(column.astype(str))
    values = column.astype(np.float64)
    values = np.where(np.isfinite(values), values, np.nan)
    known = values[~np.isnan(values)]
    if cyclic:
        return ColourScale(
            values=np.mod(values, 2 * np.pi),
            style={"cmap": _map("hsv"), "vmin": 0.0, "vmax": 2 * np.pi, "alpha": 0.7},
            ticks=(0.0, np.pi, 2 * np.pi),
            tick_labels=("0", "π", "2π"),
            extend="neither",
        )
    distinct = np.unique(known)
    if 0 < len(distinct) <= _FEW and np.array_equal(distinct, distinct.round()):
        place = np.searchsorted(distinct, values).astype(np.float64)
        place[np.isnan(values)] = np.nan
        return _categorical(place, [f"{value:.0f}" for value in distinct])
    low, high = np.quantile(known, (_TAIL, 1 - _TAIL)) if len(known) else (0.0, 1.0)
    below, above = bool((known < low).any()), bool((known > high).any())
    return ColourScale(
        values=values,
        style={"cmap": _map("viridis"), "vmin": float(low), "vmax": float(high), "alpha": 0.8},
        ticks=None,
        tick_labels=(),
        extend=("both" if above else "min") if below else ("max" if above else "neither"),
    )


def _categories(texts: NDArray[np.str_]) -> ColourScale:
    names, place, counts = np.unique(texts, return_inverse=True, return_counts=True)
    labels = [str(name) or "(empty)" for name in names]
    if len(names) > _FEW:
        kept = np.sort(np.argsort(-counts, kind="stable")[: len(_no_greys())])
        moved = np.full(len(names), len(kept))
        moved[kept] = np.arange(len(kept))
        place = moved[place]
        labels = [labels[k] for k in kept] + [f"{len(names) - len(kept)} others"]
    shown = [label if len(label) <= 24 else f"{label[:23]}…" for label in labels]
    return _categorical(place.astype(np.float64), shown, has_rest=len(names) > _FEW)


def _categorical(
    place: NDArray[np.float64], labels: list[str], *, has_rest: bool = False
) -> ColourScale:
    n = len(labels)
    if has_rest:
        colours = [*_no_greys(), _MISSING]
    else:
        colours = list(_map("tab10" if n <= 10 else "tab20").colors[:n])
    listed: Any = require("matplotlib.colors", extra="plot").ListedColormap(colours)
    return ColourScale(
        values=place,
        style={
            "cmap": listed.with_extremes(bad=_MISSING),
            "vmin": -0.5,
            "vmax": n - 0.5,
            "alpha": 0.8,
        },
        ticks=tuple(float(k) for k in range(n)),
        tick_labels=tuple(labels),
        extend="neither",
    )


def _no_greys() -> list[Any]:
    """18 colours that nobody takes for that of the rest."""
    return [colour for colour in _map("tab20").colors if max(colour) - min(colour) > 0.1]


def _map(name: str) -> Any:
    matplotlib: Any = require("matplotlib", extra="plot")
    return matplotlib.colormaps[name].with_extremes(bad=_MISSING)
