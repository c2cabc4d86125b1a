"""Any function U(z) as an energy surface."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from topopert._checks import check_count, check_real
from topopert.errors import InvalidInputError
from topopert.hamiltonian.priors.tilt import checked_energy

from .surface import EnergySurface, Features

__all__ = ["FunctionSurface"]


class FunctionSurface(EnergySurface):
    """The energy U(z) that a function gives, in nats, without a prior added to it.

    Args:
        function: Maps codes (B, d) in double precision to U (B,), row by row, differentiable.
        latent_dim: d.
        width: The length over which U bends most sharply; grids are laid to resolve it.

    Raises:
        InvalidInputError: If the function is not callable or a number is out of range.
    """

    def __init__(
        self, function: Callable[[Tensor], Tensor], latent_dim: int, *, width: float = 1.0
    ) -> None:
        if not callable(function) or isinstance(function, type):
            msg = (
                "`energy` must be a function that maps codes (B, d) to energies (B,), got "
                f"{getattr(function, '__name__', type(function).__name__)}."
            )
            raise InvalidInputError(msg)
        self.function = function
        self.latent_dim = check_count(latent_dim, name="latent_dim")
        self.width = check_real(width, name="width", low=0.0, low_open=True)

    @property
    def device(self) -> torch.device:
        """Where the function's own tensors are, if it is a module; else the CPU."""
        if isinstance(self.function, nn.Module):
            tensors = [*self.function.parameters(), *self.function.buffers()]
            return next((t.device for t in tensors), torch.device("cpu"))
        return torch.device("cpu")

    @property
    def features(self) -> Features:
        """The origin, as wide as was said; where else U bends is not known."""
        origin = torch.zeros(1, self.latent_dim, dtype=torch.float64, device=self.device)
        return Features(centers=origin, widths=origin + self.width)

    def energy(self, z: Tensor) -> Tensor:
        """U(z), shape (B,), in nats.

        Raises:
            InvalidInputError: If the function answers with NaN or another shape.
        """
        return checked_energy(self.function(z), len(z)).to(z.dtype)
