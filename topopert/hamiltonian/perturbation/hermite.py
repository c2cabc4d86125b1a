"""Hermite polynomials, normalised under the prior."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["hermite_values"]


def hermite_values(z: Tensor, degree: int) -> Tensor:
    """hₖ = Heₖ/√k! at each entry of z for k = 0 … degree, shape (degree + 1, *z.shape).

    E₀[hⱼ hₖ] = δⱼₖ; √(k + 1) hₖ₊₁ = z hₖ − √k hₖ₋₁.
    """
    values = [torch.ones_like(z), z]
    for k in range(1, degree):
        values.append((z * values[k] - k**0.5 * values[k - 1]) / (k + 1) ** 0.5)
    return torch.stack(values[: degree + 1])
