"""Modes and states as functions of codes, which can be copied and pickled as data can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from topopert.hamiltonian.surfaces import EnergySurface

__all__ = ["Modes", "States"]


@dataclass(frozen=True, slots=True, eq=False)
class Modes:
    """The modes f_k, at codes that are checked."""

    surface: EnergySurface
    values: Callable[[Tensor], Tensor]  # f_k at codes in the surface's type and place

    def __call__(self, z: Tensor) -> Tensor:
        """f_k at z (B, d), shape (B, n_levels), in double precision.

        Raises:
            InvalidInputError: If z is not a floating-point tensor of shape (B, d).
        """
        return self.values(self.surface.checked_codes(z))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class States:
    """The states φ_k = f_k √p of the density p = e^{−U/T}/Z."""

    modes: Modes
    temperature: float  # T
    log_normalizer: float  # log Z

    def __call__(self, z: Tensor) -> Tensor:
        """φ_k at z (B, d), shape (B, n_levels), in double precision.

        Raises:
            InvalidInputError: If z is not a floating-point tensor of shape (B, d).
        """
        surface = self.modes.surface
        z = surface.checked_codes(z)
        log_density = -surface.energy(z) / self.temperature - self.log_normalizer
        return self.modes.values(z) * (0.5 * log_density).exp()[:, None]
