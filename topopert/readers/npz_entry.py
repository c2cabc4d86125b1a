"""Arrays out of a zip, each checked before memory is made for it; never pickle."""

from __future__ import annotations

import io
import math
import struct
import tokenize
import zipfile
import zlib
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

__all__ = ["UNREADABLE", "check_entries", "entry_header", "npy_header", "read_entry"]

# What NumPy and zipfile raise for damaged files; a header is parsed as Python's own literals.
# RuntimeError: zipfile has it for encryption, and NotImplementedError below it.
UNREADABLE = (
    EOFError,
    KeyError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
_VERSIONS = ((1, 0), (2, 0), (3, 0))
_LONGEST_HEADER = 10_000  # bytes; NumPy's own limit
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def check_entries(archive: zipfile.ZipFile) -> None:
    """Refuse a zip that is ambiguous or that NumPy does not write.

    Raises:
        ValueError: If a name comes twice, or an entry is compressed by another method than
            deflate.
    """
    seen: set[str] = set()
    for info in archive.infolist():
        if info.filename in seen:
            msg = f"it has more than one entry named {info.filename[:60]!r}"
            raise ValueError(msg)
        seen.add(info.filename)
        if info.compress_type not in _METHODS:
            msg = f"entry {info.filename[:60]!r} is compressed by a method that NumPy has not"
            raise ValueError(msg)


def npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype of the npy data at the file's place, which is after them then.

    Raises:
        ValueError: If they are of Python objects.
        Exception: One of `UNREADABLE`, if they are damaged.
    """
    version = npy.read_magic(file)
    if version not in _VERSIONS:
        msg = f"it is of version {version} of NumPy's format"
        raise ValueError(msg)
    # NumPy makes room for as long a header as the file says, and then calls it too long.
    size = file.read(2 if version == (1, 0) else 4)
    length = int.from_bytes(size, "little")
    if length > _LONGEST_HEADER:
        msg = f"its header is {length:,} bytes long"
        raise ValueError(msg)
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = header(io.BytesIO(size + file.read(length)))
    if dtype.hasobject:
        msg = "it holds Python objects"
        raise ValueError(msg)
    return shape, dtype


def entry_header(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype of an npy entry, if they agree with the size that the zip gives it.

    zipfile reads no more than that size, whatever the entry inflates to.

    Args:
        archive: The zip, open.
        name: The entry.

    Raises:
        ValueError: If it holds Python objects, or header and size do not agree.
        Exception: One of `UNREADABLE`, if it is damaged.
    """
    size = archive.getinfo(name).file_size
    with archive.open(name) as entry:
        shape, dtype = npy_header(entry)
        follow = size - entry.tell()
    if math.prod(shape) * dtype.itemsize != follow:
        msg = f"its header promises {dtype} of shape {shape}, and {follow} bytes follow"
        raise ValueError(msg)
    return shape, dtype


def read_entry(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """The array of an npy entry that passes `entry_header`.

    Raises:
        Exception: One of `UNREADABLE`, if it does not, or is damaged.
    """
    entry_header(archive, name)
    with archive.open(name) as entry:
        array = npy.read_array(entry, allow_pickle=False)
        entry.read()  # the checksum is compared at the end of the entry, not before
    if array.dtype.kind == "U" and not _is_text(array):
        msg = "it holds text with characters that do not exist"
        raise ValueError(msg)
    return array


def _is_text(array: NDArray[Any]) -> bool:
    """Whether Python could make strings of it; on other numbers it fails with a SystemError."""
    kind = np.dtype(np.uint32).newbyteorder(array.dtype.byteorder)
    numbers = np.frombuffer(array.tobytes(), dtype=kind)
    return bool(((numbers < 0xD800) | ((numbers > 0xDFFF) & (numbers <= 0x10FFFF))).all())
