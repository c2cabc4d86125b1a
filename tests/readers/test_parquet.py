"""Parquet, written by pyarrow."""

from __future__ import annotations

import importlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from topopert.errors import InvalidInputError, MissingDependencyError
from topopert.readers import read_table, table


def write(tmp_path, **columns):
    path = tmp_path / "my data.parquet"
    pa.parquet.write_table(pa.table(columns), path)
    return path


def test_numbers_are_features_and_named_columns_labels(rng, tmp_path) -> None:
    x, y = rng.normal(size=(2, 20))
    kind = pa.array(["a", None] * 10).dictionary_encode()
    path = write(tmp_path, x=x, kind=kind, y=y, age=pa.array([1, None] * 10))
    found = read_table(path, labels=["kind", "age"])
    assert np.array_equal(found.points, np.stack([x, y], axis=1))
    assert found.columns["kind"].tolist() == ["a", ""] * 10
    np.testing.assert_array_equal(found.columns["age"], [1, np.nan] * 10)


def test_single_precision_stays_where_all_columns_have_it(tmp_path) -> None:
    x = pa.array([1.0, 2.0], pa.float32())
    assert read_table(write(tmp_path, x=x, y=x)).points.dtype == np.float32
    mixed = read_table(write(tmp_path, x=x, y=pa.array([1, 2]), z=pa.array([True, False])))
    np.testing.assert_array_equal(mixed.points, [[1, 1, 1], [2, 2, 0]])


def test_the_index_of_pandas_is_no_feature(tmp_path) -> None:
    path = write(tmp_path, x=[1.0, 2.0], __index_level_0__=["a", "b"])
    np.testing.assert_array_equal(read_table(path).points, [[1], [2]])


def test_text_holes_and_nan_are_refused_with_their_place(tmp_path) -> None:
    with pytest.raises(InvalidInputError, match=r"'kind' holds no numbers.*--label 'kind'"):
        read_table(write(tmp_path, x=[1.0], kind=["a"]))
    with pytest.raises(InvalidInputError, match="row 2, column 'y', is missing"):
        read_table(write(tmp_path, x=[1.0, 2.0], y=[1, None]))
    with pytest.raises(InvalidInputError, match="row 2, column 'x', holds 'nan'"):
        read_table(write(tmp_path, x=[1.0, np.nan]))
    with pytest.raises(InvalidInputError, match=r"no column 'z'\. Its columns: 'x'"):
        read_table(write(tmp_path, x=[1.0]), labels=["z"])
    with pytest.raises(InvalidInputError, match="0 columns of features"):
        read_table(write(tmp_path, x=[1.0]), labels=["x"])


@pytest.mark.parametrize("keep", [3, 100, -1])
def test_truncated_files_are_refused(rng, tmp_path, keep) -> None:
    path = write(tmp_path, x=rng.normal(size=50))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InvalidInputError, match="Is it whole"):
        read_table(path)


def test_tables_above_the_stated_size_are_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(table, "MAX_CELLS", 10)
    with pytest.raises(InvalidInputError, match="more than 10 numbers"):
        read_table(write(tmp_path, x=np.zeros(11)))


def test_without_pyarrow_the_error_names_the_extra(tmp_path, monkeypatch) -> None:
    path = write(tmp_path, x=[1.0, 2.0])

    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name.partition(".")[0])

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingDependencyError, match=r"topopert\[files\]"):
        read_table(path)
