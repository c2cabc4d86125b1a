"""Any function of the code as a potential, its expectation by quadrature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from topopert.errors import InvalidInputError
from topopert.hamiltonian.posterior import check_posterior, compute_dtype

from .potential import Potential, Scope
from .quadrature import Quadrature, default_quadrature

__all__ = ["OneBodyPotential"]


class OneBodyPotential(Potential):
    """A one-body potential V(z) given by a function that maps (B, d) to (B,), row by row.

    `Hamiltonian` wraps a bare callable in one. The expectation is Σ wᵢ V(μ + σεᵢ) over the nodes
    of a quadrature. The default is deterministic: a Gauss–Hermite product of 32, 11 or 5 nodes per
    axis in 1, 2 or 3 dimensions, 128 fixed Sobol points beyond, which are exact for polynomials of
    degree up to 63, 21, 9 and 3. The function is evaluated that many times per sample, all in one
    call. A function with features narrower than the posterior wants more nodes.

    A function that is an `nn.Module` becomes a submodule: it moves with `.to` and is in the
    `state_dict`. Its parameters stay as they are, and a perturbation should not learn: minimised
    with the loss, V would run away. Give them to no optimiser.

    Args:
        function: V in nats, differentiable by torch. It must treat rows independently, because
            the nodes come stacked as rows.
        quadrature: `GaussHermite`, `QuasiMonteCarlo` or `MonteCarlo`; None takes the default.

    Raises:
        InvalidInputError: If the function is not callable or the quadrature is something else.
    """

    scope: Scope = "code"

    def __init__(
        self, function: Callable[[Tensor], Tensor], *, quadrature: Quadrature | None = None
    ) -> None:
        super().__init__()
        if not callable(function) or isinstance(function, type):
            msg = (
                "`function` must map codes (B, d) to energies (B,), "
                f"got {getattr(function, '__name__', type(function).__name__)}."
            )
            raise InvalidInputError(msg)
        if quadrature is not None and not hasattr(quadrature, "nodes"):
            msg = (
                "`quadrature` must be GaussHermite, QuasiMonteCarlo or MonteCarlo, "
                f"got {type(quadrature).__name__}."
            )
            raise InvalidInputError(msg)
        self.function = function
        self.quadrature = quadrature
        # Fixed nodes of the last dimension, type and device that were asked for. Not a buffer:
        # they follow from the arguments, and .half() would take their digits.
        self._nodes: tuple[Any, Tensor, Tensor] | None = None

    def forward(
        self, z: Tensor, x: Tensor | None = None, *, anchors: Tensor | None = None
    ) -> Tensor:
        """V(z), shape (B,), in nats; x and anchors play no part.

        Raises:
            InvalidInputError: If the function does not answer with one real number per row.
        """
        check_posterior(z, None)
        z = z.to(compute_dtype(z.dtype))
        energy = self.function(z)
        if not isinstance(energy, Tensor):
            given = f"a {type(energy).__name__}"
        elif energy.shape != (len(z),):
            given = f"shape {tuple(energy.shape)}"
        elif not energy.is_floating_point():
            given = f"{energy.dtype}"
        elif energy.device != z.device:
            given = f"a tensor on {energy.device}"
        else:
            return energy.to(z.dtype)
        msg = (
            f"A one-body potential must map codes {tuple(z.shape)} on {z.device} to "
            f"floating-point energies ({len(z)},), one per row, got {given}."
        )
        raise InvalidInputError(msg)

    def expectation(
        self,
        mean: Tensor,
        logvar: Tensor | None,
        x: Tensor | None = None,
        *,
        anchors: Tensor | None = None,
    ) -> Tensor:
        """E_q[V] by the quadrature, shape (B,), in nats; x and anchors play no part.

        Args:
            mean: Shape (B, d).
            logvar: Shape (B, d); None means a deterministic code, and V itself.
            x: Not used.
            anchors: Not used.

        Raises:
            InvalidInputError: If the function does not answer with one real number per row, or a
                shape is wrong.
        """
        check_posterior(mean, logvar)
        if logvar is None:
            return self(mean)
        dtype = compute_dtype(mean.dtype)
        mean, std = mean.to(dtype), (0.5 * logvar.to(dtype)).exp()
        nodes, weights = self._nodes_for(mean)
        z = mean + std * nodes  # (n, B, d)
        return weights @ self(z.flatten(0, 1)).unflatten(0, z.shape[:2])

    def _nodes_for(self, mean: Tensor) -> tuple[Tensor, Tensor]:
        n_rows, latent_dim = mean.shape
        quadrature = self.quadrature or default_quadrature(latent_dim)
        key = (latent_dim, mean.dtype, mean.device)
        if self._nodes is not None and self._nodes[0] == key:
            return self._nodes[1:]
        nodes, weights = quadrature.nodes(n_rows, latent_dim)
        nodes, weights = (value.to(mean.device, mean.dtype) for value in (nodes, weights))
        if quadrature.is_fixed:
            self._nodes = (key, nodes, weights)
        return nodes, weights

    def extra_repr(self) -> str:
        """The settings, for `print`."""
        shown = [] if isinstance(self.function, torch.nn.Module) else [f"{self.function}"]
        return ", ".join([*shown, f"quadrature={self.quadrature or 'default'}"])
