"""The pictures of a report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from topopert import plotting
from topopert.comparison import ComparisonReport
from topopert.hamiltonian.spectra import Spectrum
from topopert.storage import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "MOST_SEEDS",
    "draw_diagrams",
    "draw_disparities",
    "draw_latents",
    "draw_levels",
    "draw_losses",
]

MOST_SEEDS = 10  # side by side; a wider picture nobody can look at
_MOST_POINTS = 5000  # in a panel: more of them hide each other, and take their time and memory


def draw_latents(
    report: ComparisonReport,
    path: Path,
    colour: NDArray[Any] | None,
    *,
    colour_label: str = "",
    cyclic: bool = False,
    arms: Sequence[str] | None = None,
) -> None:
    """The latent spaces of the held-out rows, seeds side by side, arms below one another.

    Of more than 5000 rows as many are drawn, evenly spaced.

    Args:
        report: Whose.
        path: Picture to write.
        colour: One value for each point that was compared, shape (N,), or None.
        colour_label: What the colour means.
        cyclic: Whether it is an angle.
        arms: Which arms; None draws all.
    """
    n_test = len(report.test_rows)
    rows = np.linspace(0, n_test - 1, min(n_test, _MOST_POINTS)).round().astype(np.intp)
    figure = plotting.plot_latents_grid(
        {
            name: report.arms[name].latents[:MOST_SEEDS, rows]
            for name in (report.arms if arms is None else arms)
        },
        None if colour is None else _plain_column(colour[report.test_rows[rows]]),
        colour_label=_plain(colour_label),
        cyclic=cyclic,
    )
    _save(figure, path)


def draw_diagrams(diagrams: Any, features: Any, path: Path, *, title: str) -> None:
    """Persistence diagrams, significant classes ringed."""
    figure = plotting.new_figure(4.0, 4.2)
    ax = plotting.plot_diagrams(diagrams, features, ax=figure.subplots())
    ax.set_title(_plain(title))
    _save(figure, path)


def draw_disparities(report: ComparisonReport, path: Path) -> bool:
    """The disparities of all arms that have them; says whether there were any."""
    rows = [row for row in report.table() if row.disparity and row.invariant_disparity]
    if not rows:
        return False
    figure = plotting.new_figure(1.6 + 1.1 * len(rows), 3.6)
    plotting.plot_disparities(
        [row.arm for row in rows],
        {
            "gauge-dependent": [row.disparity for row in rows if row.disparity],
            "invariant": [r.invariant_disparity for r in rows if r.invariant_disparity],
        },
        ax=figure.subplots(),
    )
    _save(figure, path)
    return True


def draw_losses(report: ComparisonReport, path: Path) -> bool:
    """The learning curves of all arms; says whether there were any."""
    curves = {
        name: arm.learning_curve
        for name, arm in report.arms.items()
        if np.isfinite(arm.learning_curve).any()
    }
    if not curves:
        return False
    figure = plotting.new_figure(5.6, 3.8)
    plotting.plot_learning_curves(curves, ax=figure.subplots())
    _save(figure, path)
    return True


def draw_levels(spectrum: Spectrum, path: Path, *, title: str) -> None:
    """The levels of a spectrum, each labelled by what its mode is."""
    figure = plotting.new_figure(4.0, 4.6)
    labels = [mode.label for mode in spectrum.describe().modes]
    # Levels of clusters are exponentially small.
    log = "barrier" in labels
    ax = plotting.plot_levels(spectrum, labels=labels, log=log, ax=figure.subplots())
    ax.set_title(_plain(title))
    _save(figure, path)


def _plain(text: str) -> str:
    """A name from a file, which is no formula even if it has dollars."""
    return text.replace("$", r"\$")


def _plain_column(colour: NDArray[Any]) -> NDArray[Any]:
    return np.char.replace(colour, "$", r"\$") if colour.dtype.kind == "U" else colour


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as file:
        figure.savefig(file, dpi=150, format=path.suffix.removeprefix("."))
