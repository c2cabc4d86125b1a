"""Places where nothing may be written: said before any training, in one line."""

from __future__ import annotations

import errno
import os

import pytest

import topopert as tp
from tests.comparison.quick import quick

from .disk import error_line

READ_ONLY = OSError(errno.EROFS, os.strerror(errno.EROFS))


@pytest.fixture
def read_only(monkeypatch) -> None:
    """No new file anywhere: to root permissions mean nothing, so the system's answer is made."""

    def refuse(*args, **kwargs) -> None:
        raise READ_ONLY

    monkeypatch.setattr("topopert.storage.atomic.tempfile.mkstemp", refuse)
    monkeypatch.setattr("topopert.cli.demo.tempfile.mkdtemp", refuse)


@pytest.mark.usefixtures("read_only")
@pytest.mark.parametrize("what", ["topology", "report", "page"])
def test_what_is_to_be_written_is_refused_with_its_name(points, report, tmp_path, what) -> None:
    calls = {
        "topology": lambda: tp.save(
            tp.PersistentTopology(n_landmarks=20).fit(points), tmp_path / "topology.npz"
        ),
        "report": lambda: report.save(tmp_path / "report"),
        "page": lambda: report.to_html(tmp_path / "page.html"),
    }
    with pytest.raises(tp.InvalidInputError, match="cannot be written: Read-only file system"):
        calls[what]()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.fixture
def no_training(monkeypatch) -> None:
    monkeypatch.setattr(
        "topopert.comparison.runs.execution.run_task", lambda *_: pytest.fail("trained")
    )


@pytest.mark.usefixtures("read_only", "no_training")
def test_a_comparison_is_refused_before_training(points, tmp_path) -> None:
    with pytest.raises(
        tp.InvalidInputError, match=r"arguments\.json cannot be written: Read-only"
    ):
        quick(points, directory=tmp_path)


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("error", [READ_ONLY, NotImplementedError("no locks here")])
def test_a_place_without_a_lock_is_refused_before_training(
    points, tmp_path, monkeypatch, error
) -> None:
    def refuse(self, **kwargs) -> None:
        raise error

    monkeypatch.setattr("topopert.comparison.runs.run_folder.FileLock.acquire", refuse)
    with pytest.raises(tp.InvalidInputError, match=r"cannot be kept in .*: (Read-only|no locks)"):
        quick(points, directory=tmp_path)


@pytest.mark.usefixtures("no_training")
def test_arguments_that_cannot_be_read_are_not_overwritten(points, undisturbed, tmp_path) -> None:
    """A folder in their place, which not even root can read as a file."""
    (tmp_path / "arguments.json").mkdir()
    with pytest.raises(tp.InvalidInputError, match=r"arguments\.json cannot be read"):
        quick(points, directory=tmp_path)


@pytest.mark.parametrize("method", ["save", "to_html"])
def test_a_place_below_a_file_is_refused(report, tmp_path, method) -> None:
    (tmp_path / "file").touch()
    write = getattr(report, method)
    with pytest.raises(tp.InvalidInputError, match="file"):
        write(tmp_path / "file" / "below")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.usefixtures("read_only", "no_training")
@pytest.mark.parametrize(
    "command", [("compare", "DATA"), ("diagrams", "DATA"), ("demo",)], ids=lambda c: c[0]
)
def test_the_command_line_says_it_in_one_line(
    topopert,
    data,
    tmp_path,
    command,
) -> None:
    words = [data if word == "DATA" else word for word in command]
    code, _, err = topopert(*words, "--out", tmp_path / "out")
    assert code == 2
    assert "cannot be written: Read-only file system" in error_line(err)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"]


def test_a_former_demo_stays_where_the_new_one_cannot_take_its_place(
    topopert,
    tmp_path,
    monkeypatch,
) -> None:
    out = tmp_path / "demo"
    out.mkdir()
    (out / ".topopert-demo").touch()
    (out / "report.html").write_text("the former")
    monkeypatch.setattr("topopert.cli.demo.DEMO_CASES", ())
    rename = type(out).rename

    def refuse(self, target):
        if self.name == "new":
            raise READ_ONLY
        return rename(self, target)

    monkeypatch.setattr(type(out), "rename", refuse)
    code, _, err = topopert("demo", "--out", out)
    assert code == 2
    assert "cannot be written: Read-only" in error_line(err)
    assert (out / "report.html").read_text() == "the former"
    assert list(tmp_path.iterdir()) == [out]
