"""A report as one self-contained page for any browser."""

from __future__ import annotations

from .page import write_page

__all__ = ["write_page"]
