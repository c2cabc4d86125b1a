"""Reading of JSON and arrays that someone may have changed: bounded, and no code in them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any, NoReturn

from numpy.typing import NDArray

from topopert.errors import InvalidInputError
from topopert.readers.npz_entry import UNREADABLE, check_entries, read_entry

__all__ = ["MOST_TEXT", "parsed_json", "read_arrays", "read_json", "unpacked_arrays"]

MOST_TEXT = 2**26  # bytes of JSON; a report of 100 seeds has a hundredth of it
# What is smaller may be compressed as well as it likes; what is larger was written by us, and
# numbers do not compress that well.
_SMALL, _MOST_COMPRESSED = 2**29, 20  # bytes; times
_KINDS = "biufU"  # of what we write


def parsed_json(text: bytes) -> Any:
    """The value of JSON in UTF-8 as we write it.

    Raises:
        ValueError: If it is none, holds NaN, infinity or half a character, is nested deeper than
            Python follows or longer than 64 MB.
    """
    if len(text) > MOST_TEXT:
        msg = f"{len(text):,} bytes of JSON are more than the {MOST_TEXT:,} that are read"
        raise ValueError(msg)
    try:
        value = json.loads(text, parse_constant=_refuse)
    except RecursionError as err:
        msg = "its JSON is nested too deeply"
        raise ValueError(msg) from err
    if b"\\ud" in text.lower():
        json.dumps(value, ensure_ascii=False).encode()
    return value


def read_json(path: Path) -> Any:
    """The value of a JSON file as we write it.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is no regular file, or `parsed_json` refuses it.
    """
    _check_regular(path)
    with path.open("rb") as file:
        return parsed_json(file.read(MOST_TEXT + 1))


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an npz file by name.

    Raises:
        InvalidInputError: If it is missing, damaged, holds Python objects, or would inflate to
            many times its own size.
    """
    try:
        _check_regular(path)
        with zipfile.ZipFile(path) as archive:
            return unpacked_arrays(archive, path.stat().st_size)
    except UNREADABLE as err:
        msg = f"`{path}` cannot be read: {' '.join(str(err).split()) or type(err).__name__}."
        raise InvalidInputError(msg) from err


def unpacked_arrays(archive: zipfile.ZipFile, n_bytes: int) -> dict[str, NDArray[Any]]:
    """The arrays of a zip by name, its other entries unread.

    Args:
        archive: The zip, open.
        n_bytes: Its own size.

    Raises:
        Exception: One of `UNREADABLE`, if it is damaged, holds Python objects, or would inflate
            to many times its own size.
    """
    check_entries(archive)
    total = sum(info.file_size for info in archive.infolist())
    if total > max(_SMALL, _MOST_COMPRESSED * n_bytes):
        msg = (
            f"its {n_bytes:,} bytes would inflate to {total:,}; more than {_MOST_COMPRESSED} "
            f"times its size is read up to {_SMALL:,} bytes only"
        )
        raise ValueError(msg)
    arrays = {}
    for name in archive.namelist():
        if name.endswith(".npy"):
            array = read_entry(archive, name)
            if array.dtype.kind not in _KINDS:
                msg = f"{name[:60]!r} holds {array.dtype}, neither real numbers nor text"
                raise ValueError(msg)
            arrays[name.removesuffix(".npy")] = array
    return arrays


def _check_regular(path: Path) -> None:
    """Opening a pipe would wait for ever."""
    if path.exists() and not path.is_file():
        msg = f"`{path}` is no regular file"
        raise ValueError(msg)


def _refuse(constant: str) -> NoReturn:
    msg = f"{constant} is no JSON"
    raise ValueError(msg)
