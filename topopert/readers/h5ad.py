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
            element, where = _element(file, path.name, layer, obsm)
            # A sparse matrix is a group with its shape beside it, a data frame one without.
            shape = getattr(element, "shape", None) or element.attrs.get("shape", ())
            check_size(math.prod(int(n) for n in shape), where=where)
            values = io.read_elem(element)
            observations = io.read_elem(file["obs"]) if labels else None
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
        columns = {name: label_column(observations[name].tolist()) for name in labels}
    return Table(points=points, columns=MappingProxyType(columns))


def _element(file: Any, name: str, layer: str | None, obsm: str | None) -> tuple[Any, str]:
    """The part of the file that holds the points, and its name."""
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
            return file[group][key], f"{name}, {group}/{key},"
    if "X" not in file or file["X"].attrs.get("encoding-type") == "null":
        msg = f"{name} has no X. {there} Choose with --layer NAME or --obsm NAME."
        raise InvalidInputError(msg)
    return file["X"], f"{name}, X,"
