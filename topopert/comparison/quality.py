"""The held-out quality of an ensemble, by the unperturbed objective."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topopert.models import Ensemble, gaussian_reconstruction, reparameterize

__all__ = ["HeldOut", "evaluate"]

# Draws from the posterior per point: the Monte Carlo error of −ELBO is then far below the spread
# between seeds.
_DRAWS = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOut:
    """What an ensemble makes of points it was not trained on."""

    mean: NDArray[np.float64]  # posterior means, (K, N, d)
    neg_elbo: NDArray[np.float64]  # nats per point, (K,)
    kl_per_axis: NDArray[np.float64]  # nats per point, (K, d)


def evaluate(
    ensemble: Ensemble, points: Tensor, *, noise_variance: float, generator: torch.Generator
) -> HeldOut:
    """Latents, −ELBO and its parts, block by block.

    Args:
        ensemble: K trained models.
        points: Points, shape (N, D).
        noise_variance: σ² of the decoder, in squared units of the points.
        generator: Draws the posterior's noise; all arms are given the same stream.
    """
    means, neg_elbo, kl_per_axis = [], 0.0, 0.0
    for block in points.split(1024):
        mean, logvar = ensemble.encode(block)  # (K, B, d)
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar)
        reconstruction = torch.zeros(mean.shape[:2], device=mean.device)  # (K, B)
        for _ in range(_DRAWS):
            noise = torch.randn(mean.shape, generator=generator).to(mean)
            decoded = ensemble.decode(reparameterize(mean, logvar, noise))
            reconstruction += gaussian_reconstruction(block, decoded, noise_variance) / _DRAWS
        means.append(mean)
        kl_per_axis = kl_per_axis + kl.double().sum(dim=1)  # (K, d)
        neg_elbo = neg_elbo + reconstruction.double().sum(dim=1) + kl.double().sum(dim=(1, 2))
    return HeldOut(
        mean=torch.cat(means, dim=1).double().cpu().numpy(),
        neg_elbo=_per_point(neg_elbo, len(points)),
        kl_per_axis=_per_point(kl_per_axis, len(points)),
    )


def _per_point(total: Tensor | float, n_points: int) -> NDArray[np.float64]:
    return (torch.as_tensor(total) / n_points).cpu().numpy()
