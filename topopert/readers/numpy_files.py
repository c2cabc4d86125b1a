"""NumPy's own files: one array (npy) or several by name (npz); never pickle."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from topopert.errors import InvalidInputError

from .npz_entry import UNREADABLE, check_entries, entry_header, npy_header, read_entry
from .table import Table, check_labels, check_size, finite_points, label_column, listed

__all__ = ["read_npy", "read_npz"]


def read_npy(path: Path) -> Table:
    """The array of an npy file as points.

    Raises:
        InvalidInputError: If the file is damaged, holds Python objects, or no numbers (N, D).
    """
    with path.open("rb") as file:
        magic = file.read(len(npy.MAGIC_PREFIX))
    if magic != npy.MAGIC_PREFIX:
        msg = f"{path.name} is not a file of `numpy.save`. Is it whole?"
        raise InvalidInputError(msg)

    def load() -> NDArray[Any]:
        with path.open("rb") as file:
            shape, dtype = npy_header(file)
        _check_size(shape, dtype, path.name)
        # A memory map refuses a file that is shorter than its header says, `load` would first
        # make room for what the header says.
        return np.load(path, mmap_mode="r", allow_pickle=False)

    array = _guarded(load, path.name)
    # A copy: the file may change while models train.
    return Table(points=finite_points(array, where=path.name).copy())


def read_npz(path: Path, labels: Sequence[str], *, array: str | None) -> Table:
    """One array of an npz file as points, others (N,) as labels.

    Args:
        path: The file.
        labels: Names of arrays of shape (N,).
        array: Name of the points; None takes the only array that is no label.

    Raises:
        InvalidInputError: If the file is damaged, the array is not named where there are several,
            or one cannot be used.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_entries(archive)
            names = [n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy")]
            check_labels(labels, names, where=path.name)
            name = _points_name(path.name, names, labels, array)
            points = finite_points(
                _member(archive, name, path.name), where=f"{path.name}, array {name!r},"
            )
            columns = {}
            for label in labels:
                column = _member(archive, label, path.name)
                if column.shape != (len(points),):
                    msg = (
                        f"{path.name}: label {label!r} has shape {column.shape}; one value for "
                        f"each of the {len(points)} rows is needed."
                    )
                    raise InvalidInputError(msg)
                columns[label] = label_column(column.tolist(), where=path.name)
    except InvalidInputError:
        raise
    except UNREADABLE as err:
        reason = " ".join(str(err).split()) or type(err).__name__
        msg = f"{path.name} is damaged or not a file of `numpy.savez`: {reason}."
        raise InvalidInputError(msg) from err
    return Table(points=points, columns=MappingProxyType(columns))


def _points_name(
    where: str, names: Sequence[str], labels: Sequence[str], array: str | None
) -> str:
    if array is not None:
        if array not in names:
            msg = f"{where} has no array {array!r}. It holds {listed(names) or 'none'}."
            raise InvalidInputError(msg)
        return array
    rest = [name for name in names if name not in labels]
    if len(rest) != 1:
        what = f"holds {len(rest)} arrays, {listed(rest)}" if rest else "holds no array of points"
        hint = f" Name the one with the points, e.g. `--array {rest[0]}`." if rest else ""
        msg = f"{where} {what}.{hint}"
        raise InvalidInputError(msg)
    return rest[0]


def _member(archive: zipfile.ZipFile, name: str, where: str) -> NDArray[Any]:
    def load() -> NDArray[Any]:
        shape, dtype = entry_header(archive, f"{name}.npy")
        _check_size(shape, dtype, where)
        return read_entry(archive, f"{name}.npy")

    return _guarded(load, f"{where}, array {name!r},")


def _check_size(shape: tuple[int, ...], dtype: np.dtype[Any], where: str) -> None:
    # Text and exotic numbers may be longer than eight bytes.
    check_size(math.prod(shape) * -(-dtype.itemsize // 8), where=where)


def _guarded(load: Callable[[], NDArray[Any]], where: str) -> NDArray[Any]:
    """The array, or why it cannot be read."""
    try:
        return load()
    except InvalidInputError:
        raise
    except UNREADABLE as err:
        if "Python objects" in str(err):
            msg = (
                f"{where} holds Python objects, which could run code when read. Save numbers: "
                "`numpy.save(path, array.astype(float))`."
            )
        else:
            reason = " ".join(str(err).split()) or type(err).__name__
            msg = f"{where} cannot be read: {reason}. Is it whole?"
        raise InvalidInputError(msg) from err
