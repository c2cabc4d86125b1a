"""`topopert spectrum`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

import topopert as tp
from tests.comparison.quick import quick


@pytest.fixture(scope="module")
def report() -> tp.ComparisonReport:
    """A report whose posteriors are put by hand: two clusters in the baseline, a ring else."""
    made = quick(np.random.default_rng(0).normal(size=(150, 6)), controls=())
    rng = np.random.default_rng(1)
    angle = 2 * np.pi * np.arange(30) / 30
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    pair = np.where(np.arange(30)[:, None] < 15, -1.5, 1.5) * [1.0, 0.0]
    arms = {}
    for name, layout in (("baseline", pair), ("perturbed", 2 * ring)):
        turned = [layout @ np.linalg.qr(rng.normal(size=(2, 2)))[0] for _ in range(3)]
        logvars = np.full((3, 30, 2), 2 * np.log(0.35))
        arms[name] = replace(made.arms[name], latents=np.stack(turned), logvars=logvars)
    return replace(made, arms=MappingProxyType(arms))


@pytest.fixture
def run(report: tp.ComparisonReport, tmp_path: Path) -> Path:
    report.save(tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.slow
def test_clusters_and_loops_of_each_seed_are_told_and_kept(topopert, run) -> None:
    code, out, err = topopert("spectrum", run, "--levels", "6")
    assert code == 0, err
    rows = [line.split() for line in out.splitlines() if line.startswith(("base", "pert"))]
    counts = {(row[0], row[1]): row[2:4] for row in rows if len(row) >= 7 and row[1].isdigit()}
    for seed in "012":
        assert counts["baseline", seed] == ["2", "0"]
        assert counts["perturbed", seed] == ["1", "1"]
    assert "baseline, seed 0 (solved by grid):" in out
    assert "radius 1.9" in out
    with np.load(run / "spectrum" / "spectrum.npz") as kept:
        levels = kept["perturbed/levels"]
        assert levels.shape == (3, 6)
        assert list(kept["perturbed/seeds"]) == [0, 1, 2]
        # Seeds that differ by a rotation have the same levels: a doublet at about 1/R².
        np.testing.assert_allclose(levels, levels[:1].repeat(3, axis=0), rtol=1e-4, atol=1e-9)
        np.testing.assert_allclose(levels[:, 1:3], 0.25, rtol=0.08)
    assert (run / "spectrum" / "levels_baseline.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_arms_seeds_and_folder_can_be_chosen(topopert, run, tmp_path) -> None:
    out_folder = tmp_path / "elsewhere"
    arguments = ("--arm", "perturbed", "--seeds", "1", "--levels", "4", "--out", out_folder)
    code, out, _ = topopert("spectrum", run, *arguments)
    assert code == 0
    assert "baseline" not in out
    with np.load(out_folder / "spectrum.npz") as kept:
        assert kept["perturbed/levels"].shape == (1, 4)
    assert not (run / "spectrum").exists()


def test_bad_input_is_one_line(topopert, run, tmp_path) -> None:
    for arguments in (
        (tmp_path / "nowhere",),
        (run, "--arm", "nothing"),
        (run, "--levels", "2"),
        (run, "--out", run / "report.json"),
    ):
        code, out, err = topopert("spectrum", *arguments)
        assert (code, out) == (2, "")
        assert len(err.splitlines()) == 1


def test_arms_that_diverged_are_refused_by_name(topopert, report, tmp_path) -> None:
    arms = {name: replace(arm, diverged=(0, 1, 2)) for name, arm in report.arms.items()}
    replace(report, arms=MappingProxyType(arms)).save(tmp_path)
    code, _, err = topopert("spectrum", tmp_path, "--arm", "baseline")
    assert code == 2
    assert "Every seed of baseline diverged" in err
