"""The text of a record of metrics: one line each."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["metric_lines"]


def metric_lines(record: DataclassInstance) -> str:
    """Name and estimate of every field, a line each, aligned."""
    names = [field.name for field in fields(record)]
    width = max(map(len, names))
    return "\n".join(f"{name:<{width}}  {getattr(record, name)}" for name in names)
