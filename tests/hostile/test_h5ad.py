"""h5ad files that point out of themselves, lie about their size, or hold what is no table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from topopert.readers import read_table

from .guards import refused

pytestmark = pytest.mark.integration

POINTS = np.random.default_rng(0).normal(size=(6, 2))


def external_link(file: Any, h5py: Any, folder: Path) -> None:
    with h5py.File(folder / "other.h5", "w") as other:
        other["secret"] = POINTS
    file["X"] = h5py.ExternalLink(str(folder / "other.h5"), "/secret")


def external_storage(file: Any, h5py: Any, folder: Path) -> None:
    (folder / "secret").write_bytes(POINTS.tobytes())
    file.create_dataset("X", (6, 2), "f8", external=[(str(folder / "secret"), 0, 96)])


def virtual(file: Any, h5py: Any, folder: Path) -> None:
    with h5py.File(folder / "other.h5", "w") as other:
        other["secret"] = POINTS
    layout = h5py.VirtualLayout((6, 2), "f8")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "secret", (6, 2))
    file.create_virtual_dataset("X", layout)


def gigabytes(file: Any, h5py: Any, folder: Path) -> None:
    file.create_dataset("X", (10**6, 10**6), "f8", chunks=(1000, 1000))


def sparse_gigabytes(file: Any, h5py: Any, folder: Path) -> None:
    group = file.create_group("X")
    group.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0"})
    group.attrs["shape"] = (6, 2)
    for name, kind in (("data", "f8"), ("indices", "i4"), ("indptr", "i4")):
        group.create_dataset(name, (10**10,), kind, chunks=(10**6,))


def text(file: Any, h5py: Any, folder: Path) -> None:
    file["X"] = np.array([[b"a", b"b"]] * 3)


def loop(file: Any, h5py: Any, folder: Path) -> None:
    group = file.create_group("X")
    group["again"] = group


ROWS: dict[str, tuple[Callable[[Any, Any, Path], None], str]] = {
    "no X": (lambda file, h5py, folder: None, "has no X"),
    "a link to another file": (external_link, "lies in another file"),
    "content in another file": (external_storage, "lies in another file"),
    "a view of another file": (virtual, "lies in another file"),
    "gigabytes": (gigabytes, "more than 250,000,000 numbers"),
    "gigabytes behind a small shape": (sparse_gigabytes, "more than 250,000,000 numbers"),
    "text": (text, "Real numbers|cannot be read"),
    "a group within itself": (loop, "nested too deeply"),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_bad_h5ad_is_refused(tmp_path, row: str) -> None:
    h5py = pytest.importorskip("h5py")
    make, message = ROWS[row]
    with h5py.File(tmp_path / "data.h5ad", "w") as file:
        make(file, h5py, tmp_path)
    pytest.importorskip("anndata.io")  # its own memory is not the reader's
    with refused(tmp_path, message):
        read_table(tmp_path / "data.h5ad")


@pytest.mark.parametrize("content", [b"x,y\n1,2\n", b"\x89HDF\r\n\x1a\n" + bytes(500)])
def test_what_is_no_hdf5_is_refused(tmp_path, content: bytes) -> None:
    (tmp_path / "data.h5ad").write_bytes(content)
    with refused(tmp_path, "cannot be read as h5ad"):
        read_table(tmp_path / "data.h5ad")
