"""Data from files, one format a module: a table of numbers and the columns to colour it by."""

from __future__ import annotations

from .reading import SUFFIXES, read_table
from .table import MAX_CELLS, Table

__all__ = ["MAX_CELLS", "SUFFIXES", "Table", "read_table"]
