"""A surface that depends on r coordinates and the distance from their space."""

from __future__ import annotations

import torch
from torch import Tensor

from topopert.hamiltonian.surfaces import EnergySurface, Features

__all__ = ["RadialSurface"]


class RadialSurface(EnergySurface):
    """U(z∥, ρ) − a log √(1 + ρ²), the energy of the density pρᵃ far out, on R^(r+1).

    Args:
        surface: U, unchanged by rotations of the complement.
        parallel: Orthonormal columns, (d, r).
        across: A unit vector orthogonal to them, (d,).
        power: a ≥ 0; 0 leaves U itself.
    """

    def __init__(
        self, surface: EnergySurface, parallel: Tensor, across: Tensor, *, power: float = 0.0
    ) -> None:
        self.surface, self.power = surface, power
        self.frame = torch.cat([parallel, across[:, None]], dim=1)  # (d, r + 1)
        self.latent_dim = self.frame.shape[1]

    @property
    def device(self) -> torch.device:
        """Where the surface's tensors are."""
        return self.surface.device

    @property
    def features(self) -> Features:
        """Those of U, and one that reaches as far as pρᵃ does."""
        own = self.surface.features
        centers = own.centers @ self.frame[:, :-1]
        radius = own.centers.square().sum(dim=1) - centers.square().sum(dim=1)
        places = torch.cat([centers, radius.clamp(min=0).sqrt()[:, None]], dim=1)
        widths = own.widths.amin(dim=1, keepdim=True).expand(-1, self.latent_dim)
        far = places.new_zeros(1, self.latent_dim)
        return Features(
            centers=torch.cat([places, far]),
            widths=torch.cat([widths, far + (1 + self.power) ** 0.5]),
        )

    def energy(self, z: Tensor) -> Tensor:
        """The energy at (z∥, ρ), shape (B, r + 1) to (B,)."""
        own = self.surface.energy(z @ self.frame.T)
        return own - 0.5 * self.power * torch.log1p(z[:, -1].square())

    def pull(self, z: Tensor) -> Tensor:
        """(∂U/∂ρ)/ρ at (z∥, ρ > 0), shape (B,)."""
        slope = self.surface.energy_and_gradient(z @ self.frame.T)[1]
        return slope @ self.frame[:, -1] / z[:, -1]
