"""What every energy surface U(z) is: values, derivatives, and where it bends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from topopert.errors import InvalidInputError

__all__ = ["Derivatives", "EnergySurface", "Features", "TemperedSurface", "row_blocks"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Derivatives:
    """A surface's energy and its first two derivatives at B points, in double precision."""

    energy: Tensor  # U, (B,), nats
    gradient: Tensor  # ∇U, (B, d)
    hessian: Tensor  # ∇²U, (B, d, d), symmetric


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Features:
    """Where a surface may bend, so that no grid is laid and no descent begun beside it."""

    centers: Tensor  # (F, d)
    widths: Tensor  # the length over which U bends there, along each axis, (F, d)


class EnergySurface(ABC):
    """An energy U(z) in nats whose density is e^{−U} up to a constant.

    Values are in double precision on the device of the surface's own tensors. `energy` can be
    differentiated in z and in what the surface was made of; all else is computed without a graph.
    """

    latent_dim: int
    features_are_complete: bool = False  # whether U bends at its features alone

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where the surface's tensors are."""

    @property
    @abstractmethod
    def features(self) -> Features:
        """The places where U may bend, detached."""

    @abstractmethod
    def energy(self, z: Tensor) -> Tensor:
        """U at z (B, d) in double precision, shape (B,), in nats.

        Raises:
            InvalidInputError: If the energy is NaN somewhere, or of another shape.
        """

    def derivatives(self, z: Tensor) -> Derivatives:
        """U, ∇U and ∇²U at z (B, d), without a graph; by automatic differentiation here."""
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            energy = self.energy(z)
            gradient = _gradient(energy.sum(), z, create_graph=True)
            # Rows are independent: the gradient of a sum over rows holds each row's own.
            rows = [_gradient(gradient[:, k].sum(), z) for k in range(self.latent_dim)]
        hessian = torch.stack(rows, dim=1).detach()
        return Derivatives(
            energy=energy.detach(),
            gradient=gradient.detach(),
            hessian=0.5 * (hessian + hessian.mT),
        )

    def gradient(self, z: Tensor) -> Tensor:
        """∇U at z (B, d), without a graph, shape (B, d)."""
        return self.energy_and_gradient(z)[1]

    def energy_and_gradient(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """U (B,) and ∇U (B, d) at z (B, d), without a graph, in one pass."""
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            energy = self.energy(z)
            return energy.detach(), _gradient(energy.sum(), z).detach()

    def on_grid(self, axes: list[Tensor]) -> Tensor:
        """U at the nodes of a rectangular grid, without a graph.

        Args:
            axes: The coordinates along each axis, d tensors (n₁,) … (n_d,).

        Returns:
            Shape (n₁, …, n_d), in nats.
        """
        with torch.no_grad():
            nodes = torch.cartesian_prod(*axes).reshape(-1, self.latent_dim)
            energies = [self.energy(nodes[rows]) for rows in row_blocks(len(nodes), 1 << 16)]
        return torch.cat(energies).reshape([len(axis) for axis in axes])

    def tempered(self, temperature: float) -> EnergySurface:
        """The surface U/T, whose density e^{−U/T} is stationary at temperature T."""
        return self if temperature == 1.0 else TemperedSurface(self, temperature)

    def checked_codes(self, z: Tensor) -> Tensor:
        """Codes in the surface's type and place.

        Raises:
            InvalidInputError: If z is not a floating-point tensor of shape (B, d).
        """
        if not isinstance(z, Tensor) or not z.is_floating_point():
            given = z.dtype if isinstance(z, Tensor) else type(z).__name__
            msg = f"`z` must be a floating-point tensor (B, {self.latent_dim}), got {given}."
            raise InvalidInputError(msg)
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            msg = f"`z` must have shape (B, {self.latent_dim}), got {tuple(z.shape)}."
            raise InvalidInputError(msg)
        return z.to(self.device, torch.float64)


class TemperedSurface(EnergySurface):
    """U/T of a surface U at temperature T > 0."""

    def __init__(self, surface: EnergySurface, temperature: float) -> None:
        self.surface, self.temperature = surface, temperature
        self.latent_dim = surface.latent_dim
        self.features_are_complete = surface.features_are_complete

    @property
    def device(self) -> torch.device:
        """Where the surface's tensors are."""
        return self.surface.device

    @property
    def features(self) -> Features:
        """Those of U, √T as wide: so wide is e^{−U/T} where U is a parabola."""
        own = self.surface.features
        return Features(centers=own.centers, widths=own.widths * self.temperature**0.5)

    def energy(self, z: Tensor) -> Tensor:
        """U/T at z (B, d), shape (B,)."""
        return self.surface.energy(z) / self.temperature

    def derivatives(self, z: Tensor) -> Derivatives:
        """U/T and its derivatives at z (B, d)."""
        own = self.surface.derivatives(z)
        return Derivatives(
            energy=own.energy / self.temperature,
            gradient=own.gradient / self.temperature,
            hessian=own.hessian / self.temperature,
        )

    def energy_and_gradient(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """U/T and ∇U/T at z (B, d)."""
        energy, gradient = self.surface.energy_and_gradient(z)
        return energy / self.temperature, gradient / self.temperature

    def on_grid(self, axes: list[Tensor]) -> Tensor:
        """U/T on a rectangular grid."""
        return self.surface.on_grid(axes) / self.temperature


def row_blocks(n_rows: int, block: int) -> Iterator[slice]:
    """Slices that cover n_rows, each of at most `block` rows; one empty slice for no rows."""
    block = max(1, block)
    for start in range(0, max(1, n_rows), block):
        yield slice(start, min(start + block, n_rows))


def _gradient(total: Tensor, z: Tensor, *, create_graph: bool = False) -> Tensor:
    """The gradient of a sum, 0 where it does not depend on z."""
    if not total.requires_grad:
        return torch.zeros_like(z)
    (gradient,) = torch.autograd.grad(
        total, z, create_graph=create_graph, retain_graph=True, allow_unused=True
    )
    return torch.zeros_like(z) if gradient is None else gradient
