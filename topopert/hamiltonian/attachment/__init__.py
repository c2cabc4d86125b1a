"""The energy term in training loops that one does not own."""

from __future__ import annotations

from .attach import Attachment, attach

__all__ = [
    "Attachment",
    "attach",
]
