"""Points that cover the unit cube evenly, the same ones at every call."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["quasi_random"]


def quasi_random(n: int, d: int) -> Tensor:
    """The first n points of Sobol's sequence after its corner and its centre, (n, d).

    The corner is no quantile of a Gaussian, and the centre, as a direction, none either.
    """
    engine = torch.quasirandom.SobolEngine(d)
    engine.fast_forward(2)
    return engine.draw(n, dtype=torch.float64)
