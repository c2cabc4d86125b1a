"""Small valid files of each format, to start from."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import torch

import topopert as tp

from .targets import SEPARATOR

__all__ = ["seeds"]


def seeds(target: str) -> list[bytes]:
    """Inputs that the target reads without complaint."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(6, 2))
    made = {
        "npy": _npy,
        "npz": _npz,
        "delimited": _delimited,
        "parquet": _parquet,
        "archive": _archives,
        "report": _reports,
    }[target]
    return list(made(points))


def _dtypes(points: np.ndarray) -> list[np.ndarray]:
    return [points, points.astype(">f4"), points.astype("i2"), np.asfortranarray(points > 0)]


def _npy(points: np.ndarray) -> Iterator[bytes]:
    for array in _dtypes(points):
        for version in ((1, 0), (2, 0), (3, 0)):
            file = io.BytesIO()
            np.lib.format.write_array(file, array, version=version)
            yield file.getvalue()


def _npz(points: np.ndarray) -> Iterator[bytes]:
    kind = np.array(["a", "b"] * 3)
    for array in _dtypes(points):
        for write in (np.savez, np.savez_compressed):
            file = io.BytesIO()
            write(file, points=array, kind=kind)
            yield file.getvalue()
    file = io.BytesIO()
    np.savez(file, points)
    yield file.getvalue()


def _delimited(points: np.ndarray) -> Iterator[bytes]:
    yield b"x,kind,y\n1,a,2\n3,b,4\n"
    yield b'\xef\xbb\xbf,x,y\r\n"gene 1",1e5,-2\r\n\r\n"gene 2",+.3,4.\r\n'
    yield b"x;y\n1;2\n3;4\n"
    yield b"x\tkind\n1\ta\n3\tNA\n"
    yield ",0,1\n0,1,2\n1,\uff13,nan\n".encode()  # a digit as wide as a CJK character
    yield b"\n".join(b",".join(b"%.17g" % x for x in row) for row in points)


def _parquet(points: np.ndarray) -> Iterator[bytes]:
    x, y = points.T
    kind = pa.array(["a", None, "b"] * 2)
    tables = (
        {"x": x, "y": y},
        {"x": x.astype("f4"), "kind": kind, "y": y.astype("i4")},
        {"x": x > 0, "kind": kind.dictionary_encode(), "__index_level_0__": kind},
    )
    for columns in tables:
        for compression in ("none", "snappy"):
            file = io.BytesIO()
            pa.parquet.write_table(pa.table(columns), file, compression=compression)
            yield file.getvalue()


def _archives(points: np.ndarray) -> Iterator[bytes]:
    angle = 2 * np.pi * np.arange(12) / 12
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    topology = tp.PersistentTopology(n_landmarks=12).fit(circle)
    field, wells = tp.AnchorPotential(topology.anchors()), tp.WellPotential(topology.wells())
    quartic = tp.PolynomialPotential([[4, 0], [1, 2]], [0.1, -0.3])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "saved.npz"
        for obj in (
            topology,
            tp.Hamiltonian(field, tp.Adiabatic(3.0, 0.5)),
            tp.Hamiltonian(2.0 * wells + quartic).to(torch.bfloat16),
            tp.Hamiltonian(tp.SignaturePotential()),
        ):
            tp.save(obj, path)
            yield path.read_bytes()


def _reports(points: np.ndarray) -> Iterator[bytes]:
    angle = 2 * np.pi * np.arange(24) / 24
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    quick = tp.TrainingConfig(n_steps=2, batch_size=4)
    report = tp.compare(circle, latent_dim=1, n_seeds=3, controls=(), training=quick)
    with tempfile.TemporaryDirectory() as folder:
        report.save(folder)
        record = json.loads((Path(folder) / "report.json").read_bytes())
        arrays = (Path(folder) / "arrays.npz").read_bytes()
    del record["arrays_sha256"]  # it would stop every change of an array
    yield json.dumps(record, separators=(",", ":")).encode() + SEPARATOR + arrays
