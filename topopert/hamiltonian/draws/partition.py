"""Trial functions for variational levels: linear ones on a softmax partition of unity."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from topopert.hamiltonian.surfaces import row_blocks

__all__ = ["BasinShares", "PartitionBasis", "TrialBasis", "k_means"]

_LLOYD_ROUNDS = 12
# Rows times functions times (d + 1) that are worked on at once: 16 MB in double precision.
_BLOCK = 1 << 21


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartitionBasis:
    """The functions χⱼ(z) · {1, (z − cⱼ)/s} and the squares and products of the coordinates.

    χ = softmaxⱼ(−∣(z − cⱼ)/s∣²/2σ²). The χⱼ sum to 1, so that constants and linear functions lie
    in the span. Polynomials alone would fit noise where p has barriers, and the partition alone
    is coarse where a mode is smooth.
    """

    centers: Tensor  # cⱼ, (J, d)
    scale: Tensor  # s, of each axis, (d,)
    width: float  # σ
    origin: Tensor  # of the products, (d,)
    spread: Tensor  # their unit, (d,)
    with_products: bool

    @property
    def n_functions(self) -> int:
        """Number of functions."""
        n_centers, d = self.centers.shape
        return n_centers * (d + 1) + self._pairs().shape[1]

    def values(self, z: Tensor) -> Tensor:
        """The functions at z (B, d), shape (B, n_functions), differentiable."""
        away = (z[:, None] - self.centers) / self.scale  # (B, J, d)
        shares = (-0.5 * away.square().sum(dim=-1) / self.width**2).softmax(dim=1)  # (B, J)
        a, b = self._pairs()
        y = (z - self.origin) / self.spread
        linear = (shares[..., None] * away).flatten(1)
        return torch.cat([shares, linear, y[:, a] * y[:, b]], dim=1)

    def gradients(self, z: Tensor) -> Tensor:
        """Their gradients at z (B, d), shape (B, d, n_functions)."""
        n, d = z.shape
        n_centers = len(self.centers)
        away = (z[:, None] - self.centers) / self.scale  # (B, J, d)
        shares = (-0.5 * away.square().sum(dim=-1) / self.width**2).softmax(dim=1)
        slope = (_share_slopes(shares, away) / (self.width**2 * self.scale)).transpose(1, 2)
        gradients = z.new_empty(n, d, self.n_functions)  # (B, l, F), ∂/∂z_l
        gradients[:, :, :n_centers] = slope
        linear = gradients[:, :, n_centers : n_centers * (d + 1)].unflatten(2, (n_centers, d))
        torch.mul(slope[..., None], away[:, None], out=linear)  # ∂χⱼ/∂z_l · y_jk
        linear.diagonal(dim1=1, dim2=3).add_(shares[..., None] / self.scale)
        a, b = self._pairs()
        y = (z - self.origin) / self.spread
        units = torch.diag(1 / self.spread)  # ∂y_k/∂z_l, (k, l)
        products = gradients[:, :, n_centers * (d + 1) :]
        products.copy_(y[:, None, a] * units.T[:, b] + y[:, None, b] * units.T[:, a])
        return gradients

    def _pairs(self) -> Tensor:
        d = self.centers.shape[1]
        pairs = torch.triu_indices(d, d, device=self.centers.device)
        return pairs if self.with_products else pairs[:, :0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BasinShares:
    """The share of each basin, which changes over on the barriers as sharply as a mode does.

    Two centres lie on either side of each saddle, along its unstable direction. Between two
    centres at a distance L the shares of a softmax of width σ change over within σ²/L.

    References:
        Bovier, Eckhoff, Gayrard & Klein, Metastability in reversible diffusion processes I, J.
        Eur. Math. Soc. 6 (2004): erf(x √(∣μ∣/2)) is how a mode crosses a saddle of curvature μ.
    """

    centers: Tensor  # (J, d)
    scale: Tensor  # (d,)
    members: Tensor  # 1 where a centre belongs to a basin, (J, C)
    sharpness: tuple[float, ...]  # 1/σ², one for each family of shares

    @property
    def n_functions(self) -> int:
        """Number of functions; the last basin has what the others leave."""
        return len(self.sharpness) * (self.members.shape[1] - 1)

    def values(self, z: Tensor) -> Tensor:
        """The shares at z (B, d), shape (B, n_functions), differentiable."""
        half_square = 0.5 * ((z[:, None] - self.centers) / self.scale).square().sum(dim=-1)
        parts = [
            (-half_square * sharpness).softmax(dim=1) @ self.members[:, :-1]
            for sharpness in self.sharpness
        ]
        return torch.cat(parts, dim=1)

    def gradients(self, z: Tensor) -> Tensor:
        """Their gradients at z (B, d), shape (B, d, n_functions)."""
        away = (z[:, None] - self.centers) / self.scale  # (B, J, d)
        half_square = 0.5 * away.square().sum(dim=-1)
        parts = []
        for sharpness in self.sharpness:
            shares = (-half_square * sharpness).softmax(dim=1)
            slope = _share_slopes(shares, away) * (sharpness / self.scale)
            parts.append(slope.transpose(1, 2) @ self.members[:, :-1])
        return torch.cat(parts, dim=2)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrialBasis:
    """Families of functions as one list."""

    families: tuple[PartitionBasis | BasinShares, ...]

    @property
    def n_functions(self) -> int:
        """Number of functions."""
        return sum(family.n_functions for family in self.families)

    def values(self, z: Tensor) -> Tensor:
        """The functions at z (B, d), shape (B, n_functions), differentiable."""
        return torch.cat([family.values(z) for family in self.families], dim=1)

    def gradients(self, z: Tensor) -> Tensor:
        """Their gradients at z (B, d), shape (B, d, n_functions)."""
        parts = [family.gradients(z) for family in self.families]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)

    def block(self, latent_dim: int) -> int:
        """How many rows of codes are worth one pass."""
        return max(1, _BLOCK // (self.n_functions * (latent_dim + 1)))


def _share_slopes(shares: Tensor, away: Tensor) -> Tensor:
    """χⱼ(Σᵢ χᵢyᵢ − yⱼ), the gradients of a softmax whose exponents have gradients −y."""
    mean = (shares[..., None] * away).sum(dim=1, keepdim=True)
    return shares[..., None] * (mean - away)


def k_means(
    points: Tensor, n_centers: int, *, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Lloyd's centres (J, d) of points (n, d), and the cell of each point, (n,)."""
    order = torch.randperm(len(points), generator=generator, device=generator.device)
    centers = points[order[:n_centers].to(points.device)]
    cell = _nearest(points, centers)
    for _ in range(_LLOYD_ROUNDS):
        counts = torch.bincount(cell, minlength=len(centers))
        sums = torch.zeros_like(centers).index_add_(0, cell, points)
        # A centre that has lost all its points stays where it is.
        centers = torch.where(counts[:, None] > 0, sums / counts[:, None].clamp(min=1), centers)
        cell = _nearest(points, centers)
    return centers, cell


def _nearest(points: Tensor, centers: Tensor) -> Tensor:
    half_norm = 0.5 * centers.square().sum(dim=1)
    return torch.cat(
        [
            (half_norm - points[rows] @ centers.T).argmin(dim=1)
            for rows in row_blocks(len(points), _BLOCK // len(centers))
        ]
    )
