"""The energy that a tilted prior has beyond a Gaussian."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from topopert.errors import InvalidInputError
from topopert.hamiltonian.potentials.potential import Potential
from topopert.hamiltonian.potentials.well_potential import well_energy

__all__ = ["Term", "Tilt", "checked_energy"]

# Rows times wells that are worked on at once: 1 MB in double precision stays in the cache.
_BLOCK = 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Term:
    """One potential of the tilt and what stands before it, λ included."""

    factor: float
    potential: Potential

    @property
    def dtype(self) -> torch.dtype:
        """The type it computes in: that of its weights; double precision if it has none."""
        tensors = [*self.potential.parameters(), *self.potential.buffers()]
        return next((t.dtype for t in tensors if t.is_floating_point()), torch.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tilt:
    """The density N(loc, scale² I) exp(−E) up to a constant, E all of λV that is not quadratic.

    Everything is in double precision; b is the number of data, 1 if the prior has no batch.
    """

    loc: Tensor  # mean of the Gaussian, (b, d)
    scale: float
    centers: Tensor  # of all wells, (M, d)
    depths: Tensor  # λ times factor times depth, (M,), nats
    widths: Tensor  # (M,)
    terms: tuple[Term, ...]  # the potentials that are neither fields nor wells
    x: Tensor | None  # data of the terms, (b, ...)
    anchors: Tensor | None  # (b, d)

    @property
    def latent_dim(self) -> int:
        """Dimension d."""
        return self.loc.shape[1]

    @property
    def n_data(self) -> int:
        """Number of data b."""
        return self.loc.shape[0]

    @property
    def depends_on_data(self) -> bool:
        """Whether E differs between the data."""
        return any(term.potential.scope == "datum" for term in self.terms)

    @property
    def rounding(self) -> float:
        """Relative rounding of the energies: that of the coarsest term."""
        return max([torch.finfo(t.dtype).eps for t in self.terms], default=2.0**-52)

    @property
    def lower_bound(self) -> float:
        """A number that E is nowhere below, in nats; −∞ where none is known.

        Wells that rise count as 0. At any z let cᵢ be the nearest centre of those that dig: each
        cⱼ is then at least ½∣cᵢ − cⱼ∣ away, for ∣cᵢ − cⱼ∣ ≤ ∣z − cᵢ∣ + ∣z − cⱼ∣ ≤ 2∣z − cⱼ∣.
        """
        if self.terms:
            return -math.inf
        digs = self.depths > 0
        if not digs.any():
            return 0.0
        centers, depths, widths = self.centers[digs], self.depths[digs], self.widths[digs]
        half_sq_dist = _sq_dist(centers, centers) / 4  # (M, M)
        reach = depths * torch.exp(-half_sq_dist / (2 * widths.square()))  # (M, M)
        return -float(reach.sum(dim=1).max())

    def energy(self, z: Tensor) -> Tensor:
        """E at z, shape (n, b), differentiable, in nats.

        Args:
            z: Codes in double precision, shape (n, b, d); (n, 1, d) stands for the same codes
                for each datum, and answers (n, 1) if the data play no part.

        Raises:
            InvalidInputError: If a potential answers with NaN or another shape.
        """
        if self.depends_on_data:
            z = z.expand(-1, self.n_data, -1)
        rows = z.reshape(-1, self.latent_dim)
        total = rows.new_zeros(len(rows))
        if len(self.centers):
            total = total + self._wells(rows)
        for term in self.terms:
            x, anchors = self._data_of(term, len(rows))
            energy = term.potential(rows.to(term.dtype), x, anchors=anchors)
            total = total + term.factor * checked_energy(energy, len(rows)).to(rows.dtype)
        return total.reshape(z.shape[:2])

    def expectation(self, mean: Tensor, logvar: Tensor) -> Tensor:
        """E_q of E for q = N(mean, diag exp(logvar)), shape (n, b), in nats.

        Args:
            mean: Shape (n, b, d), double precision.
            logvar: Shape (n, b, d).
        """
        rows, spread = mean.reshape(-1, self.latent_dim), logvar.reshape(-1, self.latent_dim)
        total = rows.new_zeros(len(rows))
        if len(self.centers):
            wells = (self.centers, self.depths, self.widths)
            total = total + well_energy(rows, spread.exp(), *wells)
        for term in self.terms:
            x, anchors = self._data_of(term, len(rows))
            codes = (rows.to(term.dtype), spread.to(term.dtype))
            energy = term.potential.expectation(*codes, x, anchors=anchors)
            total = total + term.factor * checked_energy(energy, len(rows)).to(rows.dtype)
        return total.reshape(mean.shape[:2])

    def log_density(self, z: Tensor) -> Tensor:
        """Log of N(z; loc, scale² I) e^{−E}, whose integral is the constant, shape (n, b).

        Args:
            z: As in `energy`.
        """
        # The one-datum energies (n, 1) spread over the data here.
        return self.log_gaussian(z) - self.energy(z)

    def log_gaussian(self, z: Tensor) -> Tensor:
        """Log N(z; loc, scale² I), shape (n, b)."""
        sq_dist = ((z - self.loc) / self.scale).square().sum(dim=-1)  # (n, b)
        return -0.5 * sq_dist - self.latent_dim * (
            math.log(self.scale) + 0.5 * math.log(2 * math.pi)
        )

    def data(self, rows: slice) -> Tilt:
        """The tilt of some of the data."""
        x, anchors = (None if t is None else t[rows] for t in (self.x, self.anchors))
        return replace(self, loc=self.loc[rows], x=x, anchors=anchors)

    def block(self) -> int:
        """How many rows of codes are worth one pass."""
        return max(1, _BLOCK // (len(self.centers) + self.n_data * self.latent_dim + 8))

    def _wells(self, z: Tensor) -> Tensor:
        # −∣z − c∣²/2s² as one matrix product: double precision near the origin keeps what matters.
        sq_widths = self.widths.square()
        of_code = torch.cat([z, z.square().sum(dim=1, keepdim=True)], dim=1)  # (n, d + 1)
        of_well = torch.cat([self.centers, self.centers.new_full((len(sq_widths), 1), -0.5)], 1)
        bias = -0.5 * self.centers.square().sum(dim=1) / sq_widths
        exponent = torch.addmm(bias, of_code, (of_well / sq_widths[:, None]).T)  # (n, M)
        return -(exponent.exp() @ self.depths)

    def _data_of(self, term: Term, n_rows: int) -> tuple[Tensor | None, Tensor | None]:
        """What the potential is given beside n rows of codes: x and anchors."""
        if term.potential.scope == "code":
            return None, None
        times = n_rows // self.n_data
        repeated = (
            None if data is None else data.repeat(times, *[1] * (data.ndim - 1))
            for data in (self.x, self.anchors)
        )
        return next(repeated), next(repeated)


def checked_energy(energy: Tensor, n: int) -> Tensor:
    """The energy, if it is n real numbers, none of them NaN.

    Raises:
        InvalidInputError: If it is not.
    """
    if not isinstance(energy, Tensor) or energy.shape != (n,) or not energy.is_floating_point():
        given = tuple(energy.shape) if isinstance(energy, Tensor) else type(energy).__name__
        msg = f"A potential must map {n} codes to {n} floating-point energies, got {given}."
        raise InvalidInputError(msg)
    if energy.isnan().any():
        msg = "A potential answered with NaN, so it has no prior. Check it on codes far out."
        raise InvalidInputError(msg)
    return energy


def _sq_dist(a: Tensor, b: Tensor) -> Tensor:
    own = a.square().sum(dim=1, keepdim=True) + b.square().sum(dim=1)
    return (own - 2 * a @ b.T).clamp(min=0)
