"""Files without pickle, there whole or not at all."""

from __future__ import annotations

from .archive import read_archive, write_archive
from .atomic import replacing
from .saving import load, save

__all__ = ["load", "read_archive", "replacing", "save", "write_archive"]
