"""The tables that README shows say what the reports say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import topopert as tp
from paper_figures import lifting_table
from paper_figures.cases import CASES
from paper_figures.produce import RESULTS

README = Path(__file__).parent.parent / "README.md"


@pytest.fixture(scope="module")
def report() -> tp.ComparisonReport:
    points = tp.datasets.circle(
        150, ambient_dim=6, noise=0.05, rng=np.random.default_rng(0)
    ).points
    return tp.compare(
        points,
        n_seeds=3,
        controls=lifting_table.CONTROLS,
        training=tp.TrainingConfig(n_steps=20, batch_size=32),
    )


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_data_set_has_a_row_with_its_figures(report) -> None:
    reports = {case.name: report for case in CASES}
    header, rule, *rows = lifting_table.lifting(reports)
    assert len(rows) == len(CASES)
    assert len(cells(header)) == len(cells(rule)) == len(cells(rows[0]))
    gauge = [report.arms[name].metrics.disparity.value for name in ("baseline", "perturbed")]
    assert [float(figure) for figure in cells(rows[0])[3].split(" → ")] == pytest.approx(
        gauge, rel=0.06
    )
    assert cells(rows[0])[-1] == report.verdict


def test_controls_and_symmetries_name_their_arms(report) -> None:
    reports = {case.name: report for case in CASES}
    header, _, row, *_ = lifting_table.controls(reports)
    for name, cell in zip(cells(header)[1:], cells(row)[1:], strict=True):
        value, loss = re.fullmatch(r"(\S+) \((\S+) %\)", cell).groups()
        arm = report.arms[name]
        assert float(value) == pytest.approx(arm.metrics.disparity.value, rel=0.06)
        ratio = arm.neg_elbo.mean() / report.arms["baseline"].neg_elbo.mean()
        assert float(loss.replace("−", "-")) == pytest.approx(100 * (ratio - 1), abs=0.051)
    header, _, row, *_ = lifting_table.symmetries(reports)
    assert cells(header)[1:] == ["none", "landscape V(z)", "interaction", "external field"]
    first = report.arms["baseline"].metrics.disparity
    assert float(cells(row)[1].split()[0]) == pytest.approx(first.value, rel=0.06)


def test_readme_has_the_tables_of_the_results() -> None:
    text, results = README.read_text(), json.loads(RESULTS.read_text())
    for name in ("lifting", "controls", "symmetries"):
        block = text.split(f"<!-- `make table`: {name} -->")[1].split(f"<!-- end of {name} -->")[0]
        assert block.count("\n|") == len(CASES) + 2
        assert block.strip() == results["tables"][name]
