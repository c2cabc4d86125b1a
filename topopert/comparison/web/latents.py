"""Latent spaces and the columns to colour them by, as the page's script takes them."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .columns import ColourColumn, colour_column

if TYPE_CHECKING:
    from topopert.comparison.report import ComparisonReport

__all__ = ["colour_columns", "drawn_rows", "latent_panels"]

# Points are elements of the page, and a phone must still scroll: so many in an arm, so many at
# most in a panel. WebGL would draw more, but browsers allow a page some 16 contexts.
_MOST_IN_ARM, _MOST_IN_PANEL = 12_000, 2000
_INSIDE = 0.999


def drawn_rows(report: ComparisonReport) -> NDArray[np.intp]:
    """Which of the held-out rows are drawn, evenly spaced, ascending."""
    n_seeds, n_test, _ = next(iter(report.arms.values())).latents.shape
    most = min(_MOST_IN_PANEL, _MOST_IN_ARM // n_seeds)
    return np.linspace(0, n_test - 1, min(n_test, most)).round().astype(np.intp)


def colour_columns(
    report: ComparisonReport, held_out: dict[str, NDArray[Any]]
) -> list[ColourColumn]:
    """The columns given; where none is, the axes of one seed, which its siblings should repeat."""
    if not held_out:
        for name in ("perturbed", "baseline"):
            arm = report.arms[name]
            if len(arm.finite):
                seed = int(arm.finite[0])
                held_out = {
                    f"axis {k + 1} of {name}, seed {seed}": arm.latents[seed, :, k]
                    for k in range(min(arm.latents.shape[2], 3))
                }
                break
    return [colour_column(name, values) for name, values in held_out.items()]


def latent_panels(
    report: ComparisonReport, columns: list[ColourColumn], rows: NDArray[np.intp]
) -> dict[str, Any]:
    """Per arm and seed the drawn rows' coordinates, axis by axis; None for a diverged seed.

    Args:
        report: The report.
        columns: What to colour by, of all held-out rows.
        rows: Which of the held-out rows are drawn.
    """
    finite = [np.abs(arm.latents[arm.finite]).ravel() for arm in report.arms.values()]
    pooled = np.concatenate(finite)
    reach = 1.08 * float(np.quantile(pooled, _INSIDE)) if len(pooled) else 1.0
    return {
        "latentDim": next(iter(report.arms.values())).latents.shape[2],
        "reach": reach or 1.0,
        "rows": report.test_rows[rows].tolist(),
        "arms": [
            {
                "name": name,
                "seeds": [
                    [_packed(axis) for axis in z[rows].T] if seed not in arm.diverged else None
                    for seed, z in enumerate(arm.latents)
                ],
            }
            for name, arm in report.arms.items()
        ],
        "columns": [_column(column, rows) for column in columns],
    }


def _column(column: ColourColumn, rows: NDArray[np.intp]) -> dict[str, Any]:
    return {
        "palette": list(column.palette),
        "symbols": list(column.symbols),
        "index": [column.index[row] for row in rows],
        # plotly reads a little HTML in what it shows under the pointer.
        "text": [escape(f"{column.name}: {column.text[row]}") for row in rows],
    }


def _packed(values: NDArray[np.float64]) -> dict[str, str]:
    """Single precision in base64, as plotly.js reads arrays."""
    return {
        "dtype": "f4",
        "bdata": base64.b64encode(values.astype("<f4").tobytes()).decode("ascii"),
    }
