"""The prior tilted by a potential, its normaliser and its draws."""

from __future__ import annotations

from .prior import tilted_prior
from .tilt_solution import SamplingReport
from .tilted_gaussian import TiltedGaussian
from .tilted_prior import TiltedPrior

__all__ = [
    "SamplingReport",
    "TiltedGaussian",
    "TiltedPrior",
    "tilted_prior",
]
