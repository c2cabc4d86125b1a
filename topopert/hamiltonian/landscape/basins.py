"""The basins of the minima: which one a point flows down to, and how much each weighs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from topopert.hamiltonian.surfaces import EnergySurface, MixtureSurface, row_blocks

from .minima import matches
from .quasi_random import quasi_random
from .saddles import segment_peaks
from .stationary import StationaryPoints, follow_flow

__all__ = ["BasinWeights", "basin_labels", "importance_sample", "sampled_weights"]

# How near the flow line is followed: farther than this a point by a ridge may cross it.
_FLOW_TOLERANCE = 0.1
# Points that flow at a time.
_BLOCK = 4096
# The harmonic half of the sample is drawn so much wider than e^{−U/T} at the minima.
_INFLATION = 1.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BasinWeights:
    """The share of e^{−U/T} in each basin."""

    weights: Tensor  # (M,), sum 1
    errors: Tensor  # one standard error, (M,), as of a random sample of the same size


def basin_labels(surface: EnergySurface, minima: StationaryPoints, z: Tensor) -> Tensor:
    """The minimum that the flow dz/dt = −∇U leads to from each point z (B, d), int64 (B,).

    A point whose flow ends at none of the minima (on a ridge, on the floor of a flat valley, in a
    dimple that was not found) is given the minimum to which the straight way climbs least.
    """
    parts = []
    for rows in row_blocks(len(z), _BLOCK):
        rests = follow_flow(surface, z[rows], tolerance=_FLOW_TOLERANCE)
        labels = matches(rests.points, minima)
        for stray in (labels < 0).nonzero().squeeze(1).tolist():
            begins = rests.points[stray].expand(len(minima), -1)
            labels[stray] = segment_peaks(surface, begins, minima.points).heights.argmin()
        parts.append(labels)
    return torch.cat(parts)


def sampled_weights(
    surface: EnergySurface, minima: StationaryPoints, temperature: float, *, n_points: int
) -> BasinWeights:
    """Weights of the basins by an importance sample, labelled point by point."""
    z, log_ratio = importance_sample(surface, minima, temperature, n_points=n_points)
    ratio = log_ratio.softmax(dim=0)
    labels = basin_labels(surface, minima, z)
    weights = ratio.new_zeros(len(minima)).index_add(0, labels, ratio)
    inside = torch.nn.functional.one_hot(labels, len(minima)).to(ratio)
    errors = ((inside - weights) * ratio[:, None]).square().sum(dim=0).sqrt()
    return BasinWeights(weights=weights, errors=errors)


def importance_sample(
    surface: EnergySurface, minima: StationaryPoints, temperature: float, *, n_points: int
) -> tuple[Tensor, Tensor]:
    """Quasi-random points, the same every time, that stand for e^{−U/T}.

    Half of the points are drawn from Gaussians at the surface's features, of a mixture its
    components, and half from the harmonic approximation at the minima, widened.

    Returns:
        Points (n, d), and log(e^{−U/T}/density) of each, (n,): the mean of its exponential is
        ∫e^{−U/T}.

    References:
        Owen & Zhou, Safe and effective importance sampling, J. Am. Stat. Assoc. 95 (2000).
    """
    features = surface.features
    weights = surface.weights.detach() if isinstance(surface, MixtureSurface) else None
    widths = max(1.0, temperature) ** 0.5 * features.widths
    near_features = MixtureSurface(features.centers, widths.square(), weights)
    floor = 1e-6 * minima.curvatures.abs().amax(dim=1, keepdim=True)
    variances = _INFLATION**2 * temperature / torch.maximum(minima.curvatures, floor)
    depth = -(minima.energies - minima.energies.min()) / temperature
    shares = (depth + 0.5 * variances.log().sum(dim=1)).softmax(dim=0)
    # A basin that is all but empty is visited too: its weight would else be exactly 0.
    shares = 0.5 * shares + 0.5 / len(shares)
    covariances = (minima.axes * variances[:, None]) @ minima.axes.mT
    near_minima = MixtureSurface(minima.points, covariances, shares)
    cover = quasi_random(n_points, surface.latent_dim + 1).to(minima.points)
    normal = torch.special.ndtri(cover[:, 1:])
    half = n_points // 2
    chosen = _chosen(near_features.weights, cover[:half, 0])
    first = features.centers[chosen] + widths[chosen] * normal[:half]
    chosen = _chosen(shares, cover[half:, 0])
    spread = variances[chosen].sqrt() * normal[half:]
    second = minima.points[chosen] + (minima.axes[chosen] @ spread[..., None]).squeeze(-1)
    z = torch.cat([first, second])
    share = half / n_points
    with torch.no_grad():
        density = torch.logaddexp(
            math.log(share) - near_features.energy(z), math.log1p(-share) - near_minima.energy(z)
        )
        return z, -surface.energy(z) / temperature - density


def _chosen(weights: Tensor, level: Tensor) -> Tensor:
    return torch.searchsorted(weights.cumsum(dim=0), level.contiguous()).clamp(
        max=len(weights) - 1
    )
