"""What comes into a potential: the encoder's posterior and the data or anchors beside it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from topopert.errors import InvalidInputError

__all__ = [
    "check_energy",
    "check_excitation",
    "check_posterior",
    "check_same_device",
    "compute_dtype",
    "data_rows",
    "has_values",
]


def compute_dtype(dtype: torch.dtype) -> torch.dtype:
    """The type in which energies are computed: the posterior's, float32 for half types."""
    return torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype


def check_posterior(mean: Tensor, logvar: Tensor | None) -> None:
    """Refuse a posterior of the wrong type or shape.

    Raises:
        InvalidInputError: If mean is not a floating (B, d) tensor or logvar is not of its shape
            and device.
    """
    _check_floating(mean, name="mean")
    if mean.ndim != 2 or mean.shape[1] == 0:
        msg = (
            f"`mean` must have shape (B, d) with d >= 1, got {tuple(mean.shape)}. "
            "Flatten other axes first."
        )
        raise InvalidInputError(msg)
    if logvar is None:
        return
    _check_floating(logvar, name="logvar")
    if logvar.shape != mean.shape:
        msg = (
            f"`logvar` must have the shape of `mean`, {tuple(mean.shape)}, "
            f"got {tuple(logvar.shape)}. One log-variance per latent axis is needed."
        )
        raise InvalidInputError(msg)
    if logvar.device != mean.device:
        msg = f"`mean` is on {mean.device} but `logvar` on {logvar.device}. Move one of them."
        raise InvalidInputError(msg)


def data_rows(value: Any, mean: Tensor, *, name: str) -> Tensor:
    """The data or anchors that belong to a posterior, one row per sample.

    Args:
        value: Shape (B, D), floating; a NumPy array is brought to the device of `mean`.
        mean: Shape (B, d).
        name: What the caller calls the value.

    Raises:
        InvalidInputError: If it is not a floating array with one row per row of `mean`, or a
            tensor on another device.
    """
    if not isinstance(value, Tensor):
        if isinstance(value, np.ndarray) and (
            not value.flags.writeable or min(value.strides, default=0) < 0
        ):
            value = value.copy()  # torch takes neither as it is
        try:
            value = torch.as_tensor(value, device=mean.device)
        except (TypeError, ValueError, RuntimeError) as err:
            msg = f"`{name}` must be a tensor or array of shape (B, D): {err}"
            raise InvalidInputError(msg) from err
    _check_floating(value, name=name)
    if value.device != mean.device:
        msg = f"`mean` is on {mean.device} but `{name}` on {value.device}. Move one of them."
        raise InvalidInputError(msg)
    if value.ndim != 2 or len(value) != len(mean):
        msg = (
            f"`{name}` must have one row for each of the {len(mean)} rows of `mean`, got shape "
            f"{tuple(value.shape)}. Flatten other axes: `{name}.flatten(1)`."
        )
        raise InvalidInputError(msg)
    return value


def check_same_device(buffer: Tensor, mean: Tensor) -> None:
    """Refuse a posterior that is not where the potential's buffers are.

    Raises:
        InvalidInputError: If the devices differ.
    """
    if buffer.device != mean.device:
        msg = (
            f"The potential is on {buffer.device} but `mean` on {mean.device}. "
            f"Move it once: `hamiltonian.to({str(mean.device)!r})`."
        )
        raise InvalidInputError(msg)


def check_energy(
    energy: Tensor, mean: Tensor, logvar: Tensor | None, x: Any = None, anchors: Any = None
) -> None:
    """Refuse a posterior or data whose energy is no finite number; waits for the device.

    Three reductions and two numbers read: some 10 µs on a CPU. Which argument is to blame is
    looked up only when something is wrong.

    Args:
        energy: E_q[V], shape (B,).
        mean: Shape (B, d).
        logvar: Shape (B, d) or None.
        x: What was given as x.
        anchors: What was given as anchors.

    Raises:
        InvalidInputError: If an energy is not finite, or mean or exp(logvar) is not: wells answer
            that with energy 0, and with a gradient that is NaN.
    """
    dtype = compute_dtype(mean.dtype)
    highest = math.log(torch.finfo(dtype).max)
    top = -math.inf if logvar is None or not logvar.numel() else logvar.detach().amax().item()
    total = energy.detach().sum() + mean.detach().sum()
    if math.isfinite(total.item()) and top < highest:
        return
    _check_rows(mean=mean, logvar=logvar, x=x, anchors=anchors)
    if top >= highest:
        msg = (
            f"`logvar` reaches {top:.4g}, whose exponential overflows {dtype}. "
            "Bound it in the encoder, e.g. `logvar.clamp(-20, 20)`."
        )
        raise InvalidInputError(msg)
    if not energy.detach().isfinite().all():
        msg = (
            "The potential's energy is not finite although `mean`, `logvar` and the data are. "
            "Look for values too large to square, or for a potential of your own that divides "
            "by 0."
        )
        raise InvalidInputError(msg)


def check_excitation(energy: Tensor, mean: Tensor, logvar: Tensor) -> None:
    """Refuse a posterior whose excitation energy is no finite number, where values can be seen.

    Args:
        energy: Shape (B,).
        mean: Shape (B, d).
        logvar: Shape (B, d).

    Raises:
        InvalidInputError: If an energy is not finite.
    """
    if not has_values(energy) or bool(energy.detach().isfinite().all()):
        return
    _check_rows(mean=mean, logvar=logvar)
    low, high = logvar.detach().aminmax()
    msg = (
        f"The excitation energy overflows {energy.dtype}: `mean` reaches "
        f"{mean.detach().abs().amax().item():.4g}, `logvar` goes from {low.item():.4g} to "
        f"{high.item():.4g}. Bound it in the encoder, e.g. `logvar.clamp(-20, 20)`, or pass "
        "float64."
    )
    raise InvalidInputError(msg)


def has_values(tensor: Tensor) -> bool:
    """Whether one may branch on a tensor's values.

    A compiler and `torch.func` do not have them, nor has the device "meta".
    """
    if torch.compiler.is_compiling() or torch.func.debug_unwrap(tensor) is not tensor:
        return False
    return not tensor.is_meta


def _check_rows(**arguments: Any) -> None:
    """Refuse arguments, by name, that hold NaN or infinity; None is left out."""
    for name, value in arguments.items():
        if value is None:
            continue
        rows = torch.as_tensor(value).detach()
        bad = (~rows.isfinite()).nonzero()
        if len(bad):
            msg = (
                f"`{name}` holds {rows[tuple(bad[0])].item()} in row {int(bad[0, 0])}. "
                "Either the data have a gap or training has diverged: look at the input, or lower "
                "the learning rate."
            )
            raise InvalidInputError(msg)


def _check_floating(value: Any, *, name: str) -> None:
    if not isinstance(value, Tensor):
        msg = f"`{name}` must be a floating-point tensor, got {type(value).__name__}."
        raise InvalidInputError(msg)
    if not value.is_floating_point():
        fix = "Take its real part." if value.is_complex() else f"Pass `{name}.float()`."
        msg = f"`{name}` must be a floating-point tensor, got {value.dtype}. {fix}"
        raise InvalidInputError(msg)
