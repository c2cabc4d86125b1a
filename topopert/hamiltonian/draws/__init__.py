"""Spectra in any dimension by a variational basis on draws."""

from __future__ import annotations

from .ritz import ritz_spectrum

__all__ = [
    "ritz_spectrum",
]
