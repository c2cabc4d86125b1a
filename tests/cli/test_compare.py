"""`topopert compare`: from a file to report and pictures; bad input before any training."""

from __future__ import annotations

import importlib
import json

import numpy as np
import pytest

import topopert as tp
from topopert.cli.progress import ComparisonProgress

compare_module = importlib.import_module("topopert.cli.compare")
QUICK = ("--seeds", "3", "--steps", "8", "--controls", "shuffled")


@pytest.fixture
def flowers(tmp_path, rng, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "my flowers.csv"
    points = rng.normal(size=(40, 3))
    lines = [f"{x!r},{y!r},{z!r},kind {k % 3}" for k, (x, y, z) in enumerate(points.tolist())]
    path.write_text("\n".join(["a,b,c,kind", *lines]) + "\n")
    return path


def figures(folder) -> dict:
    record = json.loads((folder / "report.json").read_text())
    for part in (*record["table"], *record["arms"].values()):
        del part["seconds"]
    return record


def test_a_file_becomes_a_report_and_pictures(topopert, flowers, tmp_path) -> None:
    code, out, err = topopert("compare", flowers, "--label", "kind", *QUICK, "--out", "out")
    assert code == 0, err
    report = tp.ComparisonReport.load(tmp_path / "out")
    assert report.settings["n_features"] == 3
    assert list(report.arms) == ["baseline", "perturbed", "shuffled"]
    assert str(report) in out
    assert "training arm 3/3, shuffled" in err
    assert "\r" not in err
    made = {path.name for path in (tmp_path / "out").iterdir()}
    wanted = {"report.json", "arrays.npz", "latents.png", "diagrams.png", "disparities.png"}
    assert wanted | {"learning_curves.png", "runs", "arguments.json"} <= made
    assert ("report.html" in made) != ("no report.html will be written" in err)


def test_options_reach_the_comparison(topopert, flowers, monkeypatch) -> None:
    seen = {}

    def compare(points, **kwargs):
        seen.update(kwargs, shape=points.shape)
        raise tp.TopopertError("enough")

    monkeypatch.setattr(compare_module, "compare_seeds", compare)
    options = [
        "--latent-dim=3",
        "--seeds=4",
        "--controls=pca,constant",
        "--steps=7",
        "--batch-size=5",
        "--learning-rate=0.1",
        "--noise-variance=0.2",
        "--vary=bootstrap",
        "--executor=loky",
        "--seed=9",
    ]
    code, _, err = topopert("compare", flowers, "--label", "kind", *options, "--out", "o u t")
    assert code == 2
    assert err.splitlines()[-1] == "topopert: enough"
    seen.pop("on_progress")
    assert seen == {
        "shape": (40, 3),
        "latent_dim": 3,
        "n_seeds": 4,
        "controls": ("pca", "constant"),
        "training": tp.TrainingConfig(
            n_steps=7, batch_size=5, learning_rate=0.1, noise_variance=0.2
        ),
        "directory": compare_module.Path("o u t"),
        "executor": "loky",
        "vary": "bootstrap",
        "seed": 9,
    }


def test_a_finished_run_is_kept_unless_told_to_resume(topopert, flowers, tmp_path) -> None:
    command = ("compare", flowers, "--label", "kind", *QUICK, "--out", "out")
    assert topopert(*command)[0] == 0
    first = figures(tmp_path / "out")
    code, _, err = topopert(*command)
    assert code == 2
    assert "--resume" in err
    code, _, err = topopert(*command, "--resume")
    assert code == 0
    assert "training" not in err
    assert "arm 3/3, shuffled, is done" in err
    assert figures(tmp_path / "out") == first
    code, _, err = topopert(*command, "--resume", "--seed", "1")
    assert code == 2
    assert "seed: 0 there, 1 now" in err


def test_ctrl_c_leaves_a_folder_that_resumes_to_the_same_report(
    topopert, flowers, tmp_path, monkeypatch
) -> None:
    command = ("compare", flowers, "--label", "kind", *QUICK, "--out")
    assert topopert(*command, "whole")[0] == 0
    with monkeypatch.context() as patch:

        def interrupt(self, progress) -> None:
            if progress.arm == "perturbed" and progress.step == 4:
                raise KeyboardInterrupt

        patch.setattr(ComparisonProgress, "__call__", interrupt)
        code, out, err = topopert(*command, "half")
    assert code == 130
    assert out == ""
    (line,) = [line for line in err.splitlines() if "To go on: " in line]
    assert line.endswith("--out half --resume")
    assert "'" + str(flowers) + "'" in line  # a name with a space, as a shell takes it
    assert not (tmp_path / "half" / "report.json").exists()
    code, _, err = topopert(*command, "half", "--resume")
    assert code == 0
    assert "arm 1/3, baseline, is done" in err
    assert figures(tmp_path / "half") == figures(tmp_path / "whole")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("my flowers.csv",), "--label 'kind'"),
        (("my flowers.csv", "--label", "colour"), "no column 'colour'"),
        (("my flowers.csv", "--label", "kind", "--array", "x"), "--array is for .npz"),
        (("my flowers.csv", "--label", "kind", "--controls", "shufled"), "'shufled'"),
        (("my flowers.csv", "--label", "kind", "--latent-dim", "9"), "latent_dim=9"),
        (("my flowers.csv", "--label", "kind", "--noise-variance", "1e9"), "noise_variance"),
        (("circel",), "Did you mean circle?"),
        (("circle", "--label", "kind"), "Its columns: angle"),
        (("circle", "--obsm", "X_pca"), "built-in"),
        (("nowhere.csv",), "No such file"),
        (("circle", "--seeds", "2"), "x>=3"),
        (("circle", "--steps", "0"), "x>=1"),
        (("circle", "--learning-rate", "0"), "x>0"),
        (("circle", "--vary", "mood"), "mood"),
        (("circle", "--executor", "abacus"), "abacus"),
        (("circle", "--executor", "dask", "--no-such"), "--no-such"),
        ((), "Missing argument 'DATA'"),
    ],
)
def test_bad_input_is_one_line_before_any_training_and_leaves_no_folder(
    topopert, flowers, tmp_path, monkeypatch, args, message
) -> None:
    monkeypatch.setattr(
        ComparisonProgress, "__call__", lambda *_: pytest.fail("training has begun")
    )
    monkeypatch.setattr(compare_module, "_note_what_is_missing", frozenset)
    code, out, err = topopert("compare", *args, "--out", "out")
    assert code == 2
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("topopert: ")
    assert message in line
    assert [path.name for path in tmp_path.iterdir()] == ["my flowers.csv"]


def test_folders_with_other_things_in_them_are_refused(topopert, flowers, tmp_path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").touch()
    for extra in ((), ("--resume",)):
        code, _, err = topopert("compare", "circle", "--out", "thesis", *extra)
        assert code == 2
        assert "holds other files (thesis.tex)" in err
    code, _, err = topopert("compare", "circle", "--out", flowers)
    assert code == 2
    assert "Name a folder" in err


def test_resume_starts_where_there_is_nothing_yet(topopert, flowers, tmp_path) -> None:
    command = ("compare", flowers, "--label", "kind", *QUICK[:-1], "none", "--out", "new")
    assert topopert(*command, "--resume")[0] == 0
    assert list(tp.ComparisonReport.load(tmp_path / "new").arms) == ["baseline", "perturbed"]


def test_each_label_has_a_picture(topopert, tmp_path, rng, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = np.array(["a/b", "ü"] * 15)
    np.savez("d.npz", x=rng.normal(size=(30, 3)), t=text, **{"cell type": text, "cell/type": text})
    labels = [part for name in ("t", "cell type", "cell/type") for part in ("--label", name)]
    code, _, err = topopert("compare", "d.npz", *labels, *QUICK, "--out", "out")
    assert code == 0, err
    names = {path.name for path in (tmp_path / "out").glob("latents*")}
    assert names == {"latents.png", "latents-cell-type-1.png", "latents-cell-type-2.png"}


def test_without_matplotlib_the_report_is_written_all_the_same(
    topopert, flowers, tmp_path, monkeypatch
) -> None:
    def missing(module: str, *, extra: str) -> None:
        raise tp.MissingDependencyError(f"pip install 'topopert[{extra}]'")

    monkeypatch.setattr(compare_module, "require", missing)
    code, _, err = topopert("compare", flowers, "--label", "kind", *QUICK, "--out", "out")
    assert code == 0
    assert "no pictures will be written" in err
    assert "topopert[html]" in err
    assert not list((tmp_path / "out").glob("*.png"))
    assert (tmp_path / "out" / "report.json").exists()
