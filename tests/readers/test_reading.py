"""What no reader should be asked: folders, pipes, nothing, options of another format."""

from __future__ import annotations

import os

import numpy as np
import pytest

from topopert.errors import InvalidInputError
from topopert.readers import SUFFIXES, read_table
from topopert.readers.table import label_column


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_no_file_with_something_in_it_is_refused(tmp_path, suffix) -> None:
    (tmp_path / f"folder{suffix}").mkdir()
    (tmp_path / f"empty{suffix}").touch()
    os.mkfifo(tmp_path / f"pipe{suffix}")  # reading it would wait for ever
    for name, reason in (
        ("folder", "is a folder"),
        ("empty", "is empty"),
        ("pipe", "is a pipe"),
        ("nowhere", "No such file"),
    ):
        with pytest.raises(InvalidInputError, match=reason):
            read_table(tmp_path / f"{name}{suffix}")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet"])
def test_text_under_a_wrong_name_is_refused(tmp_path, suffix) -> None:
    path = tmp_path / f"data{suffix}"
    path.write_text("x,y\n1,2\n")
    with pytest.raises(InvalidInputError, match="data"):
        read_table(path)


def test_bytes_under_the_name_of_text_are_refused(tmp_path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 3)))
    (tmp_path / "a.npy").rename(tmp_path / "a.csv")
    with pytest.raises(InvalidInputError, match="UTF-8"):
        read_table(tmp_path / "a.csv")


def test_unknown_formats_are_refused_with_the_known_ones(tmp_path) -> None:
    (tmp_path / "a.xlsx").write_text("x")
    with pytest.raises(InvalidInputError, match=r"no known format.*\.parquet"):
        read_table(tmp_path / "a.xlsx")


@pytest.mark.parametrize("option", [{"array": "x"}, {"layer": "x"}, {"obsm": "x"}])
def test_options_of_other_formats_are_refused(tmp_path, option) -> None:
    (tmp_path / "a.csv").write_text("1,2\n")
    with pytest.raises(InvalidInputError, match=r"not for a\.csv"):
        read_table(tmp_path / "a.csv", **option)


def test_an_array_alone_has_no_labels(tmp_path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 3)))
    with pytest.raises(InvalidInputError, match="--label is for"):
        read_table(tmp_path / "a.npy", labels=["x"])


@pytest.mark.parametrize(
    ("values", "column"),
    [
        (["1", "2"], np.array([1, 2])),
        (["1", "NA", "2.5"], np.array([1, np.nan, 2.5])),
        (["1", "inf"], np.array([1, np.inf])),
        (["", ""], np.array(["", ""])),
        ([True, False], np.array(["True", "False"])),
        (["a", None, float("nan")], np.array(["a", "", ""])),
    ],
)
def test_labels_are_whole_numbers_numbers_or_text(values, column) -> None:
    found = label_column(values, where="data")
    assert found.dtype.kind == column.dtype.kind
    np.testing.assert_array_equal(found, column)
