from __future__ import annotations

import sys
from functools import partial

import numpy as np
import pytest

import topopert as tp
from topopert.cli import demo, main
from topopert.cli.demo import DemoCase


def run(monkeypatch, capsys, *args: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["topopert", *args])
    with pytest.raises(SystemExit) as stop:
        main()
    captured = capsys.readouterr()
    assert isinstance(stop.value.code, int)
    return stop.value.code, captured.out, captured.err


def small_case(name: str = "circle", **kwargs) -> DemoCase:
    defaults = {
        "name": name,
        "title": "circle",
        "load": lambda: tp.datasets.circle(
            80, ambient_dim=4, noise=0.05, rng=np.random.default_rng(0)
        ),
        "latent_dim": 2,
        "colour_label": "angle",
        "cyclic": True,
    }
    return DemoCase(**{**defaults, **kwargs})


@pytest.fixture
def quick_demo(monkeypatch) -> None:
    """The demo with ten steps of training."""
    quick = partial(tp.compare, training=tp.TrainingConfig(n_steps=10))
    monkeypatch.setattr(demo, "compare", quick)


def test_help_and_version(monkeypatch, capsys) -> None:
    code, out, _ = run(monkeypatch, capsys, "--help")
    assert code == 0
    assert "demo" in out
    assert (
        run(monkeypatch, capsys, "--version")[1].strip() == f"topopert, version {tp.__version__}"
    )


@pytest.mark.parametrize(
    "args", [("--what",), ("dance",), ("demo", "--seeds", "2"), ("demo", "--seeds", "many")]
)
def test_bad_arguments_are_one_line_and_exit_code_two(monkeypatch, capsys, args) -> None:
    code, out, err = run(monkeypatch, capsys, *args)
    assert code == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("topopert: ")


@pytest.mark.usefixtures("quick_demo")
def test_demo_writes_reports_and_pictures(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setattr(demo, "DEMO_CASES", (small_case(), small_case("again")))
    monkeypatch.chdir(tmp_path)
    code, out, err = run(monkeypatch, capsys, "demo", "--seeds", "3")
    assert code == 0
    assert out.count("\nverdict: ") == 2
    assert "training arm 2/3, perturbed" in err
    assert "\r" not in err  # no bar where there is no terminal
    for name in ("circle", "again"):
        files = sorted(p.name for p in (tmp_path / "demo" / name).iterdir())
        assert files == [
            "arrays.npz",
            "diagram.png",
            "disparities.png",
            "latents.png",
            "report.html",
            "report.json",
        ]
        assert tp.ComparisonReport.load(tmp_path / "demo" / name).settings["n_seeds"] == 3
    # a second one replaces the first, and nothing else is left beside it
    monkeypatch.setattr(demo, "DEMO_CASES", (small_case("later"),))
    assert run(monkeypatch, capsys, "demo", "--seeds", "3")[0] == 0
    assert [p.name for p in tmp_path.iterdir()] == ["demo"]
    assert [p.name for p in (tmp_path / "demo").iterdir() if p.is_dir()] == ["later"]


@pytest.mark.usefixtures("quick_demo")
def test_an_interrupted_demo_leaves_nothing(monkeypatch, capsys, tmp_path) -> None:
    def interrupted() -> tp.datasets.Dataset:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "DEMO_CASES", (small_case(), small_case("b", load=interrupted)))
    monkeypatch.chdir(tmp_path)
    code, _, err = run(monkeypatch, capsys, "demo", "--seeds", "3")
    assert code == 130
    assert "interrupted" in err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_demo_is_not_replaced(monkeypatch, capsys, tmp_path) -> None:
    (tmp_path / "thesis.tex").write_text("all my work")
    code, _, err = run(monkeypatch, capsys, "demo", "--out", str(tmp_path))
    assert code == 2
    assert "was not made by" in err
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_place_that_cannot_be_written_is_refused_before_training(
    monkeypatch, capsys, tmp_path
) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = run(monkeypatch, capsys, "demo", "--out", str(tmp_path / "file" / "demo"))
    assert code == 2
    assert len(err.strip().splitlines()) == 1


def test_the_folder_one_stands_in_is_refused(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run(monkeypatch, capsys, "demo", "--out", ".")
    assert code == 2
    assert "the folder you stand in" in err
