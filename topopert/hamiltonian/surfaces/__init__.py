"""Energy surfaces U(z): of a trained model's posterior, of a potential, of any function."""

from __future__ import annotations

from .function_surface import FunctionSurface
from .mixture_surface import MixtureSurface
from .posterior_surface import posterior_surface
from .surface import Derivatives, EnergySurface, Features, row_blocks
from .tilted_surface import TiltedSurface

__all__ = [
    "Derivatives",
    "EnergySurface",
    "Features",
    "FunctionSurface",
    "MixtureSurface",
    "TiltedSurface",
    "posterior_surface",
    "row_blocks",
]
