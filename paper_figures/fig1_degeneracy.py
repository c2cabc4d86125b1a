"""Figure 1, the degeneracy: ten seeds of one VAE, ten latent spaces, one ELBO."""

from __future__ import annotations

from typing import Any

import numpy as np

from topopert import datasets, plotting
from topopert.comparison.metrics import disparity

from .cache import Arrays
from .cases import CASES
from .produce import figure_main
from .reports import report_of
from .style import BLUE, GREY, PAGE, RED

SETTINGS = {"case": "digits, d = 2"}


def compute(case: str) -> Arrays:
    report = report_of(next(c for c in CASES if c.name == case))
    baseline = report.arms["baseline"]
    pairs = np.triu_indices(len(baseline.latents), k=1)
    gauge, invariant = (
        measure(disparity.centred(baseline.latents))[pairs]
        for measure in (disparity.gauge_disparity, disparity.invariant_disparity)
    )
    elbo = baseline.neg_elbo
    return {
        "latents": baseline.latents.astype(np.float32),
        "labels": datasets.digits().parameters[report.test_rows, 0].astype(np.int64),
        "neg_elbo": elbo,
        "gauge": gauge,
        "invariant": invariant,
        "elbo_difference": np.abs(elbo[pairs[0]] - elbo[pairs[1]]) / elbo.mean(),
    }


def draw(data: Arrays) -> Any:
    figure = plotting.new_figure(PAGE, 2.75)
    left, right = figure.subfigures(1, 2, width_ratios=(5.4, 1.7))
    grid = left.subplots(2, 5, sharex=True, sharey=True)
    reach = np.quantile(np.abs(data["latents"]), 0.998) * 1.05
    for seed, (ax, z) in enumerate(zip(grid.flat, data["latents"], strict=True)):
        _draw_latents(ax, z, data["labels"])
        ax.set_title(f"seed {seed}: {data['neg_elbo'][seed]:.1f} nats", fontsize=7, loc="center")
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal")
        ax.spines[["top", "right"]].set_visible(True)
    left.supxlabel("latent axis 1", fontsize=7.5)
    left.supylabel("latent axis 2", fontsize=7.5)
    _draw_differences(right.subplots(), data)
    return figure


def _draw_latents(ax: Any, z: np.ndarray, labels: np.ndarray) -> None:
    """Points in a colour per digit, and the digit itself at the middle of its points."""
    from matplotlib import colormaps

    colours = np.array([colormaps["tab10"](k) for k in range(10)])
    ax.scatter(*z.T, s=3, c=colours[labels], linewidths=0, alpha=0.7, rasterized=True)
    for digit in range(10):
        x, y = np.median(z[labels == digit], axis=0)
        text = ax.text(x, y, str(digit), ha="center", va="center", fontsize=7, weight="bold")
        _draw_halo(text)


def _draw_halo(text: Any) -> None:
    from matplotlib.patheffects import withStroke

    text.set_path_effects([withStroke(linewidth=1.6, foreground="white")])


def _draw_differences(ax: Any, data: Arrays) -> None:
    rows = (
        ("−ELBO", data["elbo_difference"], GREY, "o"),
        ("latents", data["gauge"], RED, "D"),
        ("latents,\nbest rotation", data["invariant"], BLUE, "s"),
    )
    spread = np.random.default_rng(0).uniform(-0.24, 0.24, len(data["gauge"]))
    for x, (_, values, colour, marker) in enumerate(rows):
        ax.plot(x + spread, 100 * values, marker, color=colour, alpha=0.55, markersize=2.5, mew=0)
        ax.plot([x - 0.33, x + 0.33], [100 * values.mean()] * 2, color=colour, linewidth=1.8)
        ax.text(
            x,
            100 * values.max() + 7,
            f"{100 * values.mean():.{int(values.mean() < 0.1)}f} %",
            ha="center",
            color=colour,
            weight="bold",
        )
    ax.set_xticks(range(3), [name for name, *_ in rows], rotation=35, ha="right")
    ax.set(ylabel="difference of two seeds (%)", xlim=(-0.6, 2.6), ylim=(-3, 200))
    ax.set_title(f"all {len(data['gauge'])} pairs of seeds", fontsize=7)


def claims(data: Arrays) -> dict[str, str]:
    elbo = data["neg_elbo"]
    return {
        "n_seeds": str(len(elbo)),
        "gauge": f"{data['gauge'].mean():.2f}",
        "invariant": f"{data['invariant'].mean():.2f}",
        "elbo": f"{elbo.mean():.1f}",
        "elbo_low": f"{elbo.min():.1f}",
        "elbo_high": f"{elbo.max():.1f}",
        "elbo_difference": f"{100 * data['elbo_difference'].mean():.1f} %",
    }


if __name__ == "__main__":
    figure_main("fig1_degeneracy")
