"""Potentials for which the minibatch carries the anchors, as x."""

from __future__ import annotations

from torch import Tensor

from topopert.errors import InvalidInputError
from topopert.hamiltonian import Potential
from topopert.hamiltonian.potentials.anchor_potential import spring_energy

__all__ = ["CarriedAnchors", "CarriedField"]


class CarriedAnchors(Potential):
    """A potential that takes what it is given as x for the anchors.

    Args:
        potential: The potential itself.
    """

    def __init__(self, potential: Potential) -> None:
        super().__init__()
        self.potential = potential

    def forward(
        self, z: Tensor, x: Tensor | None = None, *, anchors: Tensor | None = None
    ) -> Tensor:
        """V at the anchors x, shape (B,), in nats."""
        return self.potential(z, anchors=x)

    def expectation(
        self,
        mean: Tensor,
        logvar: Tensor | None,
        x: Tensor | None = None,
        *,
        anchors: Tensor | None = None,
    ) -> Tensor:
        """E_q[V] at the anchors x, shape (B,), in nats."""
        return self.potential.expectation(mean, logvar, anchors=x)


class CarriedField(Potential):
    """The external field ½∣z − x∣², x being the anchors: it needs no landmarks of its own."""

    def forward(
        self, z: Tensor, x: Tensor | None = None, *, anchors: Tensor | None = None
    ) -> Tensor:
        """V, shape (B,), in nats."""
        return self.expectation(z, None, x)

    def expectation(
        self,
        mean: Tensor,
        logvar: Tensor | None,
        x: Tensor | None = None,
        *,
        anchors: Tensor | None = None,
    ) -> Tensor:
        """E_q[V] = ½(∣μ − x∣² + Σσ²), shape (B,), in nats.

        Raises:
            InvalidInputError: If x is missing or not of the shape of the mean.
        """
        if x is None or x.shape != mean.shape:
            given = None if x is None else tuple(x.shape)
            msg = f"Anchors have shape {given} but `mean` {tuple(mean.shape)}."
            raise InvalidInputError(msg)
        return spring_energy(mean, logvar, x)
