"""A table from a file of any format that is known."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from topopert._checks import check_path
from topopert.errors import InvalidInputError

from .delimited import read_delimited
from .h5ad import read_h5ad
from .numpy_files import read_npy, read_npz
from .parquet import read_parquet
from .table import Table

__all__ = ["SUFFIXES", "read_table"]

SUFFIXES = (".npy", ".npz", ".csv", ".tsv", ".parquet", ".h5ad")


def read_table(
    path: str | os.PathLike[str],
    *,
    labels: Sequence[str] = (),
    array: str | None = None,
    layer: str | None = None,
    obsm: str | None = None,
) -> Table:
    """The points in a file and the columns to colour them by.

    Args:
        path: A file whose suffix is one of `SUFFIXES`.
        labels: Names of columns (arrays of an npz file, columns of `obs` of an h5ad file) that are
            no features.
        array: The array of an npz file that holds the points.
        layer: The layer of an h5ad file that holds the points.
        obsm: The embedding of an h5ad file that holds the points.

    Raises:
        InvalidInputError: If the file is missing, of another kind, damaged, too large, or holds
            what cannot be used; an option does not suit the format.
        MissingDependencyError: If the package that reads the format is missing.
    """
    path = check_path(path, name="path")
    suffix = path.suffix.lower()
    _check_file(path)
    if suffix not in SUFFIXES:
        msg = f"{path.name} is of no known format. Known are {', '.join(SUFFIXES)}."
        raise InvalidInputError(msg)
    for name, value, formats in (
        ("--array", array, (".npz",)),
        ("--layer", layer, (".h5ad",)),
        ("--obsm", obsm, (".h5ad",)),
        ("--label", labels or None, SUFFIXES[1:]),
    ):
        if value is not None and suffix not in formats:
            msg = f"{name} is for {', '.join(formats)} files, not for {path.name}."
            raise InvalidInputError(msg)
    labels = tuple(dict.fromkeys(labels))
    try:
        if suffix == ".npy":
            return read_npy(path)
        if suffix == ".npz":
            return read_npz(path, labels, array=array)
        if suffix == ".parquet":
            return read_parquet(path, labels)
        if suffix == ".h5ad":
            return read_h5ad(path, labels, layer=layer, obsm=obsm)
        return read_delimited(path, labels, delimiter="\t" if suffix == ".tsv" else ",")
    except OSError as err:
        msg = f"{path} cannot be read: {err.strerror or err}."
        raise InvalidInputError(msg) from err


def _check_file(path: Path) -> None:
    """Refuse what is no file with something in it; opening a pipe would wait for ever."""
    try:
        status = path.stat()
    except (OSError, ValueError) as err:
        reason = getattr(err, "strerror", None) or err
        msg = f"{path} cannot be read: {reason}."
        raise InvalidInputError(msg) from err
    if stat.S_ISDIR(status.st_mode):
        msg = f"{path} is a folder. Give a file: {', '.join(SUFFIXES)}."
        raise InvalidInputError(msg)
    if not stat.S_ISREG(status.st_mode):
        msg = f"{path} is a pipe or a device. Write the data into a file first."
        raise InvalidInputError(msg)
    if status.st_size == 0:
        msg = f"{path} is empty. Is it the right file?"
        raise InvalidInputError(msg)
