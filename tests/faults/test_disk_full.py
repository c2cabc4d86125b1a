"""No room: an error that names the file, what was there before stays, nothing half-written."""

from __future__ import annotations

import importlib
from dataclasses import replace
from types import MappingProxyType

import pytest

import topopert as tp
from tests.comparison.quick import quick
from topopert.cli.progress import ComparisonProgress

from .disk import Disk, assert_nothing_half_written, assert_same_report, error_line

FULL = "cannot be written: No space left on device"


@pytest.fixture(scope="module")
def topology(points) -> tp.PersistentTopology:
    return tp.PersistentTopology(n_landmarks=40).fit(points)


def failures(monkeypatch, what: str, call) -> int:
    """Tries the call with room for none, one, two, ... writes, files or syncs; how many failed."""
    for room in range(1000):
        with monkeypatch.context() as patch:
            Disk(patch, **{what: room})
            message = ""
            try:
                call(room)
            except tp.InvalidInputError as err:
                message = str(err)
        if not message:
            return room
        assert FULL in message
    pytest.fail("it never ended well")


@pytest.mark.parametrize("what", ["writes", "syncs"])
def test_a_topology_that_was_saved_stays_until_the_next_is_whole(
    topology, points, tmp_path, monkeypatch, what
) -> None:
    path = tmp_path / "topology.npz"
    tp.save(tp.PersistentTopology(n_landmarks=30).fit(points), path)
    before = path.read_bytes()

    def save(room: int) -> None:
        if room:  # after the first failure
            assert path.read_bytes() == before
            assert [p.name for p in tmp_path.iterdir()] == [path.name]
        tp.save(topology, path)

    assert failures(monkeypatch, what, save) >= 1
    assert path.read_bytes() != before
    assert len(tp.load(path).landmarks_) == 40


def test_a_report_that_was_saved_stays_until_both_files_of_the_next_are_whole(
    report, tmp_path, monkeypatch
) -> None:
    report.save(tmp_path)
    files = ("report.json", "arrays.npz")
    before = [(tmp_path / name).read_bytes() for name in files]
    arms = {name: replace(arm, latents=arm.latents + 1) for name, arm in report.arms.items()}
    other = replace(report, arms=MappingProxyType(arms))

    def save(room: int) -> None:
        if room:
            assert [(tmp_path / name).read_bytes() for name in files] == before
            assert len(list(tmp_path.iterdir())) == 2
        other.save(tmp_path)

    assert failures(monkeypatch, "writes", save) > 5
    loaded = tp.ComparisonReport.load(tmp_path)
    assert (loaded.arms["baseline"].latents == other.arms["baseline"].latents).all()


def test_a_page_appears_whole_or_not_at_all(report, tmp_path, monkeypatch) -> None:
    path = tmp_path / "report.html"

    def write(room: int) -> None:
        assert list(tmp_path.iterdir()) == []
        report.to_html(path)

    assert failures(monkeypatch, "syncs", write) == 1
    assert path.read_text().rstrip().endswith("</html>")


def test_a_comparison_keeps_what_fitted_and_goes_on(
    points, undisturbed, tmp_path, monkeypatch
) -> None:
    """Arguments, three arms and the report's two files: room for none of them, for one, ..."""
    execution = importlib.import_module("topopert.comparison.runs.execution")
    run_task, trained = execution.run_task, []

    def watched(task, on_step):
        trained.append(task.chunk.arm)
        return run_task(task, on_step)

    monkeypatch.setattr(execution, "run_task", watched)
    for room in range(6):
        folder = tmp_path / str(room)
        with monkeypatch.context() as patch:
            Disk(patch, files=room)
            with pytest.raises(tp.InvalidInputError, match=FULL):
                quick(points, controls=("finetuned",), directory=folder)
        assert_nothing_half_written(folder)
        kept = len(list((folder / "runs").iterdir()))
        assert kept == min(max(room - 1, 0), 3)
        trained.clear()
        quick(points, controls=("finetuned",), directory=folder)
        assert trained == ["baseline", "perturbed", "finetuned"][kept:]
        assert_same_report(folder, undisturbed)


@pytest.mark.slow
def test_the_command_line_says_in_one_line_which_file_found_no_room(
    topopert,
    data,
    tmp_path,
    monkeypatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ("compare", data, "--seeds", "3", "--steps", "4", "--controls", "none", "--out")
    monkeypatch.setattr(ComparisonProgress, "__call__", lambda *_: None)
    # The report's two files, four pictures and the page are written by every call.
    for room in range(8):
        with monkeypatch.context() as patch:
            Disk(patch, files=room)
            code, _, err = topopert(*command, "out", "--resume")
        assert_nothing_half_written(tmp_path)
        assert code == (2 if room < 7 else 0)
        assert room == 7 or FULL in error_line(err)
