"""Parquet, by pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from topopert._lazy import require
from topopert.errors import InvalidInputError

from .table import (
    Table,
    check_labels,
    check_size,
    check_unique,
    finite_points,
    label_column,
    listed,
    missing_cell,
)

__all__ = ["read_parquet"]


def read_parquet(path: Path, labels: Sequence[str]) -> Table:
    """All columns of numbers as points; the index that pandas stores beside them is left out.

    Args:
        path: The file.
        labels: Columns that are no features.

    Raises:
        InvalidInputError: If the file is damaged, or a column that is no label holds other things
            than numbers, or holes.
        MissingDependencyError: If pyarrow is missing.
    """
    parquet: Any = require("pyarrow.parquet", extra="files")
    arrow: Any = require("pyarrow", extra="files")
    where = path.name
    try:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            names = [name for name in schema.names if not name.startswith("__index_level_")]
            check_unique(names, where=where)
            check_labels(labels, names, where=where)
            features = [name for name in names if name not in labels]
            _check_types(where, {name: schema.field(name).type for name in features})
            check_size(_n_cells(file.metadata, len(names)), where=where)
            text = [name for name in labels if _is_text(schema.field(name).type)]
        # Equal texts are then one object, however many rows have it.
        with parquet.ParquetFile(path, read_dictionary=text) as file:
            table = file.read(columns=names)
        table.validate(full=True)  # indices in range, text in UTF-8
        cells = {name: _cells(table.column(name)) for name in labels}
    except InvalidInputError:
        raise
    # A damaged name is a UnicodeDecodeError, a date beyond Python's an OverflowError.
    except (arrow.ArrowException, OSError, OverflowError, ValueError) as err:
        msg = f"{where} cannot be read as parquet: {' '.join(str(err).split())} Is it whole?"
        raise InvalidInputError(msg) from err
    if not features or not len(table):
        msg = f"{where} has {len(table)} rows and {len(features)} columns of features."
        raise InvalidInputError(msg)
    columns = []
    for name in features:
        column = table.column(name)
        if column.null_count:
            row = column.is_null().to_numpy().argmax()
            raise missing_cell(int(row) + 1, name, where=where)
        columns.append(column.to_numpy())
    single = all(column.dtype == np.float32 for column in columns)
    points = np.stack(
        columns, axis=1, dtype=np.float32 if single else np.float64, casting="unsafe"
    )
    return Table(
        points=finite_points(points, where=where, names=features),
        columns=MappingProxyType(
            {name: label_column(column, where=where) for name, column in cells.items()}
        ),
    )


def _n_cells(metadata: Any, n_columns: int) -> int:
    """How many numbers reading would make room for, whichever part of the metadata is right."""
    # Not `group.column(k)`: on some damaged files pyarrow ends the process there.
    groups = [metadata.row_group(k) for k in range(metadata.num_row_groups)]
    n_rows = max(metadata.num_rows, sum(max(0, group.num_rows) for group in groups))
    n_bytes = sum(max(0, group.total_byte_size) for group in groups)
    return max(n_rows * n_columns, n_bytes // 8)


def _cells(column: Any) -> list[Any]:
    kinds: Any = require("pyarrow.types", extra="files")
    cells = []
    for chunk in column.chunks:
        if kinds.is_dictionary(chunk.type):
            words = [*chunk.dictionary.to_pylist(), None]
            cells += [words[-1 if k is None else k] for k in chunk.indices.to_pylist()]
        else:
            cells += chunk.to_pylist()
    return cells


def _is_text(kind: Any) -> bool:
    kinds: Any = require("pyarrow.types", extra="files")
    return kinds.is_string(kind) or kinds.is_large_string(kind)


def _check_types(where: str, types: dict[str, Any]) -> None:
    kinds: Any = require("pyarrow.types", extra="files")
    numeric = (kinds.is_integer, kinds.is_floating, kinds.is_boolean)
    other = [name for name, kind in types.items() if not any(is_one(kind) for is_one in numeric)]
    if other:
        flags = " ".join(f"--label {name!r}" for name in other[:3])
        msg = (
            f"{where}: {listed(other)} {'hold' if len(other) > 1 else 'holds'} no numbers "
            f"({types[other[0]]}). Keep for colouring with {flags}, or leave out of the file."
        )
        raise InvalidInputError(msg)
