"""What a decoder makes of the points of a path or a trajectory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from topopert._checks import check_count, check_strided
from topopert.errors import InvalidInputError, InvalidTypeError
from topopert.hamiltonian.surfaces import row_blocks

__all__ = ["decode_along"]


def decode_along(
    decoder: Callable[[Tensor], Any], points: Tensor, *, batch_size: int = 4096
) -> Tensor:
    """The decoder's answers along points of the latent space, shape (*points.shape[:-1], D, …).

    The decoder is asked in evaluation mode, without gradients, in batches, with codes of its own
    type and on its own device; afterwards every part of it is in the mode that it was in.

    Args:
        decoder: A module, a method of one such as `model.decode`, or any function that maps codes
            (B, d) to (B, D, …). Of a tuple, such as x̂ with a learned variance, the first counts.
        points: Codes, shape (..., d): a path (n, d), a trajectory (n_frames, B, d).
        batch_size: How many codes are decoded at once.

    Raises:
        InvalidInputError: If the points are no floating-point tensor with a last axis of codes, or
            the decoder does not answer with one row per code.
    """
    batch_size = check_count(batch_size, name="batch_size")
    if not isinstance(points, Tensor) or not points.is_floating_point() or points.ndim < 1:
        given = points.dtype if isinstance(points, Tensor) else type(points).__name__
        msg = f"`points` must be a floating-point tensor of shape (..., d), got {given}."
        raise InvalidInputError(msg)
    check_strided(points, name="points")
    if not callable(decoder):
        msg = f"`decoder` must be a function of the codes, got {type(decoder).__name__}."
        raise InvalidTypeError(msg)
    module = _module_of(decoder)
    like = _like(module, points)
    codes = points.detach().reshape(-1, points.shape[-1])
    with torch.no_grad(), _evaluating(module):
        answers = [
            _checked_answer(decoder(codes[rows].to(like.device, like.dtype)), len(codes[rows]))
            for rows in row_blocks(len(codes), batch_size)
        ]
    decoded = torch.cat(answers)
    return decoded.reshape(*points.shape[:-1], *decoded.shape[1:])


def _module_of(decoder: Callable[[Tensor], Any]) -> nn.Module | None:
    owner = decoder if isinstance(decoder, nn.Module) else getattr(decoder, "__self__", None)
    return owner if isinstance(owner, nn.Module) else None


def _like(module: nn.Module | None, points: Tensor) -> Tensor:
    """A tensor of the type and device that the decoder wants."""
    tensors = [] if module is None else [*module.parameters(), *module.buffers()]
    return next((t for t in tensors if t.is_floating_point()), points)


@contextmanager
def _evaluating(module: nn.Module | None) -> Iterator[None]:
    parts = [] if module is None else list(module.modules())
    # Parts may differ: a frozen encoder's batch norm stays in evaluation mode.
    modes = [part.training for part in parts]
    try:
        if module is not None:
            module.eval()
        yield
    finally:
        for part, mode in zip(parts, modes, strict=True):
            part.training = mode


def _checked_answer(answer: Any, n: int) -> Tensor:
    if isinstance(answer, tuple) and answer:
        answer = answer[0]
    if not isinstance(answer, Tensor) or answer.ndim < 1 or len(answer) != n:
        given = tuple(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
        msg = f"The decoder must map {n} codes to a tensor of {n} rows, got {given}."
        raise InvalidInputError(msg)
    return answer
