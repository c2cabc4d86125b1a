"""Figure 4, lifting: disparity between seeds and −ELBO, every data set and every arm."""

from __future__ import annotations

from typing import Any

import numpy as np

from topopert import plotting
from topopert.comparison.statistics.estimate import mean_estimate

from .cache import Arrays
from .cases import CASES
from .produce import figure_main
from .reports import CONTROLS, all_reports
from .style import ARMS, PAGE, interval, letter

SETTINGS = {"arms": ("baseline", "perturbed", *CONTROLS)}


def compute(arms: tuple[str, ...]) -> Arrays:
    reports = list(all_reports().values())
    answer: Arrays = {"cases": np.array([case.name for case in CASES]), "arms": np.array(arms)}
    for name in ("disparity", "invariant_disparity"):
        answer[name] = np.array(
            [
                [(e.value, e.low, e.high) for arm in arms for e in [_metric(report, arm, name)]]
                for report in reports
            ]
        )  # (data set, arm, (value, low, high))
    answer["loss"] = np.array([[_loss(report, arm) for arm in arms] for report in reports])
    answer["lifted"] = np.array([report.verdict == "lifted" for report in reports])
    answer["elbo"] = np.array([report.arms["baseline"].neg_elbo.mean() for report in reports])
    return answer


def _metric(report: Any, arm: str, name: str) -> Any:
    return getattr(report.arms[arm].metrics, name)


def _loss(report: Any, arm: str) -> tuple[float, float, float]:
    """−ELBO above the baseline's with its paired interval, in per cent of the baseline's."""
    base = report.arms["baseline"].neg_elbo
    found = mean_estimate(report.arms[arm].neg_elbo - base)
    low, high = (found.low, found.high) if arm != "baseline" else (found.value, found.value)
    return tuple(100 * value / base.mean() for value in (found.value, low, high))


def draw(data: Arrays) -> Any:
    figure = plotting.new_figure(PAGE, 6.0)
    gauge, invariant, loss = figure.subplots(1, 3, sharey=True, width_ratios=(1.15, 1.0, 1.0))
    n_cases, n_arms = data["disparity"].shape[:2]
    offsets = np.linspace(-0.36, 0.36, n_arms)
    for ax, name in (
        (gauge, "disparity"),
        (invariant, "invariant_disparity"),
        (loss, "loss"),
    ):
        for k in range(0, n_cases, 2):
            ax.axhspan(k - 0.5, k + 0.5, color="0.955", linewidth=0, zorder=0)
        for k, arm in enumerate(data["arms"]):
            colour, marker = ARMS[str(arm)]
            value, low, high = data[name][:, k].T
            interval(
                ax,
                value,
                np.arange(n_cases) + offsets[k],
                low,
                high,
                color=colour,
                marker=marker,
                markersize=4.2 if arm == "perturbed" else 3,
                markeredgewidth=0,
                label=str(arm),
            )
    names = [
        f"{name}\n{'lifted' if lifted else 'not lifted'}"
        for name, lifted in zip(data["cases"], data["lifted"], strict=True)
    ]
    gauge.set_yticks(range(n_cases), names)
    gauge.set_ylim(n_cases - 0.5, -0.5)
    for ax in (gauge, invariant):
        ax.set_xscale("log")
        ax.axvline(1, color="0.5", linewidth=0.6, linestyle=":")
    gauge.set_xlabel("disparity between seeds")
    invariant.set_xlabel("after the best rotation")
    loss.set_xlabel("−ELBO above the baseline's (%)")
    loss.axvspan(-100, 1, color="#009E73", alpha=0.08, linewidth=0, zorder=0)
    loss.set_xscale("symlog", linthresh=2, linscale=1.4)
    ticks = [-5, -1, 0, 1, 5, 20]
    loss.set_xticks(ticks, [f"{tick:+d}".replace("-", "−") if tick else "0" for tick in ticks])
    loss.set_xlim(-8, 40)
    loss.minorticks_off()
    letter(gauge, "a", "gauge-dependent")
    letter(invariant, "b", "invariant")
    letter(loss, "c", "quality (green: allowed)")
    handles, labels = gauge.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=8, columnspacing=1.2)
    return figure


def claims(data: Arrays) -> dict[str, str]:
    perturbed = list(data["arms"]).index("perturbed")
    fold = data["disparity"][:, 0, 0] / data["disparity"][:, perturbed, 0]
    others = data["disparity"][:, :, 0].copy()
    found = {
        "n_lifted": str(int(data["lifted"].sum())),
        "n_cases": str(len(data["lifted"])),
        "least_fold": f"{fold.min():.0f}",
        "largest_fold": f"{fold.max():.0f}",
        "largest_loss": f"{data['loss'][:, perturbed, 0].max():.1f} %",
        "least_loss": f"{data['loss'][:, perturbed, 0].min():.1f} %".replace("-", "−"),
    }
    for k, arm in enumerate(data["arms"]):
        found[f"{arm}.least"] = f"{others[:, k].min():.2g}"
        found[f"{arm}.largest"] = f"{others[:, k].max():.2g}"
        found[f"{arm}.largest_loss"] = f"{data['loss'][:, k, 0].max():.1f} %"
    return found


if __name__ == "__main__":
    figure_main("fig4_lifting")
