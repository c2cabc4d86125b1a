"""Figures and axes without pyplot: no global state, no window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from topopert._lazy import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["new_axes", "new_figure"]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure that no global register knows, width and height in inches.

    Raises:
        MissingDependencyError: If matplotlib is not installed.
    """
    figure: Any = require("matplotlib.figure", extra="plot")
    return figure.Figure(figsize=(width, height), layout="constrained")


def new_axes(width: float = 4.0, height: float = 4.0) -> Axes:
    """The axes of a new figure."""
    return new_figure(width, height).subplots()
