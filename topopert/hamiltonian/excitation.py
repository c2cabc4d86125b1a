"""The excitation energy of a posterior over the ground state of H₀."""

from __future__ import annotations

import torch
from torch import Tensor

from topopert.errors import InvalidInputError

from .posterior import check_excitation, check_posterior, compute_dtype

__all__ = ["excitation_energy"]


def excitation_energy(mean: Tensor, logvar: Tensor | None) -> Tensor:
    """E₀[q] = ⟨√q∣H₀∣√q⟩ = ¼ Σ[μ² + (σ − 1/σ)²], shape (B,): a quarter of the Fisher information.

    It is the rate at which q = N(μ, diag σ²) relaxes to the prior: KL(q‖p₀) is 4 ∫E₀ dt along the
    flow, and at most 2 E₀[q] (theory, section 2). The unit is that of H₀, one level's distance.

    Args:
        mean: μ, shape (B, d).
        logvar: log σ², shape (B, d). A deterministic code (None) is refused: a point has no finite
            energy, as 1/σ² grows without bound.

    Raises:
        InvalidInputError: If the log-variance is missing, a shape or type is wrong, or the energy
            is not finite.

    References:
        Gross, Logarithmic Sobolev inequalities, Amer. J. Math. 97 (1975); de Bruijn's identity as
        in Stam, Inf. Control 2 (1959).
    """
    if logvar is None:
        msg = (
            "`logvar` is None, but the excitation energy of a deterministic code is infinite. "
            "Pass the posterior's log-variance."
        )
        raise InvalidInputError(msg)
    check_posterior(mean, logvar)
    dtype = compute_dtype(mean.dtype)
    # (σ − 1/σ)² = 4 sinh²(½ log σ²), which keeps its digits near σ = 1.
    spread = torch.sinh(0.5 * logvar.to(dtype)).square()
    energy = (0.25 * mean.to(dtype).square() + spread).sum(dim=-1)
    check_excitation(energy, mean, logvar)
    return energy
