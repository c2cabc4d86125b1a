"""Numbers of any kind as arrays that can be drawn, and places for the texts beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from topopert._checks import plain_array
from topopert.errors import InvalidInputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["brief", "drawable", "fractions", "spread_out", "text_gap", "write_inside"]


def drawable(values: Any, *, name: str, ndim: int = 1) -> NDArray[np.float64]:
    """The values as float64 of `ndim` axes, a tensor's without its graph.

    Raises:
        InvalidInputError: If they are not numbers, or have another number of axes.
    """
    try:
        array = np.asarray(plain_array(values, name=name), dtype=np.float64)
    except (TypeError, ValueError) as err:
        if isinstance(err, InvalidInputError):
            raise
        msg = f"`{name}` must be an array of real numbers: {err}"
        raise InvalidInputError(msg) from err
    if array.ndim != ndim:
        msg = f"`{name}` must have {ndim} axes, got an array of shape {array.shape}."
        raise InvalidInputError(msg)
    return array


def brief(value: float) -> str:
    """Three digits of a number, two where it is small: 1.07, 0.107, 1.8e-4."""
    if value == 0 or abs(value) >= 0.01:
        return f"{value:.3g}"
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits}e{int(exponent)}"


def fractions(ax: Axes, heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heights in data units as fractions of the axes' height, whatever the axis' scale."""
    at = np.column_stack([np.full(len(heights), ax.get_xlim()[0]), heights])  # (n, 2)
    # `transLimits` after `transScale` knows limits and scale, not yet the figure's layout.
    return (ax.transScale + ax.transLimits).transform(at)[:, 1]


def text_gap(ax: Axes, size: float) -> float:
    """The height of a line of text of that size in points, as a fraction of the axes' height."""
    # Before the layout is known the axes have matplotlib's margins: rather too low than too high.
    height: Any = ax.get_figure(root=True)
    return 1.15 * size / (72 * height.get_figheight() * ax.get_position().height)


def write_inside(ax: Axes, text: str) -> None:
    """A text in the middle of axes that have nothing else to show."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color="0.4")


def spread_out(wanted: NDArray[np.float64], gap: float) -> NDArray[np.float64]:
    """Places in [0, 1], at least `gap` apart, as near as can be to those wanted.

    Args:
        wanted: Ascending, shape (n,).
        gap: At most 1/(n − 1), or there is no such place.

    Returns:
        The least squares solution, ascending, shape (n,).
    """
    steps = gap * np.arange(len(wanted))
    # Less their steps, places at least `gap` apart are places that do not descend: an isotonic
    # regression, by pooling neighbours that do.
    pools: list[tuple[float, int]] = []
    for value in wanted - steps:
        mean, size = float(value), 1
        while pools and pools[-1][0] > mean:
            before, count = pools.pop()
            mean = (before * count + mean * size) / (count + size)
            size += count
        pools.append((mean, size))
    flat = np.concatenate([np.full(size, mean) for mean, size in pools] or [np.empty(0)])
    return np.clip(flat, 0.0, 1.0 - gap * (len(wanted) - 1)) + steps
