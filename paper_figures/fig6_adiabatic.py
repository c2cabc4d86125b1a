"""Figure 6, adiabatic against constant: what strength and switching-off time lift, and cost."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import numpy as np

import topopert as tp
from topopert import plotting
from topopert.comparison.running import run_setup
from topopert.comparison.runs.plans import ArmEnergy, ArmPlan
from topopert.comparison.runs.run_folder import RunFolder
from topopert.comparison.setup import Setup, prepare
from topopert.comparison.statistics.estimate import mean_estimate

from .cache import CACHE, Arrays
from .cases import CASES
from .produce import figure_main
from .style import BLUE, GREEN, GREY, ORANGE, PAGE, RED, letter

SETTINGS = {
    "cases": ("digits, d = 2", "torus"),
    "couplings": (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
    "off_at": (0.4, 0.7, 0.95),
    "n_seeds": 10,
    "n_steps": 2000,
    "seed": 0,
}
_FIELDS = ("value", "low", "high")


def compute(
    cases: tuple[str, ...],
    couplings: tuple[float, ...],
    off_at: tuple[float, ...],
    n_seeds: int,
    n_steps: int,
    seed: int,
) -> Arrays:
    answer: Arrays = {"couplings": np.array(couplings), "off_at": np.array(off_at)}
    courses = [tp.Adiabatic(start, off_at=off) for off in off_at for start in couplings]
    courses += [tp.Constant(start) for start in couplings]
    for name in cases:
        case = next(case for case in CASES if case.name == name)
        points = case.load(np.random.default_rng(seed)).points
        setup = prepare(
            points,
            None,
            latent_dim=case.latent_dim,
            coupling=None,
            model=None,
            n_seeds=n_seeds,
            controls=(),
            training=tp.TrainingConfig(n_steps=n_steps),
            rule=None,
            executor="loky",
            vary="seed",
            train=None,
            seed=seed,
            on_progress=None,
        )
        found = _over_courses(setup, courses, case.slug)
        # One row for each switching-off time, the last one for "never".
        shape = (len(off_at) + 1, len(couplings), 3)
        for metric, rows in found.items():
            if metric.startswith("baseline"):
                answer[f"{case.slug}.{metric}"] = rows
            else:
                answer[f"{case.slug}.{metric}"] = rows.reshape(shape)
    return answer


def _over_courses(setup: Setup, courses: list[Any], name: str) -> Arrays:
    """Disparity and −ELBO of each course of λ, all over the same seeds as one baseline."""
    baseline, perturbed = setup.plans
    plans = [baseline]
    for course in courses:
        energy = ArmEnergy(tp.Hamiltonian(setup.hamiltonian.potential, course), by_anchors=True)
        label = repr(course).replace(" ", "")
        plans.append(ArmPlan(name=label, energy=energy, context=perturbed.context))
    # Arms are kept until all are there, so that an interruption loses few.
    kept = CACHE / "runs" / f"fig6_{name}"
    folder = RunFolder(kept, setup.arguments)
    with folder.claimed():
        results = run_setup(replace(setup, plans=plans), folder, "loky", None)
    shutil.rmtree(kept)
    by_arm = {chunk.arm: result for chunk, result in results.items()}
    base = by_arm["baseline"]
    found: dict[str, list[list[float]]] = {"gauge": [], "invariant": [], "loss": []}
    for plan in plans[1:]:
        result = by_arm[plan.name]
        metrics = tp.degeneracy(result.latents)
        loss = mean_estimate(result.neg_elbo - base.neg_elbo)
        estimates = (metrics.disparity, metrics.invariant_disparity, loss)
        for rows, estimate in zip(found.values(), estimates, strict=True):
            rows.append([getattr(estimate, field) for field in _FIELDS])
    metrics = tp.degeneracy(base.latents)
    return {
        **{metric: np.array(rows) for metric, rows in found.items()},
        "baseline_gauge": np.array([getattr(metrics.disparity, field) for field in _FIELDS]),
        "baseline_elbo": base.neg_elbo,
    }


def draw(data: Arrays) -> Any:
    figure = plotting.new_figure(PAGE, 4.1)
    slugs = _claims_slugs(data)
    axes = figure.subplots(2, 2, sharex=True)
    couplings = data["couplings"]
    n_off = len(data["off_at"])
    looks = [
        *zip((ORANGE, GREEN, RED)[:n_off], "ovD"[:n_off], "---"[:n_off], strict=True),
        (BLUE, "s", "--"),
    ]
    names = [*(f"off at {100 * off:.0f} % of training" for off in data["off_at"]), "never off"]
    for column, (slug, title) in enumerate(slugs.items()):
        above, below = axes[:, column]
        base = data[f"{slug}.baseline_elbo"]
        for k, (colour, marker, line) in enumerate(looks):
            x = couplings * (1 + 0.05 * (k - 1.5))
            look = {"color": colour, "marker": marker, "linestyle": line, "markersize": 3.4}
            for ax, metric, scale in (
                (above, "gauge", 1.0),
                (below, "loss", 100 / base.mean()),
            ):
                value, low, high = scale * data[f"{slug}.{metric}"][k].T
                reach = np.maximum([value - low, high - value], 0)
                ax.errorbar(x, value, yerr=reach, elinewidth=0.6, label=names[k], **look)
        value, low, high = data[f"{slug}.baseline_gauge"]
        above.axhspan(low, high, color=GREY, alpha=0.25, linewidth=0)
        above.axhline(value, color=GREY, linewidth=0.8)
        above.text(couplings[-1], 1.2 * high, "baseline", fontsize=7, ha="right", color="0.35")
        above.set(xscale="log", yscale="log")
        spread = 100 * base.std(ddof=1) / np.sqrt(len(base)) / base.mean()
        below.axhspan(-spread, spread, color=GREY, alpha=0.25, linewidth=0)
        below.set_xlabel("κλ at the start")
        below.set_yscale("symlog", linthresh=2, linscale=1.2)
        ticks = [-2, 0, 2, 5, 10, 20, 50]
        below.set_yticks(ticks, [f"{t:+d}".replace("-", "−") if t else "0" for t in ticks])
        below.minorticks_off()
        letter(above, "ab"[column], title)
        letter(below, "cd"[column], "grey: ±1 standard error of the baseline")
    axes[0, 0].set_ylabel("disparity between seeds")
    axes[1, 0].set_ylabel("−ELBO above the\nbaseline's (%)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure


def _claims_slugs(data: Arrays) -> dict[str, str]:
    names = {case.slug: f"{case.name}" for case in CASES}
    slugs = [name.removesuffix(".gauge") for name in data if name.endswith(".gauge")]
    return {slug: names[slug] + (", d = 3" if slug == "torus" else "") for slug in slugs}


def claims(data: Arrays) -> dict[str, str]:
    found = {}
    for slug in _claims_slugs(data):
        key = "digits" if slug.startswith("digits") else slug
        gauge, loss = data[f"{slug}.gauge"], data[f"{slug}.loss"]
        base = data[f"{slug}.baseline_elbo"].mean()
        for k, course in enumerate((*(f"off{100 * o:.0f}" for o in data["off_at"]), "constant")):
            for j, start in enumerate(data["couplings"]):
                name = f"{key}.{course}.{start:g}"
                found[f"{name}.gauge"] = f"{gauge[k, j, 0]:.2g}"
                percent = 100 * loss[k, j, 0] / base
                found[f"{name}.loss"] = f"{percent:+.1f} %".replace("-0.0", "0.0").replace(
                    "-", "−"
                )
            lifted = data["couplings"][gauge[k, :, 2] < 0.5 * data[f"{slug}.baseline_gauge"][0]]
            found[f"{key}.{course}.least_lifting"] = f"{lifted.min():g}" if len(lifted) else "none"
    return found


if __name__ == "__main__":
    figure_main("fig6_adiabatic")
