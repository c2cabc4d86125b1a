"""Annotated matrices of single cells (h5ad), by anndata; only what is asked for is read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from topopert._lazy import require
from topopert.errors import InvalidInputError

from .table import Table, check_labels, check_size, finite_points, label_column, listed

__all__ = ["read_h5ad"]

_DEEPEST = 3  # groups within an element: a column of categories in a data frame has two


def read_h5ad(path: Path, labels: Sequence[str], *, layer: str | None, obsm: str | None) -> Table:
    """X, a layer or an embedding as points, columns of `obs` as labels.

    Args:
        path: The file.
        labels: Names of columns of `obs`.
        layer: Name of a layer in place of X.
        obsm: Name of an embedding in place of X, e.g. X_pca.

    Raises:
        InvalidInputError: If the file is damaged or has not what is asked for.
        MissingDependencyError: If anndata is missing.
    """
    require("anndata", extra="h5ad")
    h5py: Any = require("h5py", extra="h5ad")
    io: Any = require("anndata.io", extra="h5ad")
    if layer is not None and obsm is not None:
        msg = "--layer and --obsm both name the points. Give one of them."
        raise InvalidInputError(msg)
    try:
        with h5py.File(path, "r") as file:
            element, where = _element(file, path.name, layer, obsm, h5py)
            # A sparse matrix is a group with its shape beside it, a data frame one without.
            shape = getattr(element, "shape", None) or element.attrs.get("shape", ())
            check_size(math.prod(int(n) for n in shape), where=where)
            check_size(_n_cells(element, h5py), where=where)
            values = io.read_elem(element)
            observations = None
            if labels:
                check_size(_n_cells(file["obs"], h5py), where=f"{path.name}, obs,")
                observations = io.read_elem(file["obs"])
    except InvalidInputError:
        raise
    # anndata's own errors derive from Exception and are private.
    except Exception as err:
        reason = (str(err).strip().splitlines() or [type(err).__name__])[0]
        msg = f"{path.name} cannot be read as h5ad: {reason}. Is it whole?"
        raise InvalidInputError(msg) from err
    if hasattr(values, "toarray"):  # sparse
        values = values.toarray()
    elif hasattr(values, "to_numpy"):  # a data frame
        values = values.to_numpy()
    points = finite_points(values, where=where)
    columns = {}
    if observations is not None:
        names = [str(name) for name in observations.columns]
        check_labels(labels, names, where=f"{path.name} (obs)")
        columns = {
            name: label_column(observations[name].tolist(), where=path.name) for name in labels
        }
    return Table(points=points, columns=MappingProxyType(columns))


def _n_cells(node: Any, h5py: Any, depth: int = 0) -> int:
    """How many numbers of eight bytes the part of the file takes.

    Raises:
        InvalidInputError: If the part, or one within it, lies in another file, which HDF5 would
            open and read.
    """
    if isinstance(node, h5py.Dataset):
        if node.external or node.is_virtual:
            msg = f"{node.name} lies in another file. Copy it into this one."
            raise InvalidInputError(msg)
        return int(node.size or 0) * -(-node.dtype.itemsize // 8)
    if depth > _DEEPEST:
        msg = f"{node.name} is nested too deeply."
        raise InvalidInputError(msg)
    total = 0
    for name in node:
        _check_link(node, name, h5py)
        total += _n_cells(node[name], h5py, depth + 1)
    return total


def _check_link(group: Any, name: str, h5py: Any) -> None:
    if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
        msg = f"{group.name.rstrip('/')}/{name} lies in another file. Copy it into this one."
        raise InvalidInputError(msg)


def _element(
    file: Any, name: str, layer: str | None, obsm: str | None, h5py: Any
) -> tuple[Any, str]:
    """The part of the file that holds the points, and its name."""
    for group in ("X", "layers", "obsm", "obs"):
        _check_link(file, group, h5py)
    layers, embeddings = (
        list(file[group]) if group in file else [] for group in ("layers", "obsm")
    )
    there = (
        f"It has the layers {listed(layers) or 'none'} and the embeddings (obsm) "
        f"{listed(embeddings) or 'none'}."
    )
    for group, key, names in (("layers", layer, layers), ("obsm", obsm, embeddings)):
        if key is not None:
            if key not in names:
                msg = f"{name} has no {key!r} in {group}. {there}"
                raise InvalidInputError(msg)
            _check_link(file[group], key, h5py)
            return file[group][key], f"{name}, {group}/{key},"
    if "X" not in file or file["X"].attrs.get("encoding-type") == "null":
        msg = f"{name} has no X. {there} Choose with --layer NAME or --obsm NAME."
        raise InvalidInputError(msg)
    return file["X"], f"{name}, X,"
