"""A polynomial of the latent code as a potential, its Gaussian average in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from topopert._checks import check_points, plain_array, unusable
from topopert.errors import InvalidInputError
from topopert.hamiltonian.posterior import check_posterior, check_same_device, compute_dtype

from .potential import Potential, Scope

__all__ = ["PolynomialPotential"]

# Of one term in one axis. Beyond, powers of a code of size 4 leave single precision.
_MAX_DEGREE = 60


class PolynomialPotential(Potential):
    """The landscape V(z) = Σⱼ aⱼ Πₖ zₖ^nⱼₖ, the same for all data.

    Only a polynomial that does not outgrow −½∣z∣²/λ downwards has a tilted prior; whether it has
    one is not checked here.

    Args:
        exponents: n, whole numbers of at least 0, one row per term, shape (M, d).
        coefficients: a in nats, shape (M,).

    Raises:
        InvalidInputError: If a shape is wrong, a coefficient is not finite or an exponent is no
            whole number from 0 to 60.

    Examples:
        V = 3z₁² − z₁z₂ at z = (1, 2), and averaged over a standard normal code:

        >>> potential = PolynomialPotential([[2, 0], [1, 1]], [3.0, -1.0])
        >>> potential(torch.tensor([[1.0, 2.0]]))
        tensor([1.])
        >>> potential.expectation(torch.zeros(1, 2), torch.zeros(1, 2))
        tensor([3.])
    """

    scope: Scope = "code"
    exponents: Tensor
    coefficients: Tensor

    def __init__(self, exponents: Any, coefficients: Any) -> None:
        super().__init__()
        powers = check_points(exponents, name="exponents", min_points=1)
        if (powers != np.round(powers)).any() or powers.min() < 0 or powers.max() > _MAX_DEGREE:
            msg = (
                f"`exponents` must be whole numbers from 0 to {_MAX_DEGREE}, got values from "
                f"{powers.min():g} to {powers.max():g}."
            )
            raise InvalidInputError(msg)
        try:
            column = np.asarray(plain_array(coefficients, name="coefficients")).reshape(-1, 1)
        except ValueError as err:  # ragged
            raise unusable("coefficients", err) from err
        factors = check_points(column, name="coefficients", min_points=1)[:, 0]
        if len(factors) != len(powers):
            msg = (
                f"`exponents` has {len(powers)} rows but `coefficients` {len(factors)} entries. "
                "Pass one coefficient per term."
            )
            raise InvalidInputError(msg)
        self.latent_dim = powers.shape[1]
        self.register_buffer("exponents", torch.from_numpy(powers.astype(np.int64)))
        dtype = torch.get_default_dtype()
        self.register_buffer("coefficients", torch.from_numpy(factors).to(dtype))
        # Read once: asking the buffer at each call would wait for its device.
        self.degree = int(powers.max())  # the highest power of one axis
        self.register_load_state_dict_post_hook(_read_degree)

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
            InvalidInputError: If the posterior is not of the polynomial's dimension.
        """
        check_posterior(mean, logvar)
        if mean.shape[-1] != self.latent_dim:
            msg = (
                f"The polynomial is one of {self.latent_dim} variables, `mean` has "
                f"{mean.shape[-1]} axes. Give `exponents` one column per axis."
            )
            raise InvalidInputError(msg)
        check_same_device(self.coefficients, mean)
        dtype = compute_dtype(mean.dtype)
        variance = None if logvar is None else logvar.to(dtype).exp()
        moments = _moments(mean.to(dtype), variance, self.degree)  # (E + 1, B, d)
        axes = torch.arange(self.latent_dim, device=mean.device)
        factors = moments[self.exponents, :, axes]  # (M, d, B)
        return self.coefficients.to(dtype) @ factors.prod(dim=1)

    def extra_repr(self) -> str:
        """The number of terms, for `print`."""
        return f"n_terms={len(self.coefficients)}, latent_dim={self.latent_dim}"


def _read_degree(potential: nn.Module, _: object) -> None:
    """The degree of the exponents that were loaded."""
    if isinstance(potential, PolynomialPotential) and not potential.exponents.is_meta:
        potential.degree = int(potential.exponents.max())


def _moments(mean: Tensor, variance: Tensor | None, degree: int) -> Tensor:
    """E[zⁿ] of z = N(mean, variance) for n = 0 … degree, shape (degree + 1, B, d).

    E[zⁿ⁺¹] = μ E[zⁿ] + nσ² E[zⁿ⁻¹], by parts (Stein's identity).
    """
    moments = [torch.ones_like(mean), mean]
    for n in range(1, degree):
        following = mean * moments[n]
        if variance is not None:
            following = following + n * variance * moments[n - 1]
        moments.append(following)
    return torch.stack(moments[: degree + 1])
