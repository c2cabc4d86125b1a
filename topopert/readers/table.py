"""The table that every reader returns, and the checks that all of them share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topopert.errors import InvalidInputError

__all__ = [
    "MAX_CELLS",
    "Table",
    "check_labels",
    "check_size",
    "check_unique",
    "finite_points",
    "is_missing",
    "label_column",
    "listed",
    "missing_cell",
    "shortened",
]

# 2 GB in double precision: distances and models need several times as much again.
MAX_CELLS = 250_000_000
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Numbers to learn from, and columns beside them."""

    points: NDArray[np.floating[Any]]  # finite, (N, D)
    columns: Mapping[str, NDArray[Any]] = field(  # numbers (NaN: missing) or text, each (N,)
        default_factory=lambda: MappingProxyType({})
    )


def listed(names: Sequence[str], *, most: int = 8) -> str:
    """Names for a message, not more of them than a line holds."""
    shown = ", ".join(repr(shortened(str(name))) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def shortened(text: str, *, most: int = 60) -> str:
    """The text for a message, cut where it would fill more than a line."""
    return text if len(text) <= most else f"{text[:most]}…"


def check_labels(labels: Sequence[str], names: Sequence[str], *, where: str) -> None:
    """Refuse labels that are no column's name.

    Raises:
        InvalidInputError: If one is not among the names.
    """
    unknown = [label for label in labels if label not in names]
    if unknown:
        there = listed(names) or "none"
        msg = f"{where} has no column {listed(unknown)}. Its columns: {there}."
        raise InvalidInputError(msg)


def check_unique(names: Sequence[str], *, where: str) -> None:
    """Refuse a table in which two columns have one name.

    Raises:
        InvalidInputError: If a name comes twice.
    """
    seen: set[str] = set()
    twice = [name for name in names if name in seen or seen.add(name)]
    if twice:
        msg = f"{where} has more than one column named {listed(twice)}. Rename them."
        raise InvalidInputError(msg)


def check_size(n_cells: int, *, where: str) -> None:
    """Refuse a table that memory would not hold, before it is read.

    Raises:
        InvalidInputError: If it has more than `MAX_CELLS` numbers.
    """
    if n_cells > MAX_CELLS:
        msg = (
            f"{where} has more than {MAX_CELLS:,} numbers, the most that is read. Give fewer rows "
            "or fewer columns, e.g. a sample or principal components."
        )
        raise InvalidInputError(msg)


def is_missing(text: str) -> bool:
    """Whether a text is one of those that tables have where a value is missing."""
    return text.strip().lower() in _MISSING


def missing_cell(row: int, column: str, *, where: str, value: str = "") -> InvalidInputError:
    """The error about a cell without a number in it; rows count from 1, without the header."""
    what = f"holds {shortened(value)!r}" if value else "is missing"
    return InvalidInputError(
        f"{where}: the value in row {row}, column {shortened(column)!r}, {what}. Fill such cells "
        "in, or leave out their rows or columns."
    )


def finite_points(
    values: Any, *, where: str, names: Sequence[str] | None = None
) -> NDArray[np.floating[Any]]:
    """The values as points, float32 kept and all else in double precision.

    Args:
        values: Array to check.
        where: File, or file and array, for messages.
        names: The columns' names; None numbers them from 1.

    Raises:
        InvalidInputError: If they are not finite real numbers of shape (N, D).
    """
    values = np.asarray(values)
    if values.dtype.kind not in "biuf":
        msg = f"{where} is of dtype {values.dtype}. Real numbers are needed."
        raise InvalidInputError(msg)
    if values.ndim != 2 or 0 in values.shape:
        hint = " Give each sample one row, e.g. `images.reshape(len(images), -1)`."
        msg = f"{where} has shape {values.shape}, not (N, D).{hint if values.ndim != 2 else ''}"
        raise InvalidInputError(msg)
    check_size(values.size, where=where)
    single = values.dtype == np.float32
    with np.errstate(over="ignore"):  # quadruple precision; what overflows is refused below
        points = np.ascontiguousarray(values, dtype=np.float32 if single else np.float64)
    finite = np.isfinite(points)
    if not finite.all():
        row, column = (int(k) for k in np.argwhere(~finite)[0])
        name = str(column + 1) if names is None else names[column]
        raise missing_cell(row + 1, name, where=where, value=str(points[row, column]))
    return points


def label_column(values: Sequence[Any], *, where: str) -> NDArray[Any]:
    """A column to colour by: whole numbers, numbers (NaN where missing), else text.

    Args:
        values: Text, numbers or None, one per row.
        where: The file, for messages.

    Raises:
        InvalidInputError: If it is text too long for an array, where each cell has room for the
            longest.
    """
    texts = ["" if v is None or v != v else str(v).strip() for v in values]
    try:
        numbers = [math.nan if is_missing(text) else float(text) for text in texts]
    except ValueError:
        return _text(texts, where)
    column = np.array(numbers, dtype=np.float64)
    if np.isnan(column).all():
        return _text(texts, where)
    whole = np.isfinite(column).all() and (np.abs(column) < 2**53).all()
    if whole and np.array_equal(column, column.round()):
        return column.astype(np.int64)
    return column


def _text(texts: Sequence[str], where: str) -> NDArray[np.str_]:
    longest = max(map(len, texts), default=0)
    if longest * len(texts) > MAX_CELLS:
        msg = (
            f"{where}: a label has a text of {longest:,} characters, too long for {len(texts):,} "
            "rows. Shorten it, or leave the column out."
        )
        raise InvalidInputError(msg)
    return np.array(texts, dtype=np.str_)
