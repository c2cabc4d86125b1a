"""The held-out quality of an ensemble, by the unperturbed objective."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topopert.models import Ensemble, log_scale, reconstruction, reparameterize

__all__ = ["HeldOut", "evaluate"]

# Draws from the posterior per point: the Monte Carlo error of −ELBO is then far below the spread
# between seeds.
_DRAWS = 8
_BLOCK = 1024


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOut:
    """What an ensemble makes of points it was not trained on."""

    mean: NDArray[np.float64]  # posterior means, (K, N, d)
    logvar: NDArray[np.float64]  # posterior log-variances, (K, N, d)
    neg_elbo: NDArray[np.float64]  # nats per point, (K,)
    reconstruction: NDArray[np.float64]  # nats per point without constants, (K,)
    kl_per_axis: NDArray[np.float64]  # nats per point, (K, d)


@torch.no_grad()
def evaluate(
    ensemble: Ensemble,
    points: Tensor,
    *,
    likelihood: str,
    noise_variance: float,
    generator: torch.Generator,
) -> HeldOut:
    """Latents, −ELBO and its parts, block by block.

    Args:
        ensemble: K trained models.
        points: Points, shape (N, D).
        likelihood: Of the data given the decoder's answer.
        noise_variance: σ² of the decoder, in squared units of the points.
        generator: Draws the posterior's noise; all arms are given the same stream.
    """
    shape = (len(ensemble), len(points), ensemble.encode(points[:1])[0].shape[2])
    means, logvars = np.empty(shape), np.empty(shape)
    misfit, scale = np.zeros(len(ensemble)), np.zeros(len(ensemble))
    kl_per_axis = 0.0
    for start in range(0, len(points), _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = points[rows]
        mean, logvar = ensemble.encode(block)  # (K, B, d)
        for _ in range(_DRAWS):
            # One draw for all seeds: a seed's figure does not depend on those beside it.
            noise = torch.randn(mean.shape[1:], generator=generator).to(mean)
            for k, z in enumerate(reparameterize(mean, logvar, noise)):
                decoded = ensemble.decode_run(k, z)  # one at a time: each is as large as the block
                own = reconstruction(
                    block, decoded, likelihood=likelihood, noise_variance=noise_variance
                )
                misfit[k] += float(own.double().sum()) / _DRAWS
                spread = log_scale(decoded)
                if isinstance(spread, Tensor):
                    scale[k] += float(spread.double().sum()) / _DRAWS
        means[:, rows], logvars[:, rows] = mean.cpu().numpy(), logvar.cpu().numpy()
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar)
        kl_per_axis = kl_per_axis + kl.double().sum(dim=1).cpu().numpy()  # (K, d)
    n_points = len(points)
    kl_per_axis = np.asarray(kl_per_axis) / n_points
    return HeldOut(
        mean=means,
        logvar=logvars,
        neg_elbo=(misfit + scale) / n_points + kl_per_axis.sum(axis=1),
        reconstruction=misfit / n_points,
        kl_per_axis=kl_per_axis,
    )
