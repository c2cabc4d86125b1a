"""A disk that fills up, and what is left of a comparison on it."""

from __future__ import annotations

import errno
import io
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from topopert.storage import is_leftover

__all__ = ["Disk", "assert_nothing_half_written", "assert_same_report", "error_line"]


class Disk:
    """Counts what the library writes; there is no room from some write, file or sync on.

    Args:
        monkeypatch: Pytest's.
        writes: How many writes there is room for.
        files: How many files.
        syncs: How many are found to be on the disk when their program waits for it.
        error: What comes then; None is the system's "No space left on device".
    """

    def __init__(
        self,
        monkeypatch: Any,
        *,
        writes: float = math.inf,
        files: float = math.inf,
        syncs: float = math.inf,
        error: BaseException | None = None,
    ) -> None:
        self.room = {"writes": writes, "files": files, "syncs": syncs}
        self.done = {"writes": 0, "files": 0, "syncs": 0}
        self.error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if error is None else error
        fsync = os.fsync

        def synced(descriptor: int) -> None:
            self.count("syncs")
            fsync(descriptor)

        monkeypatch.setattr("topopert.storage.atomic.os.fdopen", self.open)
        monkeypatch.setattr("topopert.storage.atomic.os.fsync", synced)

    def count(self, what: str) -> None:
        self.done[what] += 1
        if self.done[what] > self.room[what]:
            raise self.error

    def open(self, descriptor: int, mode: str) -> io.BufferedWriter:
        return io.BufferedWriter(_File(self, descriptor))


class _File(io.FileIO):
    def __init__(self, disk: Disk, descriptor: int) -> None:
        super().__init__(descriptor, "wb")
        self.disk = disk
        self.is_new = True

    def write(self, data: Any) -> int | None:
        if self.is_new:
            self.disk.count("files")
        self.is_new = False
        self.disk.count("writes")
        return super().write(data)


def assert_nothing_half_written(folder: Path) -> None:
    """No file that was being written, and every archive and record can be read."""
    for path in folder.rglob("*"):
        assert not is_leftover(path.name)
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                assert all(arrays[name].size >= 0 for name in arrays.files if "json" not in name)
        if path.suffix == ".json":
            json.loads(path.read_text())


def assert_same_report(one: Path, two: Path) -> None:
    """Bit for bit the same, wall-clock fields apart."""
    (record, arrays), (other, other_arrays) = _without_time(one), _without_time(two)
    assert record == other
    assert arrays.keys() == other_arrays.keys()
    for name, value in arrays.items():
        np.testing.assert_array_equal(value, other_arrays[name])


def error_line(err: str) -> str:
    """The one line that the command line ends with, what it says of progress before it apart."""
    assert "Traceback" not in err
    assert "Exception ignored" not in err
    last = err.splitlines()[-1]
    assert last.startswith("topopert: ")
    return last


def _without_time(folder: Path) -> tuple[dict, dict[str, np.ndarray]]:
    record = json.loads((folder / "report.json").read_text())
    for row in (*record["table"], *record["arms"].values()):
        del row["seconds"]
    with np.load(folder / "arrays.npz") as arrays:
        return record, {name: arrays[name] for name in arrays.files}
