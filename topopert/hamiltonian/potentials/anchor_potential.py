"""The external field: a spring from each latent code to the anchor of its datum."""

from __future__ import annotations

from torch import Tensor

from topopert.errors import InvalidInputError
from topopert.extension import LandmarkExtension
from topopert.hamiltonian.posterior import (
    check_posterior,
    check_same_device,
    compute_dtype,
    data_rows,
)
from topopert.records import AnchorSpec

from .potential import Potential

__all__ = ["AnchorPotential", "spring_energy"]


def spring_energy(mean: Tensor, logvar: Tensor | None, anchors: Tensor) -> Tensor:
    """E_q of ½∣z − T∣², which is ½(∣μ − T∣² + Σσ²), shape (B,), in nats.

    Args:
        mean: μ, shape (B, d).
        logvar: log σ², shape (B, d); None means σ = 0.
        anchors: T, shape (B, d).
    """
    energy = (mean - anchors).square().sum(dim=-1)  # (B,)
    if logvar is not None:
        energy = energy + logvar.exp().sum(dim=-1)
    return 0.5 * energy


class AnchorPotential(Potential):
    """The external field V(z; x) = ½∣z − T(x)∣² with the anchors T of the topology stage.

    Along the gauge orbit its energy has one minimum iff E[μTᵀ] has full rank, so it lifts the
    whole gauge group (theory, section 4).

    Args:
        anchors: What `PersistentTopology.anchors` returns.

    Raises:
        InvalidInputError: If that is something else.
    """

    def __init__(self, anchors: AnchorSpec) -> None:
        super().__init__()
        if not isinstance(anchors, AnchorSpec):
            msg = (
                f"`anchors` must be an AnchorSpec, got {type(anchors).__name__}. "
                "Pass `topology.anchors()` of a fitted PersistentTopology."
            )
            raise InvalidInputError(msg)
        self.latent_dim = anchors.latent_dim
        self.extension = LandmarkExtension.from_spec(anchors)

    def anchors(self, x: Tensor) -> Tensor:
        """The anchors T(x), shape (B, d); compute them once per datum and pass them on."""
        return self.extension(x)

    def forward(
        self, z: Tensor, x: Tensor | None = None, *, anchors: Tensor | None = None
    ) -> Tensor:
        """V(z; x), shape (B,), in nats.

        Args:
            z: Latent codes, shape (B, d).
            x: Their data, shape (B, D).
            anchors: T(x), shape (B, d), in place of x.

        Raises:
            InvalidInputError: If neither or both of x and anchors are given, or a shape is wrong.
        """
        return self.expectation(z, None, x, anchors=anchors)

    def expectation(
        self,
        mean: Tensor,
        logvar: Tensor | None,
        x: Tensor | None = None,
        *,
        anchors: Tensor | None = None,
    ) -> Tensor:
        """E_q[V] = ½(∣μ − T∣² + Σσ²), shape (B,), in nats.

        Args:
            mean: Shape (B, d).
            logvar: Shape (B, d); None means a deterministic code.
            x: The data, shape (B, D).
            anchors: T(x), shape (B, d), in place of x.

        Raises:
            InvalidInputError: If neither or both of x and anchors are given, or a shape is wrong.
        """
        check_posterior(mean, logvar)
        if (x is None) == (anchors is None):
            given = "both" if x is not None else "neither"
            msg = f"Pass either `x` or `anchors`, got {given}: the field depends on the data."
            raise InvalidInputError(msg)
        if anchors is None:
            check_same_device(self.extension.landmarks, mean)
            anchors = self.anchors(data_rows(x, mean, name="x"))
        else:
            anchors = data_rows(anchors, mean, name="anchors")
        if anchors.shape != mean.shape:
            msg = (
                f"Anchors have shape {tuple(anchors.shape)} but `mean` {tuple(mean.shape)}. Fit "
                f"PersistentTopology(latent_dim={mean.shape[-1]})."
            )
            raise InvalidInputError(msg)
        dtype = compute_dtype(mean.dtype)
        return spring_energy(
            mean.to(dtype), None if logvar is None else logvar.to(dtype), anchors.to(dtype)
        )
