"""The record of a spectrum, and what all solvers share."""

from __future__ import annotations

from .record import Spectrum, WeightedNodes

__all__ = [
    "Spectrum",
    "WeightedNodes",
]
