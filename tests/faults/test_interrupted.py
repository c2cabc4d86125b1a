"""Interrupted at a step, in a file or between two files, and resumed: the same report."""

from __future__ import annotations

import shutil

import pytest

import topopert as tp
from tests.comparison.quick import quick

from .disk import Disk, assert_nothing_half_written, assert_same_report


# Of 24 + 24 + 6 steps: first and last of arms, and inside.
@pytest.mark.parametrize("moment", [1, 24, 25, 54])
def test_at_a_step(points, undisturbed, tmp_path, moment: int) -> None:
    def interrupt(progress) -> None:
        if progress.done == moment:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quick(points, controls=("finetuned",), directory=tmp_path, on_progress=interrupt)
    assert_nothing_half_written(tmp_path)
    finished = sum(moment > last for last in (24, 48))
    assert len(list((tmp_path / "runs").iterdir())) == finished
    quick(points, controls=("finetuned",), directory=tmp_path)
    assert_same_report(tmp_path, undisturbed)


@pytest.mark.parametrize(
    ("what", "moment"), [*(("files", k) for k in range(6)), ("syncs", 2), ("syncs", 5)]
)
def test_while_a_file_is_written(
    points, undisturbed, tmp_path, monkeypatch, what, moment: int
) -> None:
    with monkeypatch.context() as patch:
        Disk(patch, **{what: moment}, error=KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            quick(points, controls=("finetuned",), directory=tmp_path)
    assert_nothing_half_written(tmp_path)
    quick(points, controls=("finetuned",), directory=tmp_path)
    assert_same_report(tmp_path, undisturbed)


def test_between_the_files_of_a_report_it_is_found_out(report, points, tmp_path) -> None:
    """Arrays have their name already, the record that belongs to them has not."""
    other = quick(points, seed=1)
    report.save(tmp_path / "one")
    other.save(tmp_path / "two")
    shutil.copy(tmp_path / "two" / "arrays.npz", tmp_path / "one" / "arrays.npz")
    with pytest.raises(tp.InvalidInputError, match="are not of one report"):
        tp.ComparisonReport.load(tmp_path / "one")
