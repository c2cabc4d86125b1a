"""Files without pickle, there whole or not at all."""

from __future__ import annotations

from .archive import read_archive, write_archive
from .atomic import is_leftover, remove_leftovers, replacing
from .reading import read_arrays, read_json
from .saving import load, save

__all__ = [
    "is_leftover",
    "load",
    "read_archive",
    "read_arrays",
    "read_json",
    "remove_leftovers",
    "replacing",
    "save",
    "write_archive",
]
