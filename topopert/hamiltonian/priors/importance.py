"""The constant of a tilt by importance sampling, and how its proposal serves as a sampler."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .mixture import Mixture
from .tilt import Tilt

__all__ = ["ImportanceEstimate", "estimate_constant"]

_BLOCK = 4096
_MAX_DRAWS = 1 << 18
_TOLERANCE = 2e-3  # nats, the standard error at which drawing stops


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImportanceEstimate:
    """What weighted draws say about a tilt, for each of b data."""

    log_constant: Tensor  # log ∫ N(z; loc, scale²) e^{−E} dz, (b,), nats
    error: Tensor  # its standard error, (b,), nats
    n_effective: Tensor  # Kish's effective number of draws, (b,)
    largest_weight: Tensor  # of a draw, over the mean weight, (b,)
    acceptance: Tensor  # of a Metropolis sampler with this proposal, once it is stationary, (b,)


def estimate_constant(
    tilt: Tilt, mixture: Mixture, generator: torch.Generator
) -> ImportanceEstimate:
    """The constant of the tilt from draws of the mixture, until its error is 0.002 nats.

    Args:
        tilt: The unnormalised density.
        mixture: What is drawn from.
        generator: For the draws.
    """
    log_weights = []  # of each block, (n, b)
    while True:
        z = mixture.sample(_BLOCK, generator)
        log_weights.append(tilt.log_density(z) - mixture.log_density(z))
        log_weight = torch.cat(log_weights)
        n = len(log_weight)
        n_effective = (2 * log_weight.logsumexp(0) - (2 * log_weight).logsumexp(0)).exp()  # (b,)
        # The relative variance of the mean weight is (n/n_effective − 1)/(n − 1).
        error = ((n / n_effective - 1) / (n - 1)).clamp(min=0).sqrt()
        if float(error.max()) <= _TOLERANCE or n >= _MAX_DRAWS:
            break
    mean_log = log_weight.logsumexp(dim=0) - math.log(n)  # (b,)
    relative = (log_weight - mean_log).exp().sort(dim=0).values  # (n, b), mean 1
    # Σᵢⱼ min(wᵢ, wⱼ)/n², as the k-th smallest of n is the smaller of the two in 2(n − k) + 1.
    ranks = torch.arange(n, dtype=relative.dtype, device=relative.device)[:, None]
    acceptance = (relative * (2 * (n - ranks) - 1)).sum(dim=0) / n**2
    return ImportanceEstimate(
        log_constant=mean_log,
        error=error,
        n_effective=n_effective,
        largest_weight=relative[-1],
        acceptance=acceptance,
    )
