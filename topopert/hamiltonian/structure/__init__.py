"""Spectra of potentials whose symmetry leaves few dimensions to solve."""

from __future__ import annotations

from .structure import structured_spectrum

__all__ = [
    "structured_spectrum",
]
