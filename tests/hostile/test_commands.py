"""Bad options of every command: one line, exit code 2 and nothing written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from topopert.cli.progress import ComparisonProgress

# Words, what the line says; OUT stands for a folder that is not there.
BAD_COMMANDS = {
    "no command": (("dance",), "No such command"),
    "no such option": (("compare", "circle", "--out", "OUT", "--fast"), "--fast"),
    "compare nothing": (("compare", "--out", "OUT"), "Missing argument"),
    "compare to nowhere": (("compare", "circle"), "--out"),
    "compare what is no data": (("compare", "a\nb", "--out", "OUT"), "neither a file nor"),
    "compare an empty name": (("compare", "", "--out", "OUT"), "folder|neither"),
    "compare a name too long": (("compare", "x" * 300 + ".csv", "--out", "OUT"), "too long"),
    "compare a name that steers": (("compare", "\x1b[31mred", "--out", "OUT"), "neither"),
    "compare a label there is not": (("compare", "circle", "--label", "x", "--out", "OUT"), "'x'"),
    "compare in no dimensions": (
        ("compare", "circle", "--latent-dim", "0", "--out", "OUT"),
        "x>=1",
    ),
    "compare in too many": (("compare", "circle", "--latent-dim", "99", "--out", "OUT"), "99"),
    "compare two seeds": (("compare", "circle", "--seeds", "2", "--out", "OUT"), "x>=3"),
    "compare seeds beyond arrays": (
        ("compare", "circle", "--seeds", "9" * 40, "--out", "OUT"),
        "`n_seeds` must be",
    ),
    "compare at no rate": (
        ("compare", "circle", "--learning-rate", "nan", "--out", "OUT"),
        "learn",
    ),
    "compare at infinite noise": (
        ("compare", "circle", "--noise-variance", "inf", "--out", "OUT"),
        "noise_variance",
    ),
    "compare with a control of code": (
        ("compare", "circle", "--controls", "__import__('os')", "--out", "OUT"),
        "__import__",
    ),
    "diagrams of nothing": (("diagrams", "--out", "OUT"), "Missing argument"),
    "diagrams of too many dimensions": (
        ("diagrams", "circle", "--max-homology-dim", "3", "--out", "OUT"),
        "0<=x<=2",
    ),
    "diagrams of a layer of no h5ad": (
        ("diagrams", "circle", "--layer", "x", "--out", "OUT"),
        "--layer is for files",
    ),
    "diagrams in too many dimensions": (
        ("diagrams", "circle", "--latent-dim", "99", "--out", "OUT"),
        "latent_dim=99",
    ),
    "spectrum of nothing": (("spectrum",), "Missing argument"),
    "spectrum of no run": (("spectrum", "nowhere", "--out", "OUT"), "No report can be read"),
    "spectrum of two levels": (("spectrum", ".", "--levels", "2", "--out", "OUT"), "x>=3"),
    "demo of two seeds": (("demo", "--seeds", "2", "--out", "OUT"), "x>=3"),
    "demo in a file": (("demo", "--out", "file/demo"), "cannot be written"),
    "compare in a file": (("compare", "circle", "--out", "file/out"), "cannot be made"),
    "diagrams in a file": (("diagrams", "circle", "--out", "file/out"), "cannot be made"),
}


@pytest.mark.parametrize("row", BAD_COMMANDS)
def test_a_bad_command_is_one_line(topopert, tmp_path, monkeypatch, row: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ComparisonProgress, "__call__", lambda *_: pytest.fail("has begun"))
    Path("file").touch()
    words, message = BAD_COMMANDS[row]
    topopert.refused(message, *words)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.slow
def test_a_process_answers_the_same_way(tmp_path) -> None:
    """Over 2 s: each starts an interpreter and imports torch."""
    np.save(tmp_path / "a.npy", np.array([[{}]], dtype=object))
    main = "from topopert.cli import main; main()"
    for words in (("diagrams", "a.npy", "--out", "out"), ("spectrum", "out")):
        made = subprocess.run(
            [sys.executable, "-c", main, *words], cwd=tmp_path, capture_output=True, text=True
        )
        assert made.returncode == 2
        assert made.stdout == ""
        assert len(made.stderr.splitlines()) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


def test_names_with_dollars_and_bytes_that_are_no_text_are_served(topopert, tmp_path) -> None:
    rows = np.random.default_rng(0).normal(size=(20, 3)).tolist()
    name = b"$\\frac{$ \xff.csv".decode(errors="surrogateescape")
    (tmp_path / name).write_text("\n".join(",".join(map(str, row)) for row in rows))
    code, out, err = topopert("diagrams", tmp_path / name, "--out", tmp_path / "o")
    assert code == 0, err
    assert out.startswith("$\\frac{$ �.csv: 20 rows, 3 features\n")
