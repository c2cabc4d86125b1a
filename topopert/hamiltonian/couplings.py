"""Couplings λ as functions of training progress in [0, 1]."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from torch import Tensor

from topopert._checks import check_real
from topopert.errors import InvalidInputError

__all__ = ["Adiabatic", "Constant", "Coupling", "checked_coupling", "coupling_at"]

Coupling = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Constant:
    """The same coupling throughout: the objective becomes the ELBO with the tilted prior.

    Args:
        value: λ ≥ 0.

    Raises:
        InvalidInputError: If it is negative or not finite.
    """

    value: float

    def __post_init__(self) -> None:
        check_real(self.value, name="value", low=0.0)

    def __call__(self, progress: float) -> float:
        """λ at any progress."""
        return self.value


@dataclass(frozen=True, slots=True)
class Adiabatic:
    """A coupling that is switched off: λ(p) = start · max(0, 1 − p/off_at)^power.

    From `off_at` on it is exactly 0, so the objective that training ends on is the unperturbed
    one; the perturbation has only chosen among its optima (theory, section 4).

    Args:
        start: λ at progress 0, ≥ 0.
        off_at: Progress from which on λ = 0, in (0, 1].
        power: Exponent, > 0.

    Raises:
        InvalidInputError: If a value is out of its range.

    Examples:
        >>> coupling = Adiabatic(10.0, off_at=0.5)
        >>> [coupling(progress) for progress in (0.0, 0.25, 0.5, 1.0)]
        [10.0, 5.0, 0.0, 0.0]
    """

    start: float
    off_at: float = 0.5
    power: float = 1.0

    def __post_init__(self) -> None:
        check_real(self.start, name="start", low=0.0)
        check_real(self.off_at, name="off_at", low=0.0, high=1.0, low_open=True)
        check_real(self.power, name="power", low=0.0, low_open=True)

    def __call__(self, progress: float) -> float:
        """λ at the given progress."""
        if progress >= self.off_at:
            return 0.0
        return self.start * (1 - progress / self.off_at) ** self.power


def checked_coupling(coupling: float | Coupling) -> Coupling:
    """The coupling as a callable; a number becomes `Constant`.

    A callable is asked at 101 values of progress, so that what fails late in training fails now.

    Raises:
        InvalidInputError: If it is neither a number ≥ 0 nor callable, or answers anywhere with
            anything else than a finite number ≥ 0.
    """
    if not callable(coupling):
        return Constant(check_real(coupling, name="coupling", low=0.0))
    for percent in range(101):
        coupling_at(coupling, percent / 100)
    return coupling


def coupling_at(coupling: Coupling, progress: float) -> float:
    """λ at the given progress.

    Raises:
        InvalidInputError: If the coupling does not answer with a finite number ≥ 0.
    """
    value: Any = coupling(progress)
    if isinstance(value, Tensor | np.ndarray) and value.ndim == 0:
        if getattr(value, "requires_grad", False):
            msg = (
                f"`coupling` returned a tensor that requires a gradient at progress {progress}, "
                "but λ is a plain number: none would flow. Return `value.item()`."
            )
            raise InvalidInputError(msg)
        value = value.item()
    if not isinstance(value, Real) or isinstance(value, bool):
        msg = f"`coupling` must return a number, got {value!r} at progress {progress}."
        raise InvalidInputError(msg)
    number = float(value)
    if not math.isfinite(number) or number < 0:
        msg = f"`coupling` must return a finite λ >= 0, got {number} at progress {progress}."
        raise InvalidInputError(msg)
    return number
