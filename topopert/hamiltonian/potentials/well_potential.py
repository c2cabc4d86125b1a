"""The landscape: Gaussian wells at fixed places of the latent space."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from topopert.errors import InvalidInputError
from topopert.hamiltonian.posterior import check_posterior, check_same_device, compute_dtype
from topopert.records import WellSpec

from .potential import Potential, Scope

__all__ = ["WellPotential", "well_energy"]


def well_energy(
    mean: Tensor, variance: Tensor | None, centers: Tensor, depths: Tensor, widths: Tensor
) -> Tensor:
    """E_q of −Σⱼ aⱼ exp(−∣z − cⱼ∣²/2sⱼ²) for q = N(mean, diag variance), shape (B,), in nats.

    The Gaussian integral gives −Σⱼ aⱼ Πₖ sⱼ(sⱼ² + σₖ²)^{−½} exp(−(μₖ − cⱼₖ)²/2(sⱼ² + σₖ²)).

    Args:
        mean: μ, shape (B, d).
        variance: σ², shape (B, d); None means 0.
        centers: c, shape (M, d).
        depths: a, shape (M,), in nats.
        widths: s, shape (M,).
    """
    sq_width = widths.square()[:, None]  # (M, 1)
    if variance is None:
        variance = torch.zeros_like(mean)
    spread = sq_width + variance[..., None, :]  # (B, M, d)
    exponent = (mean[..., None, :] - centers).square() / spread + (spread / sq_width).log()
    return -(depths * torch.exp(-0.5 * exponent.sum(dim=-1))).sum(dim=-1)  # (B,)


class WellPotential(Potential):
    """The landscape V(z) = −Σⱼ aⱼ exp(−∣z − cⱼ∣²/2sⱼ²), the same for all data.

    It lifts the continuous gauge to the symmetry of V; which datum goes to which well stays open
    (theory, section 4).

    Args:
        wells: What `PersistentTopology.wells` returns.

    Raises:
        InvalidInputError: If that is something else.
    """

    scope: Scope = "code"
    centers: Tensor
    depths: Tensor
    widths: Tensor

    def __init__(self, wells: WellSpec) -> None:
        super().__init__()
        if not isinstance(wells, WellSpec):
            msg = (
                f"`wells` must be a WellSpec, got {type(wells).__name__}. "
                "Pass `topology.wells()` of a fitted PersistentTopology."
            )
            raise InvalidInputError(msg)
        self.latent_dim = wells.centers.shape[1]
        for name in ("centers", "depths", "widths"):
            value = np.array(getattr(wells, name), dtype=np.float64)  # a copy: buffers are ours
            self.register_buffer(name, torch.from_numpy(value).to(torch.get_default_dtype()))

    def forward(
        self, z: Tensor, x: Tensor | None = None, *, anchors: Tensor | None = None
    ) -> Tensor:
        """V(z), shape (B,), in nats; x and anchors play no part."""
        return self.expectation(z, None)

    def expectation(
        self,
        mean: Tensor,
        logvar: Tensor | None,
        x: Tensor | None = None,
        *,
        anchors: Tensor | None = None,
    ) -> Tensor:
        """E_q[V] in closed form, shape (B,), in nats; x and anchors play no part.

        Raises:
            InvalidInputError: If the posterior is not of the wells' dimension.
        """
        check_posterior(mean, logvar)
        if mean.shape[-1] != self.latent_dim:
            msg = (
                f"Wells live in {self.latent_dim} dimensions, `mean` in {mean.shape[-1]}. Fit "
                f"PersistentTopology(latent_dim={mean.shape[-1]})."
            )
            raise InvalidInputError(msg)
        check_same_device(self.centers, mean)
        dtype = compute_dtype(mean.dtype)
        return well_energy(
            mean.to(dtype),
            None if logvar is None else logvar.to(dtype).exp(),
            *(buffer.to(dtype) for buffer in (self.centers, self.depths, self.widths)),
        )
