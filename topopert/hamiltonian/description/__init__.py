"""What a spectrum says: clusters, loops, and a label for every mode."""

from __future__ import annotations

from .describe import describe_spectrum
from .loops import Loop
from .record import Mode, SpectrumDescription

__all__ = [
    "Loop",
    "Mode",
    "SpectrumDescription",
    "describe_spectrum",
]
