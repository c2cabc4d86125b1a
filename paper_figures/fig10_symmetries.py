"""Figure 10, what each potential lifts: the table of symmetries, predicted and measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from topopert import plotting

from .cache import Arrays
from .cases import CASES
from .produce import figure_main
from .reports import all_reports
from .style import BLACK, GREEN, PAGE, RED, letter

SETTINGS = {"arms": ("baseline", "landscape", "signature", "perturbed")}

_KINDS = ("none", "landscape\nV(z)", "interaction\nV({z}; {x})", "external field\nV(z; x)")
# What theory says of the disparity that is left, for each kind.
_PREDICTED = {
    "disparity": ("stays", "lifted, up to\nsymmetry of V", "stays", "lifted"),
    "invariant_disparity": ("stays", "no claim", "reduced", "lifted"),
}


def compute(arms: tuple[str, ...]) -> Arrays:
    reports = all_reports().values()
    answer: Arrays = {"cases": np.array([case.name for case in CASES])}
    for name in ("disparity", "invariant_disparity"):
        metrics = [[getattr(report.arms[arm].metrics, name) for arm in arms] for report in reports]
        answer[name] = np.array([[(e.value, e.low, e.high) for e in row] for row in metrics])
    return answer


def draw(data: Arrays) -> Any:
    figure = plotting.new_figure(PAGE, 2.9)
    axes = figure.subplots(1, 2)
    titles = {"disparity": "gauge-dependent", "invariant_disparity": "invariant"}
    for ax, mark, (name, title) in zip(axes, "ab", titles.items(), strict=True):
        estimates = data[name]
        shifts = np.linspace(-0.27, 0.27, len(estimates))
        for k, row in enumerate(estimates):
            x = np.arange(len(_KINDS)) + shifts[k]
            reach = np.abs(row[:, 1:] - row[:, :1]).T
            ax.plot(x, row[:, 0], color="0.85", linewidth=0.6, zorder=0)
            # As large as the baseline's own interval allows, or smaller than it.
            fell = row[:, 2] < row[0, 1]
            for at, colour, marker in ((fell, RED, "D"), (~fell, BLACK, "o")):
                ax.errorbar(
                    x[at],
                    row[at, 0],
                    yerr=reach[:, at],
                    linestyle="none",
                    marker=marker,
                    markersize=3.2,
                    markeredgewidth=0,
                    elinewidth=0.7,
                    color=colour,
                )
        ax.set_yscale("log")
        ax.set_xticks(range(len(_KINDS)), _KINDS)
        ax.set_ylim(1e-4, 12)
        for k, text in enumerate(_PREDICTED[name]):
            ax.text(k, 8, text, ha="center", va="top", fontsize=7, color=GREEN)
        ax.set_ylabel("disparity between seeds")
        letter(ax, mark, f"{title} (green: predicted)")
    axes[0].plot([], [], "o", color=BLACK, label="not below the baseline's interval")
    axes[0].plot([], [], "D", color=RED, label="below it")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


def _claims_fell(rows: np.ndarray, k: int) -> int:
    """On how many data sets the interval lies below the baseline's."""
    return int((rows[:, k, 2] < rows[:, 0, 1]).sum())


def claims(data: Arrays) -> dict[str, str]:
    found = {"n_cases": str(len(data["cases"]))}
    for k, kind in enumerate(("landscape", "interaction", "field"), start=1):
        for name in ("disparity", "invariant_disparity"):
            found[f"{kind}.{name}.n_fell"] = str(_claims_fell(data[name], k))
        values = data["disparity"][:, k, 0]
        found[f"{kind}.range"] = f"{values.min():.2g} to {values.max():.2g}"
    return found


if __name__ == "__main__":
    figure_main("fig10_symmetries")
