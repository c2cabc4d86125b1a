"""Archives, reports and run folders that someone changed: refused before anything is done."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import topopert as tp
from tests.comparison.quick import quick

from .files import bomb, npy, zipped
from .guards import refused
from .saved import BAD_ARCHIVES, BAD_REPORTS, DEEP, unpack

ANGLE = 2 * np.pi * np.arange(12) / 12
CIRCLE = np.stack([np.cos(ANGLE), np.sin(ANGLE), 0.1 * np.cos(5 * ANGLE)], axis=1)


@pytest.fixture(scope="module")
def archives(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    topology = tp.PersistentTopology(n_landmarks=12).fit(CIRCLE)
    quartic = tp.PolynomialPotential([[4, 0], [1, 2]], [0.1, -0.3])
    potential = tp.AnchorPotential(topology.anchors()) + quartic
    tp.save(topology, folder / "topology")
    tp.save(tp.Hamiltonian(potential, tp.Adiabatic(3.0, 0.5)), folder / "hamiltonian")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A comparison that kept its runs."""
    folder = tmp_path_factory.mktemp("run")
    quick(np.concatenate([CIRCLE, 2 * CIRCLE]), directory=folder)
    return folder


@pytest.fixture(scope="module")
def files(run) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in ("report.json", "arrays.npz")}


@pytest.mark.parametrize("row", BAD_ARCHIVES)
def test_a_changed_archive_is_not_loaded(archives, tmp_path, row: str) -> None:
    kind, change, message = BAD_ARCHIVES[row]
    path = tmp_path / "saved.npz"
    path.write_bytes(change(archives[kind]))
    with refused(tmp_path, message):
        tp.load(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [(lambda path: path.mkdir(), "no file"), (os.mkfifo, "no file"), (lambda path: 0, "no file")],
)
def test_what_is_no_file_is_not_loaded(tmp_path, make, message: str) -> None:
    make(tmp_path / "saved.npz")
    with refused(tmp_path, message):
        tp.load(tmp_path / "saved.npz")


@pytest.mark.parametrize("row", BAD_REPORTS)
def test_a_changed_report_is_not_loaded(files, tmp_path, row: str) -> None:
    change, message = BAD_REPORTS[row]
    folder = unpack(change(files), tmp_path / "run")
    with refused(tmp_path, message):
        tp.ComparisonReport.load(folder)


@pytest.mark.parametrize("row", BAD_REPORTS)
def test_a_changed_report_has_no_spectrum(topopert, files, tmp_path, row: str) -> None:
    change, message = BAD_REPORTS[row]
    folder = unpack(change(files), tmp_path / "run")
    topopert.refused(message, "spectrum", folder, "--out", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(change(files))


@pytest.mark.parametrize("name", ["report.json", "arrays.npz"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.mkdir(), lambda p: p.symlink_to(p)])
def test_a_report_of_pipes_and_folders_is_not_waited_for(topopert, files, tmp_path, name, make):
    folder = unpack(files, tmp_path / "run")
    (folder / name).unlink()
    make(folder / name)
    topopert.refused("regular file|[Tt]oo many levels|symbolic", "spectrum", folder)
    assert not (folder / "spectrum").exists()


def damaged_arguments(data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / "arguments.json").write_bytes(data)


def pipe_in_place_of(name: str) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return make


BAD_RUNS = {
    "arguments cut short": (damaged_arguments(b'{"seed": '), "cannot be read"),
    "arguments nested deeply": (damaged_arguments(DEEP), "nested too deeply"),
    "arguments that are a list": (damaged_arguments(b"[1, 2]"), "cannot be read"),
    "arguments with NaN": (damaged_arguments(b'{"seed": NaN}'), "NaN is no JSON"),
    "arguments in Latin-1": (damaged_arguments(b'{"s\xfced": 1}'), "cannot be read"),
    "arguments of gigabytes": (
        lambda folder: os.truncate(folder / "arguments.json", 2**36),
        "more than the 67,108,864",
    ),
    "arguments through a pipe": (pipe_in_place_of("arguments.json"), "no regular file"),
    "other arguments": (damaged_arguments(b'{"seed": 7}'), "seed: 7 there, 0 now"),
}


def no_training(*args, **kwargs):
    pytest.fail("trained again")


@pytest.mark.parametrize("row", BAD_RUNS)
def test_a_changed_run_is_not_resumed(run, tmp_path, monkeypatch, row: str) -> None:
    monkeypatch.setattr("topopert.comparison.runs.tasks.train_ensemble", no_training)
    change, message = BAD_RUNS[row]
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    change(folder)
    with refused(tmp_path, message):
        quick(np.concatenate([CIRCLE, 2 * CIRCLE]), directory=folder)


def test_changed_chunks_are_trained_again(run, tmp_path) -> None:
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    objects = npy(np.array([{}], dtype=object))
    zeros = bomb("header.json", b'{"format":"topopert","version":1}', 2**33)
    chunks = {"baseline": zipped(("header.json", b"{}"), ("a.npy", objects)), "perturbed": zeros}
    for arm, data in chunks.items():
        (folder / "runs" / f"{arm}-000-002.npz").write_bytes(data)
    with pytest.warns(tp.TopopertWarning) as warned:
        again = quick(np.concatenate([CIRCLE, 2 * CIRCLE]), directory=folder)
    assert [str(w.message).split(" is damaged")[0][-11:] for w in warned] == ["000-002.npz"] * 2
    former = tp.ComparisonReport.load(run)
    for arm in chunks:
        np.testing.assert_array_equal(again.arms[arm].latents, former.arms[arm].latents)
