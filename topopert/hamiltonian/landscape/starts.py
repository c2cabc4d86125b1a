"""Where descents begin: the places where a surface may have minima."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor

from topopert.errors import InvalidInputError
from topopert.hamiltonian.surfaces import EnergySurface, MixtureSurface, row_blocks

from .pairs import neighbour_pairs
from .quasi_random import quasi_random

__all__ = ["LOW", "mean_shift", "minima_starts", "one_per_cell"]

# Starts times components of a mixture, and bounds on the number of starts: more are thinned.
_START_PAIRS = 20_000_000
_FEWEST_STARTS, _MOST_STARTS = 512, 4096
# Steps of mean-shift before Newton: each costs an eighth of a Newton step in d = 8, and draws
# the means of a cluster so close together that few are left.
_SHIFTS = 10
# Starts that share a cell of so many widths are one: no barrier fits in between.
_CELL = 0.25
# U is low where it is at most so many nats above its least value: e^{−30} is 1e-13.
LOW = 30.0
# Rays are doubled so often before a surface is said not to confine: 2⁴⁰ widths.
_DOUBLINGS = 40
_BISECTIONS = 5
_SKEW_RAYS = 32
_COVER = 4096
# Rows times components that are worked on at once: 16 MB in double precision.
_BLOCK = 1 << 21


def minima_starts(surface: EnergySurface) -> tuple[Tensor, float]:
    """Starts of descents, and how far a descent may go before it has run away.

    Of a mixture: its means and the midpoints of near neighbours, drawn together by mean-shift, by
    which U never rises. Of any other surface: its features, their midpoints, and of a quasi-random
    cover of the region where U is low the points that lie lower than their neighbours.

    Returns:
        Points (S, d), and the reach.

    Raises:
        InvalidInputError: If U does not rise by 30 nats along some ray: it does not confine.
    """
    centers = surface.features.centers
    if isinstance(surface, MixtureSurface):
        limit = min(max(_START_PAIRS // surface.n_components, _FEWEST_STARTS), _MOST_STARTS)
        starts = centers
        if len(centers) <= limit // 4:
            starts = torch.cat([centers, _midpoints(centers)])
        widths = surface.features.widths.amin()
        return mean_shift(surface, _thinned(starts, widths, limit), n_steps=_SHIFTS), math.inf
    starts = torch.cat([centers, _midpoints(centers)])
    low, high = _low_box(surface, starts)
    cover = low + (high - low) * quasi_random(_COVER, surface.latent_dim).to(low)
    with torch.no_grad():
        energy = surface.energy(cover)
    starts = torch.cat(
        [starts, cover[_lower_than_neighbours((cover - low) / (high - low), energy)]]
    )
    return starts, 100 * float((high - low).norm())


def mean_shift(surface: MixtureSurface, z: Tensor, *, n_steps: int) -> Tensor:
    """Steps of mean-shift, z ← (Σᵢ rᵢSᵢ⁻¹)⁻¹ Σᵢ rᵢSᵢ⁻¹mᵢ, by which U does not rise.

    Points that come to share a cell of a quarter of the local width are from then on one.

    Returns:
        Shape (B', d), B' ≤ B.

    References:
        Comaniciu & Meer, Mean shift: a robust approach toward feature space analysis, IEEE Trans.
        Pattern Anal. Mach. Intell. 24 (2002); Carreira-Perpiñán, Gaussian mean-shift is an EM
        algorithm, ibid. 29 (2007).
    """
    diagonal = surface.covariances.ndim == 2
    precision = surface.covariances.detach()
    precision = precision.reciprocal() if diagonal else torch.linalg.inv(precision)
    means = surface.means.detach()
    pull = precision * means if diagonal else (precision @ means[..., None]).squeeze(-1)
    for _ in range(n_steps):
        shifted, widths = [], []
        for rows in row_blocks(len(z), _BLOCK // surface.n_components):
            with torch.no_grad():
                shares = surface.responsibilities(z[rows])
            stiffness = (shares @ precision.flatten(1)).unflatten(1, precision.shape[1:])
            if diagonal:
                shifted.append((shares @ pull) / stiffness)
                stiffest = stiffness.amax(dim=1)
            else:
                shifted.append(torch.linalg.solve(stiffness, shares @ pull))
                stiffest = stiffness.diagonal(dim1=1, dim2=2).amax(dim=1)
            widths.append(stiffest.rsqrt())
        z = torch.cat(shifted)
        z = z[one_per_cell(z, torch.cat(widths))]
    return z


def one_per_cell(points: Tensor, widths: Tensor) -> Tensor:
    """The first point of each cell of a grid of about a quarter of the widths (B,), ascending.

    Of points with different widths those share a grid whose meshes have one power of two below.
    """
    if not len(points):
        return torch.zeros(0, dtype=torch.int64, device=points.device)
    mesh = torch.exp2((_CELL * widths).log2().floor())
    cells = torch.cat([(points / mesh[:, None]).round(), mesh[:, None]], dim=1)
    _, inverse = torch.unique(cells, dim=0, return_inverse=True)
    first = torch.full((int(inverse.max()) + 1,), len(points), device=points.device)
    order = torch.arange(len(points), device=points.device)
    return first.scatter_reduce(0, inverse, order, reduce="amin").sort().values


def _thinned(points: Tensor, width: Tensor, limit: int) -> Tensor:
    """At most so many of the points, one a cell, in cells as small as that allows."""
    while len(points) > limit:
        points = points[one_per_cell(points, width.expand(len(points)))]
        width = 1.2 * width
    return points


def _midpoints(centers: Tensor, n_neighbours: int = 4) -> Tensor:
    """Halfway between each centre and its nearest ones, (K, d)."""
    pairs = neighbour_pairs(centers, n_neighbours)
    return 0.5 * (centers[pairs[:, 0]] + centers[pairs[:, 1]])


def _low_box(surface: EnergySurface, origins: Tensor) -> tuple[Tensor, Tensor]:
    """The box of the rays' ends, where U is 30 nats above its least value at the origins."""
    d, width = surface.latent_dim, float(surface.features.widths.max())
    with torch.no_grad():
        energy = surface.energy(origins)
        best = energy.argsort(stable=True)[:16]
        level = float(energy[best[0]]) + LOW
        normal = torch.special.ndtri(quasi_random(_SKEW_RAYS, d).to(origins))
        eye = torch.eye(d, dtype=origins.dtype, device=origins.device)
        rays = torch.cat([eye, -eye, normal / normal.norm(dim=1, keepdim=True).clamp_min(1e-9)])
        begin = origins[best].repeat_interleave(len(rays), dim=0)
        rays = rays.repeat(len(best), 1)
        inside = torch.zeros(len(rays), dtype=origins.dtype, device=origins.device)
        outside = torch.full_like(inside, width)
        pending = torch.ones_like(inside, dtype=torch.bool)
        for _ in range(_DOUBLINGS):
            z = begin[pending] + outside[pending, None] * rays[pending]
            still = pending.clone()
            still[pending] = surface.energy(z) < level
            inside = torch.where(still, outside, inside)
            outside = torch.where(still, 2 * outside, outside)
            pending = still
            if not pending.any():
                break
        else:
            raise InvalidInputError(_unconfined(rays[pending][0], float(outside[pending][0])))
        for _ in range(_BISECTIONS):
            middle = 0.5 * (inside + outside)
            is_low = surface.energy(begin + middle[:, None] * rays) < level
            inside = torch.where(is_low, middle, inside)
            outside = torch.where(is_low, outside, middle)
    ends = begin + outside[:, None] * rays
    return ends.amin(dim=0), ends.amax(dim=0)


def _unconfined(ray: Tensor, length: float) -> str:
    direction = ", ".join(f"{x:.3g}" for x in ray.tolist())
    return (
        f"The surface does not confine: along ({direction}) U rises by less than {LOW:g} nats "
        f"over a length of {length:.3g}, so e^(−U) cannot be normalised. Add a term that grows, "
        "e.g. the prior's ½∣z∣² by `EnergyLandscape.from_potential`."
    )


def _lower_than_neighbours(points: Tensor, energy: Tensor) -> Tensor:
    """Which points lie lower than the nearest ones, bool (n,)."""
    k = 2 * points.shape[1] + 2
    _, near = KDTree(points.cpu().numpy()).query(points.cpu().numpy(), k=k + 1)
    others = energy[torch.from_numpy(np.asarray(near)[:, 1:]).to(energy.device)]  # (n, k)
    return torch.isfinite(energy) & (energy <= others.amin(dim=1))
