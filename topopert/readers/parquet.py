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
            check_size(file.metadata.num_rows * len(features), where=where)
            table = file.read()
    except InvalidInputError:
        raise
    # A damaged name is a UnicodeDecodeError.
    except (arrow.ArrowException, OSError, ValueError) as err:
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
            {name: label_column(table.column(name).to_pylist()) for name in labels}
        ),
    )


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
