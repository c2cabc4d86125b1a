"""What was trained is kept, and a second call goes on from there."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

import topopert as tp
from tests.comparison.quick import quick
from topopert.comparison import Progress
from topopert.storage import read_archive, write_archive


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    rng = np.random.default_rng(0)
    return tp.datasets.circle(150, ambient_dim=6, noise=0.05, rng=rng).points


def without_time(folder: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """The report's figures and arrays, wall-clock fields apart."""
    record = json.loads((folder / "report.json").read_text())
    for row in (*record["table"], *record["arms"].values()):
        del row["seconds"]
    with np.load(folder / "arrays.npz") as arrays:
        return record, {name: arrays[name] for name in arrays.files}


def assert_same_report(one: Path, two: Path) -> None:
    (record, arrays), (other, other_arrays) = without_time(one), without_time(two)
    assert record == other
    assert arrays.keys() == other_arrays.keys()
    for name, value in arrays.items():
        np.testing.assert_array_equal(value, other_arrays[name])


def test_a_second_call_trains_nothing(points, tmp_path, monkeypatch) -> None:
    first = quick(points, controls=("pca", "finetuned"), directory=tmp_path / "a")

    def no_training(*args, **kwargs):
        pytest.fail("trained again")

    monkeypatch.setattr("topopert.comparison.runs.tasks.train_ensemble", no_training)
    seen: list[Progress] = []
    settings = {"controls": ("pca", "finetuned"), "directory": str(tmp_path / "a")}
    again = quick(points, **settings, on_progress=seen.append)
    assert str(again) == str(first)  # the seconds too
    assert (seen[-1].done, seen[-1].total) == (78, 78)
    loaded = tp.ComparisonReport.load(tmp_path / "a")
    for name, arm in first.arms.items():
        np.testing.assert_array_equal(loaded.arms[name].latents, arm.latents)


def test_a_folder_changes_nothing(points, tmp_path) -> None:
    quick(points, directory=tmp_path / "a")
    quick(points).save(tmp_path / "b")
    assert_same_report(tmp_path / "a", tmp_path / "b")


def test_only_what_is_missing_or_damaged_is_trained(points, tmp_path, monkeypatch) -> None:
    quick(points, controls=("pca", "shuffled"), directory=tmp_path / "a")
    quick(points, controls=("pca", "shuffled"), directory=tmp_path / "b")
    runs = sorted(path.name for path in (tmp_path / "b" / "runs").iterdir())
    assert runs == [f"{arm}-000-002.npz" for arm in ("baseline", "pca", "perturbed", "shuffled")]
    (tmp_path / "b" / "runs" / runs[0]).unlink()
    damaged = tmp_path / "b" / "runs" / runs[1]
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    trained = []
    run_task = sys.modules["topopert.comparison.runs.execution"].run_task

    def watched(task, on_step):
        trained.append(task.chunk.arm)
        return run_task(task, on_step)

    monkeypatch.setattr("topopert.comparison.runs.execution.run_task", watched)
    with pytest.warns(tp.TopopertWarning, match=r"pca-000-002\.npz is damaged"):
        quick(points, controls=("pca", "shuffled"), directory=tmp_path / "b")
    assert trained == ["baseline", "pca"]
    assert_same_report(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_seeds": 4}, "n_seeds: 3 there, 4 now"),
        ({"seed": 1}, "seed: 0 there, 1 now"),
        ({"controls": ("pca",)}, r"controls: \[\] there, \['pca'\] now"),
        ({"vary": "bootstrap"}, "vary: 'seed' there, 'bootstrap' now"),
        ({"coupling": 2.0}, "coupling"),
        (
            {"training": tp.TrainingConfig(n_steps=25, batch_size=32)},
            r"training\.n_steps: 24 there, 25 now",
        ),
        ({"model": lambda i, d: tp.models.MLPVAE(i, d)}, "model"),
        (
            {"rule": tp.VerdictRule(largest_ratio=0.4)},
            r"rule\.largest_ratio: 0\.5 there, 0\.4 now",
        ),
    ],
)
def test_other_arguments_are_refused_by_name(points, tmp_path, settings, message: str) -> None:
    quick(points, directory=tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.npz")}
    with pytest.raises(tp.InvalidInputError, match=message):
        quick(points, directory=tmp_path, **settings)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.npz")} == before


def test_other_data_and_another_hamiltonian_are_refused(points, tmp_path) -> None:
    quick(points, directory=tmp_path)
    with pytest.raises(tp.InvalidInputError, match="points: "):
        quick(points + 1e-9, directory=tmp_path)
    topology = tp.PersistentTopology().fit(points)
    own = tp.Hamiltonian(tp.AnchorPotential(topology.anchors()), tp.comparison.DEFAULT_COUPLING)
    with pytest.raises(tp.InvalidInputError, match="hamiltonian: "):
        quick(points, own, directory=tmp_path)


def test_figures_that_were_changed_are_found_out(points, tmp_path) -> None:
    """A whole archive, its own checks in order, with other latents in it."""
    quick(points, directory=tmp_path)
    chunk = tmp_path / "runs" / "baseline-000-002.npz"
    record, arrays = read_archive(chunk)
    write_archive(chunk, record, {**arrays, "latents": 2 * arrays["latents"]})
    with pytest.warns(tp.TopopertWarning, match="its checksum is wrong"):
        quick(points, directory=tmp_path)


def test_a_report_of_ones_own_is_not_overwritten(points, tmp_path) -> None:
    (tmp_path / "report.json").write_text("mine")
    with pytest.raises(tp.InvalidInputError, match="would be overwritten"):
        quick(points, directory=tmp_path)
    assert (tmp_path / "report.json").read_text() == "mine"


def test_two_comparisons_do_not_share_a_folder(points, tmp_path) -> None:
    with (
        FileLock(tmp_path / ".lock"),
        pytest.raises(tp.InvalidInputError, match="Another comparison is at work"),
    ):
        quick(points, directory=tmp_path)


@pytest.mark.parametrize("directory", [3, b"folder"])
def test_a_directory_is_a_path(points, directory) -> None:
    with pytest.raises(tp.InvalidTypeError, match="`directory` must be a path"):
        quick(points, directory=directory)


def test_a_directory_that_cannot_be_made_is_refused_before_training(points, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(tp.InvalidInputError, match="cannot be kept"):
        quick(points, directory=tmp_path / "file" / "run")


SCRIPT = """
import sys
import numpy as np
import topopert as tp
points = tp.datasets.circle(120, ambient_dim=4, noise=0.05, rng=np.random.default_rng(0)).points
print("ready", flush=True)
tp.compare(
    points,
    n_seeds=12,
    controls=("shuffled", "finetuned"),
    training=tp.TrainingConfig(n_steps=120, batch_size=32),
    directory=sys.argv[1],
)
"""


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_as_if_undisturbed(tmp_path) -> None:
    """SIGKILL ten times at random moments, then to the end: the same report, bit for bit."""
    rng = np.random.default_rng(0)

    def run(folder: Path, *, kill_after: float | None = None) -> int:
        command = [sys.executable, "-c", SCRIPT, str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "ready\n"
            if kill_after is not None:
                time.sleep(kill_after)
                process.send_signal(signal.SIGKILL)
            return process.wait()

    started = time.monotonic()
    assert run(tmp_path / "whole") == 0
    longest = 0.35 * (time.monotonic() - started)
    kept = []
    for _ in range(10):
        run(tmp_path / "killed", kill_after=rng.uniform(0, longest))
        runs = tmp_path / "killed" / "runs"
        names = {p.name for p in runs.glob("[!.]*")} if runs.exists() else set()
        assert not kept or kept[-1] <= names  # nothing that was finished is lost
        kept.append(names)
        if not names:
            longest *= 1.5  # other processes may have been at work since the whole was timed
    assert kept[-1]  # some of it was done before the last kill
    assert run(tmp_path / "killed") == 0
    assert_same_report(tmp_path / "whole", tmp_path / "killed")
