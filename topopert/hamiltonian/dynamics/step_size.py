"""The step that an energy surface allows: from its stiffness and its narrowest feature."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from topopert.hamiltonian.surfaces import EnergySurface, MixtureSurface

__all__ = ["SurfaceScales", "surface_scales"]

_N_PROBES = 32  # centres, and as many starts, whose Hessians are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceScales:
    """What limits a step on a surface."""

    stiffness: float  # largest curvature where walkers go, per unit of length²
    width: float  # narrowest feature

    def overdamped_step(self, temperature: float) -> float:
        """The step h = min(1/κ, w²/T)/10 of dz = −∇U dt + √(2T) dW.

        In a parabola of curvature κ Euler's variance is then at most 5 % too large, and a step's
        noise at most 0.45 of the narrowest width w.
        """
        return 0.1 * min(1 / self.stiffness, self.width**2 / temperature)

    def underdamped_step(self, temperature: float) -> float:
        """The step h = 0.3 min(1/√κ, w/√T) for walkers of mass 1.

        That is a twentieth of the fastest period, and what a walker of the mean square velocity
        covers is 0.3 of the narrowest width.
        """
        return 0.3 * min(self.stiffness**-0.5, self.width / math.sqrt(temperature))


def surface_scales(surface: EnergySurface, z: Tensor, temperature: float) -> SurfaceScales:
    """The stiffness and the narrowest width of a surface, without drawing anything.

    The stiffness of a mixture is at most its largest precision, which is taken. Of any other
    surface it is the largest eigenvalue of Hessians: at up to 32 of the features, the narrowest
    among them, at up to 32 of the starts, and two thermal standard deviations, or feature widths
    if these are less, to either side of all these along each principal axis.

    Args:
        surface: U.
        z: Where walkers start, shape (B, d), double precision.
        temperature: T > 0.
    """
    features = surface.features
    width = float(features.widths.amin())
    if isinstance(surface, MixtureSurface):
        covariances = surface.covariances.detach()
        variances = (
            covariances if covariances.ndim == 2 else torch.linalg.eigvalsh(covariances)
        )  # (N, d)
        return SurfaceScales(stiffness=1 / float(variances.amin()), width=width)
    narrowest_first = features.widths.amin(dim=1).argsort()
    centers = features.centers[_spread(narrowest_first, _N_PROBES)]
    starts = z[_spread(torch.arange(len(z), device=z.device), _N_PROBES)]
    probes = torch.cat([centers, starts])
    hessians, finite = _finite_hessians(surface, probes)
    values, axes = torch.linalg.eigh(hessians)  # (P, d), (P, d, d)
    reach = 2 * (temperature / values.clamp(min=temperature / width**2)).sqrt()  # (P, d)
    shifts = (axes * reach[:, None]).mT  # (P, d, d), one shift a row
    base = probes[finite][:, None]
    beside = torch.cat([base + shifts, base - shifts], dim=1).flatten(0, 1)
    around = torch.linalg.eigvalsh(_finite_hessians(surface, beside)[0])
    # A surface that is flat or a hill wherever one looks still has its width.
    least = values.new_tensor([1e-3 / width**2])
    largest = torch.cat([values.flatten(), around.flatten(), least]).amax()
    return SurfaceScales(stiffness=float(largest), width=width)


def _finite_hessians(surface: EnergySurface, z: Tensor) -> tuple[Tensor, Tensor]:
    """The Hessians where the surface has one, (P, d, d), and where that is, boolean."""
    hessians = surface.derivatives(z).hessian
    finite = hessians.flatten(1).isfinite().all(dim=1)
    return hessians[finite], finite


def _spread(indices: Tensor, n: int) -> Tensor:
    """At most n of the indices, evenly spread, the first and the last among them."""
    if len(indices) <= n:
        return indices
    places = torch.linspace(0, len(indices) - 1, n, dtype=torch.float64, device=indices.device)
    return indices[places.round().long()]
