"""The string method: paths relaxed until they lie in a valley and cross its passes."""

from __future__ import annotations

import torch
from torch import Tensor

from topopert.hamiltonian.surfaces import EnergySurface

from .stationary import flow_step

__all__ = ["relaxed_strings", "respaced"]


def relaxed_strings(
    surface: EnergySurface, begins: Tensor, ends: Tensor, *, n_points: int = 17, n_steps: int = 12
) -> Tensor:
    """Strings from begins to ends (P, d), moved down the flow and spaced evenly, (P, n, d).

    References:
        E, Ren & Vanden-Eijnden, Simplified and improved string method, J. Chem. Phys. 126 (2007).
    """
    share = torch.linspace(0, 1, n_points, dtype=begins.dtype, device=begins.device)
    strings = begins[:, None] + share[:, None] * (ends - begins)[:, None]
    n_strings, _, d = strings.shape
    for _ in range(n_steps):
        inner = strings[:, 1:-1].reshape(-1, d)
        here = surface.derivatives(inner)
        curvatures, axes = torch.linalg.eigh(here.hessian)
        tangents = (strings[:, 2:] - strings[:, :-2]).reshape(-1, d)
        tangents = tangents / tangents.norm(dim=1, keepdim=True).clamp_min(1e-300)
        time = 2 / curvatures.abs().amax(dim=1).clamp_min(1e-12)
        step = flow_step(curvatures, axes, here.gradient, time)
        # What moves along the string is undone by the spacing, and would only tear at it.
        step = step - (step * tangents).sum(dim=1, keepdim=True) * tangents
        spacing = (strings[:, 1:] - strings[:, :-1]).norm(dim=2).mean(dim=1)
        limit = spacing.repeat_interleave(n_points - 2)[:, None]
        step = step * (limit / step.norm(dim=1, keepdim=True).clamp_min(1e-300)).clamp(max=1.0)
        step = torch.nan_to_num(step, nan=0.0)
        moved = (inner + step).reshape(n_strings, n_points - 2, d)
        strings = respaced(torch.cat([strings[:, :1], moved, strings[:, -1:]], dim=1), n_points)
    return strings


def respaced(paths: Tensor, n_points: int) -> Tensor:
    """Points at equal arc length on the polygons (P, n, d), shape (P, n_points, d)."""
    pieces = (paths[:, 1:] - paths[:, :-1]).norm(dim=2)  # (P, n−1)
    length = torch.cat([pieces.new_zeros(len(pieces), 1), pieces.cumsum(dim=1)], dim=1)
    share = torch.linspace(0, 1, n_points, dtype=paths.dtype, device=paths.device)
    wanted = (share * length[:, -1:]).contiguous()
    piece = torch.searchsorted(length.contiguous(), wanted, right=True) - 1
    piece = piece.clamp(0, pieces.shape[1] - 1)
    within = (wanted - length.gather(1, piece)) / pieces.gather(1, piece).clamp_min(1e-300)
    index = piece[..., None].expand(-1, -1, paths.shape[2])
    begin, end = paths.gather(1, index), paths.gather(1, index + 1)
    return begin + within.clamp(0, 1)[..., None] * (end - begin)
