"""Two comparisons in one folder: the second is refused until the first has ended, however."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

import topopert as tp
from tests.comparison.quick import quick
from topopert.storage import is_leftover

from .disk import assert_nothing_half_written, assert_same_report, error_line

# The same comparison as that of `undisturbed`, which stops for ever while its second arm is being
# written.
OWNER = """
import os, sys, time
import numpy as np
import topopert as tp
from tests.comparison.quick import quick

synced = []

def fsync(descriptor):
    synced.append(1)
    if len(synced) == 3:
        print("writing", flush=True)
        time.sleep(600)

os.fsync = fsync
points = np.load(sys.argv[1])
quick(points, controls=("finetuned",), directory=sys.argv[2])
"""


@pytest.mark.slow
def test_the_second_is_refused_until_the_first_is_gone_though_it_was_killed(
    points, data, undisturbed, tmp_path
) -> None:
    folder = tmp_path / "run"
    command = [sys.executable, "-c", OWNER, str(data), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout.readline() == "writing\n"
            before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
            with pytest.raises(tp.InvalidInputError, match="Another comparison is at work"):
                quick(points, controls=("finetuned",), directory=folder)
            assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
        finally:
            owner.send_signal(signal.SIGKILL)
    assert any(is_leftover(path.name) for path in folder.rglob("*"))
    quick(points, controls=("finetuned",), directory=folder)
    assert_nothing_half_written(folder)
    assert_same_report(folder, undisturbed)


def test_one_that_was_killed_at_once_is_gone_on_with(
    topopert,
    tmp_path,
    monkeypatch,
) -> None:
    """What it may leave: the folder of the runs, the lock, arguments half-written."""
    monkeypatch.setattr(
        "topopert.cli.compare.compare_seeds",
        lambda *args, **kwargs: (_ for _ in ()).throw(tp.TopopertError("enough")),
    )
    for left in (["runs"], ["runs", ".lock"], ["runs", ".lock", ".arguments.json.a1b2c3d4.part"]):
        folder = tmp_path / str(len(left))
        folder.mkdir()
        for name in left:
            (folder / name).touch()
        code, _, err = topopert("compare", "circle", "--out", folder)
        assert (code, error_line(err)) == (2, "topopert: enough")
    (tmp_path / "3" / ".report.json.a1b2c3d4.part").touch()
    assert "holds other files" in topopert("compare", "circle", "--out", tmp_path / "3")[2]


def test_files_of_ones_own_are_no_leftovers(points, tmp_path) -> None:
    own = (".arguments.json", ".arguments.json.part", ".notes.a1b2c3d4.part", "a.a1b2c3d4.part")
    for name in own:
        (tmp_path / name).touch()
    (tmp_path / ".arguments.json.a1b2c3d4.part").touch()
    quick(points, directory=tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {*own, "arguments.json", "runs", ".lock", "report.json", "arrays.npz"}
