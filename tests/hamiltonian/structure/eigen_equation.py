"""Whether modes obey the eigenvalue equation, by automatic differentiation."""

from __future__ import annotations

import torch

from topopert.hamiltonian.spectra import Spectrum

__all__ = ["eigen_residual", "frame"]


def frame(d: int, seed: int = 0) -> torch.Tensor:
    """Random orthonormal columns, (d, d)."""
    draw = torch.randn(d, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return torch.linalg.qr(draw).Q


def eigen_residual(spectrum: Spectrum, z: torch.Tensor) -> torch.Tensor:
    """−T Δf + ∇U·∇f − E f at z, (B, K): 0 for a mode, whatever the solver was."""
    z = z.clone().requires_grad_()
    modes = spectrum.modes(z)
    force = spectrum.surface.gradient(z)
    rows = []
    for k in range(modes.shape[1]):
        (slope,) = torch.autograd.grad(
            modes[:, k].sum(), z, create_graph=True, materialize_grads=True
        )
        bend = sum(
            torch.autograd.grad(slope[:, i].sum(), z, retain_graph=True, materialize_grads=True)[
                0
            ][:, i]
            if slope.requires_grad
            else 0.0
            for i in range(z.shape[1])
        )
        level = spectrum.levels[k]
        rows.append(-spectrum.temperature * bend + (force * slope).sum(1) - level * modes[:, k])
    return torch.stack(rows, dim=1).detach()
