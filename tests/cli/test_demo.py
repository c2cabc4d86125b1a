"""What the demo must show, on the demo itself."""

from __future__ import annotations

from pathlib import Path

import pytest

import topopert as tp
from topopert.cli.demo import run_demo


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> dict[str, tp.ComparisonReport]:
    return run_demo(Path(tmp_path_factory.mktemp("run")) / "demo", n_seeds=10)


def ratio(report: tp.ComparisonReport, name: str) -> float:
    arms = report.arms
    return (
        getattr(arms["perturbed"].metrics, name).value
        / getattr(arms["baseline"].metrics, name).value
    )


def mean_neg_elbo(report: tp.ComparisonReport, arm: str) -> float:
    return float(report.arms[arm].neg_elbo.mean())


@pytest.mark.slow
def test_digits_are_lifted(reports) -> None:
    report = reports["digits"]
    assert report.verdict == "lifted", report.reason
    assert ratio(report, "disparity") <= 1 / 20
    assert ratio(report, "invariant_disparity") <= 1 / 5
    assert mean_neg_elbo(report, "perturbed") <= 1.01 * mean_neg_elbo(report, "baseline")


@pytest.mark.slow
def test_torus_is_lifted(reports) -> None:
    report = reports["torus"]
    assert report.verdict == "lifted", report.reason
    assert ratio(report, "disparity") <= 1 / 50
    assert ratio(report, "invariant_disparity") <= 1 / 50
    assert report.settings["layout"] == "cohomology"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "torus"])
def test_shuffled_anchors_do_not_lift(reports, name: str) -> None:
    report = reports[name]
    assert report.verdicts["shuffled"].outcome == "not lifted"
    worse = mean_neg_elbo(report, "shuffled") / mean_neg_elbo(report, "baseline")
    assert report.verdicts["shuffled"].invariant_ratio.high > 0.5 or worse > 1.01
