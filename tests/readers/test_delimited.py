"""CSV and TSV: what is read, and what is refused with which words."""

from __future__ import annotations

import csv
import re

import numpy as np
import pytest

from topopert import readers
from topopert.errors import InvalidInputError
from topopert.readers import read_table, table


def write(tmp_path, text: str, name: str = "some data.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("name", ["a.csv", "b.tsv", "C.CSV"])
@pytest.mark.parametrize("header", [True, False])
def test_what_was_written_is_read_to_the_last_bit(rng, tmp_path, name, header) -> None:
    points = rng.normal(size=(20, 3)) * 10.0 ** rng.integers(-300, 300, size=(20, 1))
    path = tmp_path / name
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t" if "tsv" in name else ",")
        if header:
            writer.writerow(["x", "y, z", "w"])
        writer.writerows(points.tolist())
    found = read_table(path)
    assert np.array_equal(found.points, points)
    assert dict(found.columns) == {}


def test_label_columns_leave_the_features_and_are_typed(tmp_path) -> None:
    path = write(tmp_path, "x,kind,y,age,site\n1,a,2,3,7\n4,,5,,8\n")
    found = read_table(path, labels=["kind", "age", "site"])
    np.testing.assert_array_equal(found.points, [[1, 2], [4, 5]])
    assert found.columns["kind"].tolist() == ["a", ""]
    np.testing.assert_array_equal(found.columns["age"], [3, np.nan])
    assert found.columns["site"].dtype == np.int64


def test_without_a_header_columns_are_named_by_their_place(tmp_path) -> None:
    found = read_table(write(tmp_path, "1,2,3\n4,5,6\n"), labels=["3"])
    np.testing.assert_array_equal(found.points, [[1, 2], [4, 5]])
    np.testing.assert_array_equal(found.columns["3"], [3, 6])


@pytest.mark.parametrize(
    "text",
    [
        "x,y\n1,2\n3,4\n",
        "\ufeffx,y\r\n1,2\r\n\r\n3,4",  # Excel
        "x;y\n1;2\n3;4\n",  # Excel where the comma is decimal
        ",x,y\ngene 1,1,2\ngene 2,3,4\n",  # pandas and R with row names
        '"x","y"\n"1"," 2"\n3.,4e0\n',
        ",0,1\n0,1,2\n1,3,4\n",  # pandas, no names at all
    ],
)
def test_dialects_of_other_programs(tmp_path, text) -> None:
    np.testing.assert_array_equal(read_table(write(tmp_path, text)).points, [[1, 2], [3, 4]])


def test_a_header_that_counts_is_a_header(tmp_path) -> None:
    found = read_table(write(tmp_path, "0,1,2\n5,6,7\n"))
    np.testing.assert_array_equal(found.points, [[5, 6, 7]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,y\n1,2\n3,\n", "row 2, column 'y', is missing"),
        ("x,y\n1,2\nNA,2\n", "row 2, column 'x', holds 'NA'"),
        ("1,2\n3,nan\n", "row 2, column '2', holds 'nan'"),
        ("1,2\n3,-inf\n", "row 2, column '2', holds '-inf'"),
        ("x,kind,site\n1,a,b\n", "columns 'kind', 'site' hold text (row 1: 'a')"),
        ("x,y\n1,2\n1,2_0\n", "column 'y' holds text (row 2: '2_0')"),
        ("x,y\n1,2\n3\n", "row 2 has 1 cells, the first line 2"),
        ("x,x\n1,2\n", "more than one column named 'x'"),
        ("x,y\n", "a header and no rows"),
        ("\n\n", "is empty"),
        ('x,y\n1,"2\n', "Is it whole"),
        ("x,y\n1,2\0\n", "holds text"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(tmp_path, text, message) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        read_table(write(tmp_path, text))


def test_text_columns_are_refused_with_the_option_that_keeps_them(tmp_path) -> None:
    with pytest.raises(InvalidInputError, match="--label 'kind'"):
        read_table(write(tmp_path, "x,kind\n1,a\n"))


def test_labels_must_be_there_and_leave_something(tmp_path) -> None:
    path = write(tmp_path, "x,y\n1,2\n")
    with pytest.raises(InvalidInputError, match=r"no column 'z'\. Its columns: 'x', 'y'"):
        read_table(path, labels=["z"])
    with pytest.raises(InvalidInputError, match="nothing to learn from"):
        read_table(path, labels=["x", "y"])


def test_bytes_that_are_no_text_are_refused(tmp_path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(b"x,y\n1,2\n\xff\xfe,3\n")
    with pytest.raises(InvalidInputError, match="UTF-8"):
        read_table(path)


def test_reading_stops_at_the_stated_size(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(table, "MAX_CELLS", 10)
    path = write(tmp_path, "1,2\n" * 5 + "1,2\nno number,2\n")
    with pytest.raises(InvalidInputError, match="more than 10 numbers, the most"):
        read_table(path)
    assert readers.MAX_CELLS == 250_000_000
