"""What is fuzzed: bytes in, a reader's answer or a `TopopertError` out; all else is a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import numpy as np

import topopert as tp
from topopert.readers import read_table

__all__ = ["SEPARATOR", "TARGETS"]

# Between the two files of a report that the fuzzer sees as one input.
SEPARATOR = b"\n\0\n"


@contextmanager
def _refusal() -> Iterator[None]:
    """Lets an error of ours pass, unless memory had to run out before it was raised."""
    try:
        yield
    except tp.TopopertError as err:
        if isinstance(err.__cause__, MemoryError):
            raise err.__cause__ from err


def _read(path: Path, data: bytes, **options: str | list[str]) -> None:
    path.write_bytes(data)
    with _refusal():
        read_table(path, **options)


def _npy(data: bytes, folder: Path) -> None:
    _read(folder / "a.npy", data)


def _npz(data: bytes, folder: Path) -> None:
    _read(folder / "a.npz", data)
    _read(folder / "a.npz", data, array="points", labels=["kind"])


def _delimited(data: bytes, folder: Path) -> None:
    _read(folder / "a.csv", data)
    _read(folder / "a.csv", data, labels=["kind"])
    _read(folder / "a.tsv", data)


def _parquet(data: bytes, folder: Path) -> None:
    _read(folder / "a.parquet", data)
    _read(folder / "a.parquet", data, labels=["kind"])


def _archive(data: bytes, folder: Path) -> None:
    """What is loaded must also be of use: a damaged object is refused when it is read."""
    path = folder / "saved.npz"
    path.write_bytes(data)
    with _refusal():
        loaded = tp.load(path)
        if isinstance(loaded, tp.PersistentTopology):
            loaded.transform(np.zeros((2, loaded.n_features_in_)))
            loaded.anchors()


def _report(data: bytes, folder: Path) -> None:
    record, _, arrays = data.partition(SEPARATOR)
    (folder / "report.json").write_bytes(record)
    (folder / "arrays.npz").write_bytes(arrays)
    with _refusal():
        str(tp.ComparisonReport.load(folder))


TARGETS: Mapping[str, Callable[[bytes, Path], None]] = MappingProxyType(
    {
        "npy": _npy,
        "npz": _npz,
        "delimited": _delimited,
        "parquet": _parquet,
        "archive": _archive,
        "report": _report,
    }
)
