"""Levels too small for a grid's digits, from Kramers' rate matrix."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from topopert.errors import BackendError, InvalidInputError, TopopertWarning

from .landscape import kramers_spectrum
from .spectra import Spectrum, WeightedNodes

__all__ = ["with_tiny_levels"]

# A level whose error is above this share of it is better taken from Kramers' formula, which is
# within 3 to 40 %.
_UNKNOWN = 0.5
# Relative to the prior's first level, 1.
_SMALL = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class _Joined:
    """The first n of some functions, then the rest of others."""

    first: Callable[[Tensor], Tensor]  # n columns
    rest: Callable[[Tensor], Tensor]
    n: int

    def __call__(self, z: Tensor) -> Tensor:
        """The functions at z (B, d), shape (B, n_levels)."""
        return torch.cat([self.first(z), self.rest(z)[:, self.n :]], dim=1)


def with_tiny_levels(found: Spectrum) -> Spectrum:
    """The spectrum, levels below 1e-6 that it cannot tell from rounding taken from the landscape.

    Warns:
        TopopertWarning: If there are such levels and the landscape does not give them.
    """
    excited, errors = found.levels[1:], found.errors[1:]
    n_tiny = int(((excited < _SMALL) & (errors > _UNKNOWN * excited)).sum())
    if n_tiny == 0:
        return found
    try:
        rates = kramers_spectrum(found.surface, n_levels=n_tiny + 1, temperature=found.temperature)
    except (InvalidInputError, BackendError) as err:
        msg = (
            f"The {n_tiny} level(s) above the ground level are below {_SMALL:g} and within the "
            f"solver's rounding, and the landscape's barriers do not give them: {err}"
        )
        warnings.warn(msg, TopopertWarning, stacklevel=4)
        return found
    return _joined(rates, found, n_tiny + 1)


def _joined(rates: Spectrum, found: Spectrum, n: int) -> Spectrum:
    """The first n of one and the rest of the other."""

    def both(name: str) -> Tensor:
        return torch.cat([getattr(rates, name), getattr(found, name)[n:]])

    sample = found.sample
    own = rates.modes(sample.nodes)
    own = own / (sample.weights @ own.square()).sqrt()
    return dataclasses.replace(
        found,
        levels=both("levels"),
        degeneracies=both("degeneracies"),
        errors=both("errors"),
        activation_energies=both("activation_energies"),
        modes=_Joined(rates.modes, found.modes, n),
        states=_Joined(rates.states, found.states, n),
        sample=WeightedNodes(
            nodes=sample.nodes,
            weights=sample.weights,
            modes=torch.cat([own, sample.modes[:, n:]], dim=1),
        ),
        method=f"{found.method}, kramers for the lowest {n - 1}",
        error_kind=f"{found.error_kind}; {rates.error_kind}",
    )
