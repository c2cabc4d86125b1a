"""U_λ = ½∣z∣² + λV: the surface whose density is the tilted prior."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from topopert._checks import check_count, check_real
from topopert.errors import InvalidInputError
from topopert.hamiltonian.couplings import Constant
from topopert.hamiltonian.potentials.one_body_potential import OneBodyPotential
from topopert.hamiltonian.potentials.potential import Potential, leaves
from topopert.hamiltonian.potentials.well_potential import WellPotential
from topopert.hamiltonian.priors.tilt import Term, checked_energy

from .surface import Derivatives, EnergySurface, Features, row_blocks

__all__ = ["TiltedSurface"]

# Rows times wells times dimensions that are worked on at once: 16 MB in double precision.
_BLOCK = 1 << 21


class TiltedSurface(EnergySurface):
    """U_λ(z) = ½∣z∣² + λV(z), in nats, without its constant; wells in closed form.

    Args:
        potential: V, which depends on the code alone; a function of codes (B, d) is one.
        coupling: λ ≥ 0.
        latent_dim: d.

    Raises:
        InvalidInputError: If V depends on data or the batch, is of another dimension, or λ is not
            a number ≥ 0.
    """

    def __init__(
        self,
        potential: Potential | Callable[[Tensor], Tensor],
        coupling: float | Constant,
        latent_dim: int,
    ) -> None:
        self.latent_dim = check_count(latent_dim, name="latent_dim")
        strength = coupling.value if isinstance(coupling, Constant) else coupling
        self.coupling = check_real(strength, name="coupling", low=0.0)
        if not isinstance(potential, Potential):
            potential = OneBodyPotential(potential)
        if potential.scope != "code":
            raise InvalidInputError(_REASON[potential.scope])
        parts = [(self.coupling * factor, leaf) for factor, leaf in leaves(potential)]
        for _, leaf in parts:
            own = getattr(leaf, "latent_dim", None)
            if own is not None and own != self.latent_dim:
                msg = (
                    f"`latent_dim` is {self.latent_dim}, but {type(leaf).__name__} lives in {own} "
                    f"dimensions. Pass `latent_dim={own}`."
                )
                raise InvalidInputError(msg)
        self.potential = potential
        tensors = [*potential.parameters(), *potential.buffers()]
        self._device = next((t.device for t in tensors), torch.device("cpu"))
        wells = [(f, leaf) for f, leaf in parts if isinstance(leaf, WellPotential)]
        empty = torch.zeros(0, dtype=torch.float64, device=self._device)
        self.centers = torch.cat(
            [empty.reshape(0, self.latent_dim), *(w.centers.double() for _, w in wells)]
        )  # (M, d)
        self.depths = torch.cat([empty, *(f * w.depths.double() for f, w in wells)])  # λ included
        self.widths = torch.cat([empty, *(w.widths.double() for _, w in wells)])
        self.terms = tuple(
            Term(factor=f, potential=leaf)
            for f, leaf in parts
            if f != 0 and not isinstance(leaf, WellPotential)
        )
        self.features_are_complete = not self.terms

    @property
    def device(self) -> torch.device:
        """Where the potential's tensors are."""
        return self._device

    @property
    def features(self) -> Features:
        """The prior and the wells; what else bends is not known."""
        d = self.latent_dim
        origin = self.centers.new_zeros(1, d)
        return Features(
            centers=torch.cat([origin, self.centers.detach()]),
            widths=torch.cat([origin + 1, self.widths.detach()[:, None].expand(-1, d)]),
        )

    def energy(self, z: Tensor) -> Tensor:
        """½∣z∣² + λV(z), shape (B,), in nats.

        Raises:
            InvalidInputError: If a potential answers with NaN or another shape.
        """
        total = 0.5 * z.square().sum(dim=1)
        if len(self.centers):
            blocks = row_blocks(len(z), _BLOCK // self.centers.numel())
            total = total - torch.cat([self._wells(z[rows]).sum(dim=1) for rows in blocks])
        for term in self.terms:
            energy = checked_energy(term.potential(z.to(term.dtype)), len(z))
            total = total + term.factor * energy.to(z.dtype)
        return total

    def energy_and_gradient(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """U_λ (B,) and ∇U_λ (B, d) at z (B, d); wells in closed form, other terms by autograd."""
        if self.terms or not len(self.centers):
            return super().energy_and_gradient(z)
        energies, gradients = [], []
        with torch.no_grad():
            for rows in row_blocks(len(z), _BLOCK // self.centers.numel()):
                wells = self._wells(z[rows])  # (b, M)
                pull = wells / self.widths.square()
                energies.append(0.5 * z[rows].square().sum(dim=1) - wells.sum(dim=1))
                gradients.append(
                    z[rows] * (1 + pull.sum(dim=1, keepdim=True)) - pull @ self.centers
                )
        return torch.cat(energies), torch.cat(gradients)

    def derivatives(self, z: Tensor) -> Derivatives:
        """U_λ and its derivatives; wells in closed form, other terms by autograd."""
        if self.terms:
            return super().derivatives(z)
        eye = torch.eye(self.latent_dim, dtype=z.dtype, device=z.device)
        if not len(self.centers):
            return Derivatives(
                energy=self.energy(z), gradient=z, hessian=eye.expand(len(z), -1, -1)
            )
        parts = []
        with torch.no_grad():
            for rows in row_blocks(len(z), _BLOCK // self.centers.numel()):
                parts.append(self._well_derivatives(z[rows], eye))
        return Derivatives(
            energy=torch.cat([p.energy for p in parts]),
            gradient=torch.cat([p.gradient for p in parts]),
            hessian=torch.cat([p.hessian for p in parts]),
        )

    def _wells(self, z: Tensor) -> Tensor:
        """λaⱼ exp(−∣z − cⱼ∣²/2sⱼ²), shape (B, M)."""
        sq_dist = (z[:, None] - self.centers).square().sum(dim=-1)
        return self.depths * torch.exp(-0.5 * sq_dist / self.widths.square())

    def _well_derivatives(self, z: Tensor, eye: Tensor) -> Derivatives:
        away = z[:, None] - self.centers  # (b, M, d)
        sq_width = self.widths.square()
        wells = self.depths * torch.exp(-0.5 * away.square().sum(dim=-1) / sq_width)  # (b, M)
        slope = (wells / sq_width)[..., None] * away  # (b, M, d)
        bend = (wells / sq_width).sum(dim=1)[:, None, None] * eye
        bend = bend - (slope / sq_width[:, None]).mT @ away
        return Derivatives(
            energy=0.5 * z.square().sum(dim=1) - wells.sum(dim=1),
            gradient=z + slope.sum(dim=1),
            hessian=eye + 0.5 * (bend + bend.mT),
        )


_REASON = {
    "datum": (
        "The potential depends on the data, so there is no one energy surface. For the external "
        "field each datum's levels are those of a harmonic oscillator, n · (1 + λκ)."
    ),
    "batch": (
        "The potential is an interaction: the energy of a code depends on the rest of its batch, "
        "so there is no energy surface of one code. Leave it out of the sum."
    ),
}
