"""What the perturbation lifts, and what each control does, on every data set.

Ten seeds, one fifth held out, the library's defaults throughout. Run by `make table`, which writes
the tables into README; what was trained is kept in the cache and not trained again.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np

import topopert as tp

from .cases import CASES, Case

CACHE = Path(__file__).parent / "cache" / "table"
README = Path(__file__).parent.parent / "README.md"
CONTROLS = ("shuffled", "pca", "constant", "finetuned", "landscape", "signature")
N_SEEDS, SEED = 10, 0


def report_of(case: Case) -> tp.ComparisonReport:
    started = time.perf_counter()
    points = case.load(np.random.default_rng(SEED)).points
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tp.TopopertWarning)  # latent spaces too small for a class
        report = tp.compare(
            points,
            latent_dim=case.latent_dim,
            n_seeds=N_SEEDS,
            controls=CONTROLS,
            seed=SEED,
            executor="loky",
            directory=CACHE / case.name.replace(" ", "_").replace(",", ""),
        )
    print(f"{case.name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    print(report, file=sys.stderr, flush=True)
    return report


def figure(value: float) -> str:
    return f"{value:.2g}" if value >= 0.1 else f"{value:.1g}" if value < 1e-3 else f"{value:.2g}"


def fold(ratio: float) -> str:
    """A ratio of at most 1 as 1/n."""
    return f"1/{1 / ratio:.0f}" if ratio < 0.1 else f"{ratio:.2g}"


def percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{100 * (ratio - 1):+.1f} %".replace("-", "−")


def lifting(reports: dict[str, tp.ComparisonReport]) -> list[str]:
    lines = [
        "| data | d | layout | gauge-dependent | ratio ≤ | invariant | ratio ≤ | −ELBO |  |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for case in CASES:
        report = reports[case.name]
        verdict = report.verdicts["perturbed"]
        before, after = (report.arms[name].metrics for name in ("baseline", "perturbed"))
        cells = [case.name.split(",")[0], str(case.latent_dim), report.settings["layout"]]
        for name in ("disparity", "invariant_disparity"):
            values = [getattr(metrics, name).value for metrics in (before, after)]
            cells.append(" → ".join(map(figure, values)))
            estimate = getattr(
                verdict, "disparity_ratio" if name == "disparity" else "invariant_ratio"
            )
            cells.append("–" if estimate is None else fold(estimate.high))
        cells += [percent(verdict.elbo_ratio), report.verdict]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def controls(reports: dict[str, tp.ComparisonReport]) -> list[str]:
    """Gauge-dependent disparity of each arm, and its −ELBO against the baseline's."""
    arms = ("perturbed", "shuffled", "pca", "constant", "finetuned")
    lines = [f"| data | {' | '.join(arms)} |", "|---|" + "---|" * len(arms)]
    for case in CASES:
        report = reports[case.name]
        base = report.arms["baseline"].neg_elbo.mean()
        cells = [case.name]
        for name in arms:
            arm = report.arms[name]
            loss = arm.neg_elbo[arm.finite].mean() / base
            cells.append(f"{figure(arm.metrics.disparity.value)} ({percent(loss)})")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def symmetries(reports: dict[str, tp.ComparisonReport]) -> list[str]:
    """The table of theory, measured: what each kind of potential leaves."""
    kinds = {
        "none": "baseline",
        "landscape V(z)": "landscape",
        "interaction": "signature",
        "external field": "perturbed",
    }
    lines = [f"| data | {' | '.join(kinds)} |", "|---|" + "---|" * len(kinds)]
    for case in CASES:
        cells = [case.name]
        for name in kinds.values():
            metrics = reports[case.name].arms[name].metrics
            pair = (metrics.disparity, metrics.invariant_disparity)
            cells.append(
                "; ".join(f"{figure(e.value)} [{figure(e.low)}, {figure(e.high)}]" for e in pair)
            )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def write(name: str, lines: list[str]) -> None:
    """Put the lines between README's marks of that name."""
    start, end = f"<!-- `make table`: {name} -->", f"<!-- end of {name} -->"
    before, rest = README.read_text().split(start)
    _, after = rest.split(end)
    README.write_text("\n".join([before + start, *lines, end + after]))


def main() -> None:
    reports = {case.name: report_of(case) for case in CASES}
    for name, table in (("lifting", lifting), ("controls", controls), ("symmetries", symmetries)):
        lines = table(reports)
        print("\n".join([f"\n{name}", *lines]))
        write(name, lines)


if __name__ == "__main__":
    main()
