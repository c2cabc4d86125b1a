"""The tables of README and paper: what the perturbation lifts, and what each control does.

Ten seeds, one fifth held out, the library's defaults throughout; `make table` writes them into
README. What was trained is kept in the cache and not trained again.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import topopert as tp

from .cache import CACHE
from .cases import CASES
from .produce import note
from .reports import CONTROLS, all_reports

__all__ = ["CONTROLS", "claims", "controls", "lifting", "symmetries", "write"]

README = Path(__file__).parent.parent / "README.md"


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


def claims(reports: dict[str, tp.ComparisonReport]) -> dict[str, str]:
    """The tables and the numbers that the texts take from them."""
    verdicts = [report.verdict for report in reports.values()]
    losses = [report.verdicts["perturbed"].elbo_ratio for report in reports.values()]
    slugs = {case.name: case.slug.replace("=", "").replace("__", "_") for case in CASES}
    found = {
        "lifting": "\n".join(lifting(reports)),
        "controls": "\n".join(controls(reports)),
        "symmetries": "\n".join(symmetries(reports)),
        "n_lifted": str(verdicts.count("lifted")),
        "n_cases": str(len(verdicts)),
        "n_worse": str(sum(loss > 1 for loss in losses)),
        "n_better": str(sum(loss <= 1 for loss in losses)),
        "worst_loss": percent(max(losses)),
    }
    for name, report in reports.items():
        for arm in report.arms:
            base, metrics = report.arms["baseline"], report.arms[arm].metrics
            loss = report.arms[arm].neg_elbo.mean() / base.neg_elbo.mean()
            key = f"{slugs[name]}.{arm}"
            found[f"{key}.gauge"] = figure(metrics.disparity.value)
            found[f"{key}.invariant"] = figure(metrics.invariant_disparity.value)
            found[f"{key}.loss"] = percent(loss)
    return found


def tabulate() -> None:
    """Write the tables into README and note them for the paper."""
    reports = all_reports()
    for name, table in (("lifting", lifting), ("controls", controls), ("symmetries", symmetries)):
        write(name, table(reports))
    note("tables", claims(reports))


if __name__ == "__main__":
    if "--recompute" in sys.argv[1:]:
        shutil.rmtree(CACHE / "reports", ignore_errors=True)
    tabulate()
