"""One file for a record and its arrays: a zip of JSON and npy, which `numpy.load` opens too."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from topopert._checks import check_path
from topopert.errors import InvalidInputError
from topopert.readers.npz_entry import UNREADABLE

from .atomic import replacing
from .reading import MOST_TEXT, parsed_json, unpacked_arrays

__all__ = ["read_archive", "write_archive"]

_HEADER = "header.json"
_FORMAT = "topopert"
_VERSION = 1


def write_archive(
    path: str | Path, record: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write a record of plain values and its arrays; the file appears once it is complete.

    The same content gives the same bytes.

    Raises:
        InvalidInputError: If the folder does not exist, the path is one, or there is no room.
    """
    target = check_path(path, name="path")
    if target.is_dir() or not target.parent.is_dir():
        missing = "is a folder" if target.is_dir() else f"lies in no folder: make {target.parent}"
        msg = f"`{target}` {missing}. Name a file, e.g. `topology.npz`."
        raise InvalidInputError(msg)
    header = {"format": _FORMAT, "version": _VERSION, **record}
    with replacing(target) as file, zipfile.ZipFile(file, "w") as archive:
        # ZipInfo dates its entries to 1980, `writestr` with a name alone to now.
        archive.writestr(zipfile.ZipInfo(_HEADER), json.dumps(header, indent=1, allow_nan=False))
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                npy.write_array(entry, np.asarray(array), allow_pickle=False)


def read_archive(path: str | Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The record and the arrays of a file that `write_archive` wrote.

    Raises:
        InvalidInputError: If the file is missing, damaged, of another program or of a later
            version.
    """
    source = check_path(path, name="path")
    if not source.is_file():
        msg = f"There is no file `{source}`."
        raise InvalidInputError(msg)
    try:
        with zipfile.ZipFile(source) as archive:
            if _HEADER not in archive.namelist():
                raise InvalidInputError(_foreign(source))
            header = _header(archive)
            if not isinstance(header, dict) or header.get("format") != _FORMAT:
                raise InvalidInputError(_foreign(source))
            if header.get("version") != _VERSION:
                version = header.get("version")
                msg = (
                    f"`{source}` has version {version!r:.40} of topopert's format, this release "
                    f"reads version {_VERSION}. Load it with the release that wrote it."
                )
                raise InvalidInputError(msg)
            arrays = unpacked_arrays(archive, source.stat().st_size)
    except InvalidInputError:
        raise
    except UNREADABLE as err:
        reason = " ".join(str(err).split()) or type(err).__name__
        msg = f"`{source}` is damaged or no file of topopert's: {reason}. Save it again."
        raise InvalidInputError(msg) from err
    return header, arrays


def _header(archive: zipfile.ZipFile) -> Any:
    with archive.open(_HEADER) as entry:
        return parsed_json(entry.read(MOST_TEXT + 1))


def _foreign(source: Path) -> str:
    return f"`{source}` was not written by topopert.save. Pass a file that was."
