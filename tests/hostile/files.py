"""Bad files: name of the row, suffix, how it is made, what the refusal says."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

__all__ = ["BAD_FILES", "BadFile", "bomb"]

POINTS = np.random.default_rng(0).normal(size=(12, 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class BadFile:
    """A row of the table."""

    suffix: str
    make: Callable[[Path], object]
    message: str
    options: dict[str, Any] = field(default_factory=dict)  # of read_table


def npy(array: np.ndarray, **header: Any) -> bytes:
    """An npy file, whose header may differ from what follows."""
    file = io.BytesIO()
    if header:
        true = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
        np.lib.format.write_array_header_1_0(file, {**true, **header})
        return file.getvalue() + array.tobytes()
    np.lib.format.write_array(file, array, allow_pickle=True)
    return file.getvalue()


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as archive:
        warnings.simplefilter("ignore")  # a name that comes twice is meant to
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


def bomb(name: str, header: bytes, n_bytes: int, *, declared: int | None = None) -> bytes:
    """A zip of some hundred kilobytes whose entry inflates to a header and zeros.

    Args:
        name: Of the entry.
        header: What the entry begins with.
        n_bytes: How many zeros follow, made of blocks of 16 MB.
        declared: The size that the zip tells, if it lies.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(header) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(2**24)) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush blocks refer to nothing before them, so one may come again and again.
    content = start + block * (n_bytes // 2**24) + packer.flush(zlib.Z_FINISH)
    size = len(header) + n_bytes if declared is None else declared
    # Version 4.5, deflate, no date, no checksum that could be right; sizes in the zip64 field.
    common = struct.pack("<HHHHHLLLHH", 45, 0, 8, 0, 33, 0, 2**32 - 1, 2**32 - 1, len(name), 20)
    extra = struct.pack("<HHQQ", 1, 16, size, len(content))
    local = b"PK\3\4" + common + name.encode() + extra + content
    central = b"PK\1\2" + struct.pack("<H", 45) + common + struct.pack("<HHHLL", 0, 0, 0, 0, 0)
    central += name.encode() + extra
    end = b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 1, 1, len(central), len(local), 0)
    return local + central + end


def encrypted(content: bytes) -> bytes:
    changed = bytearray(content)
    for signature, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = changed.find(signature)
        changed[at + place] |= 1
    return bytes(changed)


def header_of(text: str) -> bytes:
    """An npy file whose header is any text."""
    return np.lib.format.magic(1, 0) + struct.pack("<H", len(text)) + text.encode()


def sparse(n_bytes: int, start: bytes = b"") -> Callable[[Path], object]:
    def make(path: Path) -> None:
        path.write_bytes(start)
        os.truncate(path, n_bytes)

    return make


def content(data: bytes | str) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data.encode() if isinstance(data, str) else data)


def link(target: str) -> Callable[[Path], object]:
    return lambda path: path.symlink_to(target)


def parquet(columns: dict[str, Any], **options: Any) -> Callable[[Path], object]:
    return lambda path: pa.parquet.write_table(pa.table(columns), path, **options)


def _row(
    suffix: str, make: Callable[[Path], object] | bytes | str, message: str, **options: Any
) -> BadFile:
    made = make if callable(make) else content(make)
    return BadFile(suffix=suffix, make=made, message=message, options=options)


def _npy(array: Any, message: str, **header: Any) -> BadFile:
    return _row(".npy", npy(np.asarray(array), **header), message)


def _npz(message: str, *entries: tuple[str, bytes], **options: Any) -> BadFile:
    return _row(".npz", zipped(*entries), message, **options)


def _csv(text: str | bytes, message: str, **options: Any) -> BadFile:
    return _row(".csv", text, message, **options)


LARGE = {"shape": (10**9, 10**3)}
TOO_MANY = "more than 250,000,000 numbers"
GOOD = npy(POINTS)
WORDS = pa.array(["a"] * 12)
LONG = pa.DictionaryArray.from_arrays(np.zeros(3000, np.int32), pa.array(["x" * 100_000]))

BAD_FILES: dict[str, BadFile] = {
    # No file at all
    "folder": _row(".csv", lambda path: path.mkdir(), "is a folder"),
    "pipe": _row(".csv", os.mkfifo, "is a pipe"),
    "device": _row(".npy", link("/dev/zero"), "is a pipe or a device"),
    "link to nowhere": _row(".npz", link("nowhere"), "No such file"),
    "link to itself": _row(".parquet", lambda path: path.symlink_to(path), "symbolic link"),
    "missing": _row(".tsv", lambda path: None, "No such file"),
    "empty": _row(".npy", b"", "is empty"),
    "unknown suffix": _row(".xlsx", b"x", "no known format"),
    "no such option": _row(".csv", "1,2\n", "not for", array="x"),
    # npy
    "npy cut short": _row(".npy", GOOD[:-8], "cannot be read"),
    "npy cut in its header": _row(".npy", GOOD[:40], "cannot be read"),
    "npy of objects": _npy(np.array([[{}, 1]], dtype=object), "holds Python objects"),
    "npy that promises terabytes": _npy(POINTS, TOO_MANY, **LARGE),
    "npy that is terabytes": _row(".npy", sparse(2**43, npy(POINTS, **LARGE)), TOO_MANY),
    "npy that promises more rows": _npy(POINTS, "cannot be read", shape=(13, 3)),
    "npy of negative shape": _npy(POINTS, "cannot be read", shape=(-12, -3)),
    "npy of an odd shape": _npy(POINTS, "cannot be read", shape=(12, "3")),
    "npy of an enormous dtype": _npy(POINTS, "cannot be read|numbers", descr="<U500000000"),
    "npy of an unknown dtype": _npy(POINTS, "cannot be read", descr="<q7"),
    "npy of version 9": _row(".npy", GOOD[:6] + b"\x09" + GOOD[7:], "version"),
    "npy with a header of code": _row(".npy", header_of("exit()\n"), "cannot be read"),
    "npy with a nested header": _row(".npy", header_of("(" * 9000), "cannot be read"),
    "npy with a long header": _row(".npy", header_of(" " * 60_000), "header is 60,000 bytes"),
    "npy that promises a long header": _row(
        ".npy", np.lib.format.magic(2, 0) + b"\xff" * 60, "header is 4,294,967,295 bytes"
    ),
    "npy of text": _npy(POINTS.astype("U"), "Real numbers"),
    "npy of bytes": _npy(POINTS.astype("S"), "Real numbers"),
    "npy of complex numbers": _npy(POINTS + 1j, "complex128"),
    "npy of dates": _npy(POINTS.astype("M8[s]"), "datetime64"),
    "npy of records": _npy(np.zeros(3, dtype=[("x", "f8"), ("y", "f8")]), "Real numbers"),
    "npy of one axis": _npy(POINTS[0], r"shape \(3,\)"),
    "npy of no axis": _npy(1.0, r"shape \(\)"),
    "npy of images": _npy(np.zeros((3, 4, 4)), "reshape"),
    "npy of no rows": _npy(POINTS[:0], r"shape \(0, 3\)"),
    "npy with NaN": _npy(np.where(POINTS > 1, np.nan, POINTS), "holds 'nan'"),
    "npy with infinity, big endian": _npy(np.full((3, 2), np.inf, ">f4"), "holds 'inf'"),
    "npy beyond double precision": _npy(np.full((3, 2), np.longdouble("1e4000")), "holds 'inf'"),
    "npy that is a zip": _row(".npy", zipped(("a.npy", GOOD)), "not a file of `numpy.save`"),
    # npz
    "npz cut short": _row(".npz", zipped(("a.npy", GOOD))[:-30], "is damaged or not a file"),
    "npz that is text": _row(".npz", "x,y\n1,2\n", "is damaged or not a file"),
    "npz of objects": _npz(
        "holds Python objects", ("a.npy", npy(np.array([[{}, 1]], dtype=object)))
    ),
    "npz of nothing": _npz("holds no array"),
    "npz of other files": _npz("holds no array", ("a.txt", b"1")),
    "npz of two arrays": _npz("2 arrays, 'a', 'b'", ("a.npy", GOOD), ("b.npy", GOOD)),
    "npz with a name twice": _npz("more than one entry", ("a.npy", GOOD), ("a.npy", GOOD)),
    "npz without the array": _npz("no array 'b'", ("a.npy", GOOD), array="b"),
    "npz without the label": _npz("no column 'b'", ("a.npy", GOOD), labels=["b"]),
    "npz with a short label": _npz(
        "one value for each", ("a.npy", GOOD), ("b.npy", npy(np.arange(3))), labels=["b"]
    ),
    "npz with a label of no characters": _npz(
        "characters that do not exist",
        ("a.npy", GOOD),
        ("b.npy", npy(np.full(12, 2**31, np.uint32), descr="<U1")),
        array="a",
        labels=["b"],
    ),
    "npz under a password": _row(".npz", encrypted(zipped(("a.npy", GOOD))), "encrypted"),
    "npz by another method": _row(
        ".npz", zipped(("a.npy", GOOD), method=zipfile.ZIP_LZMA), "compressed by a method"
    ),
    "npz whose header promises more": _npz("promises", ("a.npy", npy(POINTS, shape=(10**7, 3)))),
    "npz whose header promises less": _npz("promises", ("a.npy", npy(POINTS, shape=(2, 3)))),
    "npz with a long text": _npz(
        "promises", ("a.npy", npy(POINTS, descr="<U500000000", shape=(1, 1)))
    ),
    "npz that inflates to gigabytes": _row(
        ".npz", bomb("a.npy", npy(np.zeros(0), shape=(2**30, 1)), 2**33), TOO_MANY
    ),
    "npz that inflates beyond its size": _row(
        ".npz",
        bomb("a.npy", npy(np.zeros(0), shape=(2, 1)), 2**33, declared=128 + 16),
        "cannot be read",
    ),
    "npz that declares more than it has": _row(
        ".npz",
        bomb("a.npy", npy(np.zeros(0), shape=(2**26, 1)), 0, declared=128 + 2**29),
        "cannot be read",
    ),
    # Text
    "csv with text": _csv("x,kind\n1,a\n", "--label 'kind'"),
    "csv with a missing cell": _csv("x,y\n1,2\n3,\n", "row 2, column 'y', is missing"),
    "csv with NA": _csv("x,y\nNA,2\n", "holds 'NA'"),
    "csv with infinity": _csv("1,2\n3,-inf\n", "holds '-inf'"),
    "csv with a number too large": _csv(f"1,2\n3,1{'0' * 400}\n", "holds 'inf'"),
    "csv with a formula": _csv("x,y\n=cmd|' /C calc'!A0,1\n", "holds text"),
    "csv with underscores": _csv("1,2\n1,2_0\n", "holds text"),
    "csv of decimal commas": _csv("1;2\n1,5;2,5\n", "hold text"),
    "csv with a ragged row": _csv("x,y\n1,2\n3\n", "row 2 has 1 cells"),
    "csv with NUL": _csv("x,y\n1,2\0\n", "holds text"),
    "csv in UTF-16": _csv("x,y\n1,2\n".encode("utf-16"), "not text in UTF-8"),
    "csv in Latin-1": _csv("x,größe\n1,2\n".encode("latin-1"), "not text in UTF-8"),
    "csv of bytes": _csv(GOOD, "not text in UTF-8"),
    "csv with an open quote": _csv('x,y\n1,"2\n', "Is it whole"),
    "csv with an enormous cell": _csv(f"x,y\n1,{'2' * 200_000}\n", "field larger"),
    "csv of one enormous line": _row(".csv", sparse(2**36, b"1,"), "line of more than 16,777,216"),
    "csv with 10⁷ columns": _csv("x," * 10**7 + "x\n", "line of more than 16,777,216"),
    "csv with an enormous name": _csv(f"{'x' * 100_000},y\n1,a\n2,b\n", "holds text"),
    "csv with an enormous label": _csv(
        "x,kind\n1," + "a" * 100_000 + "\n" + "1,a\n" * 3000, "text of 100,000", labels=["kind"]
    ),
    "csv with a name twice": _csv("x,x\n1,2\n", "more than one column named 'x'"),
    "csv of a header": _csv("x,y\n", "a header and no rows"),
    "csv of empty lines": _csv("\n" * 1000, "is empty"),
    "csv of labels": _csv("x,y\n1,2\n", "nothing to learn from", labels=["x", "y"]),
    "csv without the label": _csv("x,y\n1,2\n", "no column 'z'", labels=["z"]),
    "tsv with commas": _row(".tsv", "1,2\n3,4\n", "holds text|no rows"),
    # Parquet
    "parquet cut short": _row(
        ".parquet", lambda path: _cut(path, parquet({"x": POINTS[:, 0]})), "Is it whole"
    ),
    "parquet that is text": _row(".parquet", "x,y\n1,2\n", "Is it whole"),
    "parquet with text": _row(".parquet", parquet({"x": WORDS}), "--label 'x'"),
    "parquet with a hole": _row(".parquet", parquet({"x": [1.0, None]}), "row 2, column 'x'"),
    "parquet with NaN": _row(".parquet", parquet({"x": [1.0, np.nan]}), "holds 'nan'"),
    "parquet with lists": _row(".parquet", parquet({"x": [[1.0], [2.0]]}), "no numbers"),
    "parquet with records": _row(".parquet", parquet({"x": [{"y": 1.0}]}), "no numbers"),
    "parquet with decimals": _row(
        ".parquet", parquet({"x": pa.array([1, 2]).cast(pa.decimal128(20, 0))}), "no numbers"
    ),
    "parquet with dates": _row(
        ".parquet", parquet({"x": pa.array([1, 2]).cast(pa.timestamp("s"))}), "no numbers"
    ),
    "parquet of no rows": _row(".parquet", parquet({"x": pa.array([], pa.float64())}), "0 rows"),
    "parquet of labels": _row(".parquet", parquet({"x": WORDS}), "0 columns", labels=["x"]),
    "parquet without the label": _row(
        ".parquet", parquet({"x": [1.0]}), "no column 'z'", labels=["z"]
    ),
    "parquet with a name twice": _row(
        ".parquet",
        lambda path: pa.parquet.write_table(
            pa.Table.from_arrays([pa.array([1.0])] * 2, ["x", "x"]), path
        ),
        "more than one column named 'x'",
    ),
    "parquet whose label would fill memory": _row(
        ".parquet",
        parquet({"x": np.zeros(3000), "kind": LONG}),
        "text of 100,000",
        labels=["kind"],
    ),
}


def _cut(path: Path, make: Callable[[Path], object]) -> None:
    make(path)
    path.write_bytes(path.read_bytes()[:-20])
