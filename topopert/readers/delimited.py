"""CSV and TSV, row by row: text never lies in memory whole.

Python's own parser, so that a plain installation reads them; it takes 8 bytes a number, and about
a second for three million of them.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TextIO

import numpy as np

from topopert.errors import InvalidInputError

from .table import (
    Table,
    check_labels,
    check_size,
    check_unique,
    finite_points,
    is_missing,
    label_column,
    listed,
    missing_cell,
)

__all__ = ["read_delimited"]

_MOST_LINE = 2**24  # characters: a line lies in memory whole, with an object for each cell
_CELL_OF_TEXT = 8  # as much memory as so many numbers


def read_delimited(path: Path, labels: Sequence[str], *, delimiter: str) -> Table:
    """A table of text; without a header the columns are named 1, 2, ….

    The first row is a header if a cell of it is text, or if it counts 0, 1, 2, … as pandas does
    for columns without names. A first column whose header is empty holds row names, as pandas and
    R write them, and is left out.

    Args:
        path: The file, in UTF-8.
        labels: Columns that are no features.
        delimiter: Between cells; where it is a comma and the first line has semicolons alone,
            those.

    Raises:
        InvalidInputError: If a cell that is no label's is missing or no number, rows differ in
            length, or the file is no text.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            first = next(_lines(file, path.name), "")
            file.seek(0)
            if delimiter == "," and ";" in first and "," not in first:
                delimiter = ";"
            rows = csv.reader(_lines(file, path.name), delimiter=delimiter, strict=True)
            return _table(path.name, (row for row in rows if row), labels)
    except UnicodeDecodeError as err:
        msg = f"{path.name} is not text in UTF-8 ({err.reason}). Save it as UTF-8."
        raise InvalidInputError(msg) from err
    except csv.Error as err:
        msg = f"{path.name} is no table of text: {err}. Is it whole, and are its quotes closed?"
        raise InvalidInputError(msg) from err


def _lines(file: TextIO, where: str) -> Iterator[str]:
    """The lines of a file; `for line in file` would read one of any length."""
    while line := file.readline(_MOST_LINE + 1):
        if len(line) > _MOST_LINE:
            msg = (
                f"{where} has a line of more than {_MOST_LINE:,} characters, the most that is "
                "read. Give each sample a line, and fewer columns or digits."
            )
            raise InvalidInputError(msg)
        yield line


def _table(where: str, rows: Iterator[list[str]], labels: Sequence[str]) -> Table:
    first = next(rows, None)
    if first is None:
        msg = f"{where} is empty. Give a table with a row per sample."
        raise InvalidInputError(msg)
    header = _is_header(first)
    names = [cell.strip() for cell in first] if header else [str(k + 1) for k in range(len(first))]
    has_row_names = header and len(names) > 1 and not names[0]
    check_unique(names, where=where)
    check_labels(labels, names, where=where)
    features = [
        k for k, name in enumerate(names) if name not in labels and not (k == 0 and has_row_names)
    ]
    if not features:
        msg = f"{where} has no column but its labels, {listed(labels)}: nothing to learn from."
        raise InvalidInputError(msg)
    kept = {name: (names.index(name), []) for name in labels}
    whole = len(features) == len(names)
    values = array("d")
    n_rows = 0
    for row in rows if header else _with_first(first, rows):
        n_rows += 1
        if len(row) != len(names):
            msg = (
                f"{where}: row {n_rows} has {len(row)} cells, the first line {len(names)}. "
                "Is the file whole, and the separator right?"
            )
            raise InvalidInputError(msg)
        cells = row if whole else [row[k] for k in features]
        try:
            if "_" in "".join(cells):  # Python reads 1_000 as a number, nobody else does
                raise _bad_cell(where, n_rows, [names[k] for k in features], cells)
            values.extend(map(float, cells))
        except ValueError as err:
            if isinstance(err, InvalidInputError):
                raise
            raise _bad_cell(where, n_rows, [names[k] for k in features], cells) from None
        for index, column in kept.values():
            column.append(row[index])
        check_size(len(values) + _CELL_OF_TEXT * len(kept) * n_rows, where=where)
    if not n_rows:
        msg = f"{where} has a header and no rows. Give a table with a row per sample."
        raise InvalidInputError(msg)
    points = np.frombuffer(values, dtype=np.float64).reshape(n_rows, len(features))
    return Table(
        points=finite_points(points, where=where, names=[names[k] for k in features]),
        columns=MappingProxyType(
            {name: label_column(column, where=where) for name, (_, column) in kept.items()}
        ),
    )


def _with_first(first: list[str], rows: Iterator[list[str]]) -> Iterator[list[str]]:
    yield first
    yield from rows


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _is_header(first: list[str]) -> bool:
    # An empty first cell stands over row names; elsewhere it may be a hole in the data.
    counted = [str(k) for k in range(len(first))]
    if len(first) > 2 and (first == counted or (first[1:] == counted[:-1] and not first[0])):
        return True
    return any(not _is_number(cell) and not is_missing(cell) for cell in first)


def _bad_cell(
    where: str, row: int, names: Sequence[str], cells: Sequence[str]
) -> InvalidInputError:
    """The error about the first cell that is missing, else about all columns of text."""
    text = [
        name
        for name, cell in zip(names, cells, strict=True)
        if not _is_number(cell) and not is_missing(cell)
    ]
    if text:
        value = cells[names.index(text[0])]
        flags = " ".join(f"--label {name!r}" for name in text[:3])
        return InvalidInputError(
            f"{where}: {'columns' if len(text) > 1 else 'column'} {listed(text)} "
            f"{'hold' if len(text) > 1 else 'holds'} text (row {row}: {value[:40]!r}). Keep "
            f"{'them' if len(text) > 1 else 'it'} for colouring with {flags}, or leave "
            f"{'them' if len(text) > 1 else 'it'} out of the file."
        )
    missing = next(k for k, cell in enumerate(cells) if not _is_number(cell))
    return missing_cell(row, names[missing], where=where, value=cells[missing].strip())
