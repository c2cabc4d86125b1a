"""DATA on the command line: a file, or the name of a built-in data set."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import click
import numpy as np

from topopert import datasets
from topopert.errors import InvalidInputError
from topopert.readers import SUFFIXES, Table, read_table

from .output import one_line

__all__ = ["BUILT_IN", "CYCLIC", "DataSource", "data_options", "load_data"]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_SEED = 0  # of the built-in data sets

# The columns of `Dataset.parameters`, in their order.
BUILT_IN = MappingProxyType(
    {
        "circle": ("angle",),
        "clusters": ("cluster",),
        "digits": ("digit",),
        "figure_eight": ("circle", "angle"),
        "image_patches": ("gradient direction",),
        "klein_bottle": ("angle around the axis", "angle around the tube"),
        "linked_circles": ("circle", "angle"),
        "sphere": ("longitude", "latitude"),
        "swiss_roll": ("angle", "height"),
        "torus": ("angle on the large circle", "angle on the small circle"),
        "trefoil": ("angle",),
    }
)
CYCLIC = frozenset(
    (name, column)
    for name, columns in BUILT_IN.items()
    for column in columns
    if ("angle" in column or column in ("gradient direction", "longitude"))
    and name != "swiss_roll"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """What the command line says of the data."""

    data: str
    labels: tuple[str, ...]
    array: str | None
    layer: str | None
    obsm: str | None

    @property
    def title(self) -> str:
        """A short name of the data."""
        return self.data if self.data in BUILT_IN else one_line(Path(self.data).name)

    def is_cyclic(self, column: str) -> bool:
        """Whether a column is known to hold angles."""
        return (self.data, column) in CYCLIC


def data_options(command: _Command) -> _Command:
    """The argument DATA and the options that say which part of it is meant."""
    decorators = (
        click.argument("data", metavar="DATA"),
        click.option(
            "--label",
            "labels",
            metavar="NAME",
            multiple=True,
            help="A column to colour by and not to learn from; may be given several times. In a "
            "table without a header a column's number, in an npz file an array, in an h5ad file "
            "a column of obs.",
        ),
        click.option("--array", metavar="NAME", help="The array of an npz file to take."),
        click.option("--layer", metavar="NAME", help="A layer of an h5ad file, instead of X."),
        click.option(
            "--obsm",
            metavar="NAME",
            help="An embedding of an h5ad file, e.g. X_pca, instead of X.",
        ),
    )
    return reduce(lambda wrapped, decorate: decorate(wrapped), reversed(decorators), command)


def load_data(source: DataSource) -> Table:
    """The points and columns that a source names.

    Raises:
        InvalidInputError: If there is no such file or data set, or it cannot be used.
        MissingDependencyError: If the package that reads the format is missing.
    """
    if source.data in BUILT_IN:
        for option in ("array", "layer", "obsm"):
            if getattr(source, option) is not None:
                msg = f"--{option} is for files, and {source.data} is a built-in data set."
                raise InvalidInputError(msg)
        return _built_in(source.data, source.labels)
    if not Path(source.data).suffix and not Path(source.data).exists():
        near = difflib.get_close_matches(source.data, BUILT_IN, n=1)
        guess = f" Did you mean {near[0]}?" if near else ""
        msg = (
            f"{source.data!r} is neither a file nor a built-in data set.{guess} Built in are "
            f"{', '.join(BUILT_IN)}; files end in {', '.join(SUFFIXES)}."
        )
        raise InvalidInputError(msg)
    return read_table(
        source.data,
        labels=source.labels,
        array=source.array,
        layer=source.layer,
        obsm=source.obsm,
    )


def _built_in(name: str, labels: Sequence[str]) -> Table:
    make = getattr(datasets, name)
    drawn = "rng" in inspect.signature(make).parameters
    points, parameters = make(rng=np.random.default_rng(_SEED)) if drawn else make()
    names = BUILT_IN[name]
    unknown = [label for label in labels if label not in names]
    if unknown:
        msg = f"{name} has no column {unknown[0]!r}. Its columns: {', '.join(names)}."
        raise InvalidInputError(msg)
    shown = labels or names
    return Table(
        points=points,
        columns=MappingProxyType({k: parameters[:, names.index(k)] for k in shown}),
    )
