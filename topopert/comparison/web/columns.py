"""Columns to colour the points by: checked, and turned into a colour for each held-out row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topopert._checks import plain_array
from topopert.errors import InvalidInputError, InvalidTypeError

from .palettes import CATEGORIES, MISSING, SYMBOLS, gradient

__all__ = ["ColourColumn", "LegendEntry", "colour_column", "held_out_columns"]

_FEW = 20  # whole numbers with at most that many distinct values are labels
_N_COLOURS = 64
# The share of rows at either end that numbers may lie beyond the ends of the gradient.
_TAIL = 0.01
_TURN = 2 * np.pi
_SLACK, _LEAST_SHARE = 0.03 * _TURN, 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class LegendEntry:
    """A category, its colour and the shape of its points."""

    label: str
    colour: str
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourColumn:
    """What a column says of each row: an entry of a list of colours, and a text."""

    name: str
    kind: str  # "categories" | "numbers" | "angles"
    palette: tuple[str, ...]  # the last colour is that of missing values
    symbols: tuple[str, ...]  # one per colour
    index: tuple[int, ...]  # into the palette, one per row
    text: tuple[str, ...]  # the value, one per row
    legend: tuple[LegendEntry, ...]  # of categories
    ends: tuple[str, str]  # of the gradient of numbers and angles
    has_missing: bool


def held_out_columns(
    columns: Any, *, n_points: int, test_rows: NDArray[np.intp]
) -> dict[str, Any]:
    """The columns as plain one-dimensional arrays of the held-out rows.

    Args:
        columns: Name to column; of all N points or of the held-out rows.
        n_points: Number N of points that were compared.
        test_rows: Which of them are held out.

    Raises:
        InvalidInputError: If a column has another length or shape, or values that are neither
            numbers nor text.
    """
    if columns is None:
        return {}
    if not isinstance(columns, Mapping):
        msg = (
            f"`columns` must map names to columns, got {type(columns).__name__}. "
            "Give e.g. `{'label': labels}`."
        )
        raise InvalidTypeError(msg)
    held_out = {}
    for name, column in columns.items():
        values = _plain_column(name, column)
        if len(values) == n_points:
            values = values[test_rows]
        elif len(values) != len(test_rows):
            msg = (
                f"Column {name!r} has {len(values)} values. Give one for each of the {n_points} "
                f"points, or for each of the {len(test_rows)} held-out rows (`report.test_rows`)."
            )
            raise InvalidInputError(msg)
        held_out[str(name)] = values
    if len(held_out) < len(columns):
        msg = f"Two columns have the same name as text: {[str(name) for name in columns]}."
        raise InvalidInputError(msg)
    return held_out


def colour_column(name: str, values: NDArray[Any]) -> ColourColumn:
    """The colours of a column.

    Text, truth values and up to 20 distinct whole numbers are categories. Numbers that fill
    [0, 2π] or [−π, π] (a row in a hundred in every tenth of it, its ends missed by at most 3 %)
    are angles: their colours close up. Other numbers run from the first to the 99th percentile,
    what lies beyond takes the colour of the end.

    Args:
        name: The column's name.
        values: Floats or text, shape (N_test,); NaN and infinity are missing.
    """
    if values.dtype.kind == "U":
        return _categories(name, values, np.zeros(len(values), dtype=bool))
    missing = ~np.isfinite(values)
    known = values[~missing]
    distinct = np.unique(known)
    if len(distinct) <= _FEW and np.array_equal(distinct, distinct.round()):
        # The order of labels is that of the numbers, so 10 comes after 9.
        width = max((len(f"{v:.0f}") for v in distinct), default=1)
        labels = np.array([f"{v:{width}.0f}" if np.isfinite(v) else "" for v in values])
        return _categories(name, labels, missing)
    return _numbers(name, values, missing)


def _plain_column(name: Any, column: Any) -> NDArray[Any]:
    """Shape (n,): float64, or text."""
    try:
        values = np.asarray(plain_array(column, name=str(name)))
    except ValueError as err:
        if isinstance(err, InvalidInputError):
            raise
        msg = f"Column {name!r} is no array: {err} Give one value per row."
        raise InvalidInputError(msg) from err
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        msg = f"Column {name!r} has shape {values.shape}. Give one value per row, shape (N,)."
        raise InvalidInputError(msg)
    if values.dtype.kind == "O":
        try:
            return values.astype(np.float64)
        except (TypeError, ValueError):
            return np.array([_label(value) for value in values])
    if values.dtype.kind == "b":
        return np.where(values, "yes", "no")
    if values.dtype.kind in "iuf":
        return values.astype(np.float64)
    if values.dtype.kind in "UST":
        return values.astype(str)
    msg = f"Column {name!r} is of dtype {values.dtype}. Give numbers or text."
    raise InvalidTypeError(msg)


def _label(value: Any) -> str:
    # What tables hold where a text is not there; pandas' own cannot be asked whether it equals.
    gone = not isinstance(value, str) and str(value) in ("None", "nan", "<NA>", "NaT")
    return "missing" if gone else str(value)


def _categories(name: str, labels: NDArray[np.str_], missing: NDArray[np.bool_]) -> ColourColumn:
    distinct, counts = np.unique(labels[~missing], return_counts=True)
    room = len(CATEGORIES) * len(SYMBOLS)
    shown = distinct
    if len(distinct) > room:
        shown = np.sort(distinct[np.argsort(-counts, kind="stable")[:room]])
    place = {label: k for k, label in enumerate(shown.tolist())}
    rest = len(shown)
    palette = (*(CATEGORIES[k % len(CATEGORIES)] for k in range(rest)), MISSING)
    symbols = (*(SYMBOLS[k // len(CATEGORIES)] for k in range(rest)), SYMBOLS[0])
    index = [
        rest if gone else place.get(label, rest)
        for label, gone in zip(labels.tolist(), missing, strict=True)
    ]
    entries = [str(label).strip() or "(empty)" for label in shown]
    if len(distinct) > len(shown):
        entries.append(f"{len(distinct) - len(shown)} rarer ones")
    elif missing.any():
        entries.append("missing")
    return ColourColumn(
        name=name,
        kind="categories",
        palette=palette,
        symbols=symbols,
        index=tuple(index),
        text=tuple(
            "missing" if gone else label.strip()
            for label, gone in zip(labels.tolist(), missing, strict=True)
        ),
        legend=tuple(
            LegendEntry(label=label, colour=colour, symbol=symbol)
            for label, colour, symbol in zip(entries, palette, symbols, strict=False)
        ),
        ends=("", ""),
        has_missing=bool(missing.any()),
    )


def _numbers(name: str, values: NDArray[np.float64], missing: NDArray[np.bool_]) -> ColourColumn:
    known = values[~missing]
    turn = _turn(known)
    if turn is not None:
        low, high = turn
        ends = ("0", "2π") if low == 0 else ("−π", "π")
    else:
        low, high = (float(q) for q in np.quantile(known, (_TAIL, 1 - _TAIL)))
        if low == high:
            low, high = float(known.min()), float(known.max())
        ends = (
            f"{'≤ ' if known.min() < low else ''}{_text(low, 3)}",
            f"{'≥ ' if known.max() > high else ''}{_text(high, 3)}",
        )
    share = (np.where(missing, low, values) - low) / (high - low or 1.0)
    index = (share.clip(0, 1) * (_N_COLOURS - 1)).round().astype(int)
    index[missing] = _N_COLOURS
    return ColourColumn(
        name=name,
        kind="numbers" if turn is None else "angles",
        palette=(*gradient(n_colours=_N_COLOURS, cyclic=turn is not None), MISSING),
        symbols=(SYMBOLS[0],) * (_N_COLOURS + 1),
        index=tuple(index.tolist()),
        text=tuple(_text(v, 4) if np.isfinite(v) else "missing" for v in values),
        legend=(),
        ends=ends,
        has_missing=bool(missing.any()),
    )


def _text(value: float, digits: int) -> str:
    return f"{value:.{digits}g}".replace("-", "−")


def _turn(known: NDArray[np.float64]) -> tuple[float, float] | None:
    """The interval that the numbers fill as angles do, if they do."""
    for low, high in ((0.0, _TURN), (-np.pi, np.pi)):
        if not (low <= known.min() <= low + _SLACK and high - _SLACK <= known.max() <= high):
            continue
        counts, _ = np.histogram(known, bins=10, range=(low, high))
        if counts.min() >= _LEAST_SHARE * len(known):
            return low, high
    return None
