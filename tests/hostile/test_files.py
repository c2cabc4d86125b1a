"""A table of bad files, each refused by the reader and by the commands that read files."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from topopert.readers import read_table

from .files import BAD_FILES, BadFile
from .guards import refused

OPTIONS = {"array": "--array", "labels": "--label"}


def made(bad: BadFile, folder: Path) -> Path:
    path = folder / f"some\n“data”{bad.suffix}"  # a name that must not break the line
    bad.make(path)
    return path


def words(bad: BadFile) -> list[str]:
    """The options as a command line has them."""
    return [
        word
        for name, value in bad.options.items()
        for one in ([value] if isinstance(value, str) else value)
        for word in (OPTIONS[name], one)
    ]


@pytest.mark.parametrize("row", BAD_FILES)
def test_a_bad_file_is_refused(tmp_path, row: str) -> None:
    bad = BAD_FILES[row]
    path = made(bad, tmp_path)
    with refused(tmp_path, bad.message):
        read_table(path, **bad.options)


@pytest.mark.parametrize("command", ["compare", "diagrams"])
@pytest.mark.parametrize("row", BAD_FILES)
def test_a_bad_file_is_one_line_on_the_command_line(topopert, tmp_path, row, command) -> None:
    bad = BAD_FILES[row]
    path = made(bad, tmp_path)
    before = sorted(tmp_path.iterdir())
    topopert.refused(bad.message, command, path, *words(bad), "--out", tmp_path / "a" / "out")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("row", ["pipe", "device", "link to itself"])
def test_no_file_makes_a_reader_wait(tmp_path, row: str) -> None:
    """In a process of its own, so that waiting would end this test and not all tests."""
    bad = BAD_FILES[row]
    path = made(bad, tmp_path)
    process = multiprocessing.get_context("fork").Process(target=read_in_vain, args=(path,))
    process.start()
    process.join(timeout=60)
    process.kill()
    assert process.exitcode == 0


def read_in_vain(path: Path) -> None:
    with pytest.raises(ValueError, match=path.name):
        read_table(path)
