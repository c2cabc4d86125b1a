"""What every perturbation potential is, and how potentials add and scale."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from topopert._checks import check_real
from topopert.errors import InvalidInputError

__all__ = ["Potential", "check_posterior", "compute_dtype"]


class Potential(nn.Module, ABC):
    """Base of the potentials V(z; x); energies are in nats, one per sample.

    A potential defines `forward` and `expectation`. Potentials add, and scale by numbers ≥ 0 or
    below: ``2 * a + b`` is a potential.
    """

    @abstractmethod
    def forward(
        self, z: Tensor, x: Tensor | None = None, *, anchors: Tensor | None = None
    ) -> Tensor:
        """V(z; x), shape (B,), in nats.

        Args:
            z: Latent codes, shape (B, d).
            x: The data that the codes belong to, shape (B, D), where the potential needs them.
            anchors: T(x), shape (B, d), in place of x.
        """

    @abstractmethod
    def expectation(
        self,
        mean: Tensor,
        logvar: Tensor | None,
        x: Tensor | None = None,
        *,
        anchors: Tensor | None = None,
    ) -> Tensor:
        """E_q[V] for q = N(mean, diag exp(logvar)), shape (B,), in nats.

        Args:
            mean: Shape (B, d).
            logvar: Shape (B, d); None means a deterministic code.
            x: As in `forward`.
            anchors: As in `forward`.
        """

    def __add__(self, other: Potential) -> SumPotential:
        if not isinstance(other, Potential):
            return NotImplemented
        return SumPotential([self, other], [1.0, 1.0])

    def __mul__(self, factor: float) -> SumPotential:
        return SumPotential([self], [check_real(factor, name="factor")])

    __rmul__ = __mul__


class SumPotential(Potential):
    """A linear combination of potentials; made by ``2 * a + b``."""

    def __init__(self, terms: list[Potential], factors: list[float]) -> None:
        super().__init__()
        self.terms = nn.ModuleList(terms)
        self.factors = tuple(factors)

    def forward(
        self, z: Tensor, x: Tensor | None = None, *, anchors: Tensor | None = None
    ) -> Tensor:
        """The combination of the terms' energies, shape (B,)."""
        return self._combine(lambda term: term(z, x, anchors=anchors))

    def expectation(
        self,
        mean: Tensor,
        logvar: Tensor | None,
        x: Tensor | None = None,
        *,
        anchors: Tensor | None = None,
    ) -> Tensor:
        """The combination of the terms' expectations, shape (B,)."""
        return self._combine(lambda term: term.expectation(mean, logvar, x, anchors=anchors))

    def _combine(self, energy: Callable[[Any], Tensor]) -> Tensor:
        energies = [f * energy(term) for f, term in zip(self.factors, self.terms, strict=True)]
        return torch.stack(energies).sum(dim=0)

    def extra_repr(self) -> str:
        """The factors, for `print`."""
        return f"factors={self.factors}"


def compute_dtype(dtype: torch.dtype) -> torch.dtype:
    """The type in which energies are computed: the posterior's, float32 for half types."""
    return torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype


def check_posterior(mean: Tensor, logvar: Tensor | None) -> None:
    """Refuse a posterior of the wrong type or shape.

    Raises:
        InvalidInputError: If mean is not a floating (B, d) tensor or logvar is not of its shape
            and device.
    """
    for name, value in (("mean", mean), ("logvar", logvar)):
        if value is None and name == "logvar":
            continue
        if not isinstance(value, Tensor) or not value.is_floating_point():
            given = value.dtype if isinstance(value, Tensor) else type(value).__name__
            msg = f"`{name}` must be a floating-point tensor, got {given}."
            raise InvalidInputError(msg)
    if mean.ndim != 2:
        msg = f"`mean` must have shape (B, d), got {tuple(mean.shape)}. Flatten other axes first."
        raise InvalidInputError(msg)
    if logvar is not None and logvar.shape != mean.shape:
        msg = (
            f"`logvar` must have the shape of `mean`, {tuple(mean.shape)}, "
            f"got {tuple(logvar.shape)}. One log-variance per latent axis is needed."
        )
        raise InvalidInputError(msg)
    if logvar is not None and logvar.device != mean.device:
        msg = f"`mean` is on {mean.device} but `logvar` on {logvar.device}. Move one of them."
        raise InvalidInputError(msg)
