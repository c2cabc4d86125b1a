"""What a model must be for its seeds to be trained and compared."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from topopert.errors import InvalidInputError

__all__ = ["check_model"]


def check_model(
    model: nn.Module, points: Tensor, latent_dim: int, *, likelihood: str = "gaussian"
) -> None:
    """Refuse a model that is no VAE of the agreed form, by one pass over a few rows.

    Args:
        model: The model.
        points: A few rows, shape (B, D).
        latent_dim: The dimension d that its codes must have.
        likelihood: Of the data given the decoder's answer.

    Raises:
        InvalidInputError: If it is no module with ``encode(x) -> (mean, logvar)`` and
            ``decode(z) -> x̂`` or ``(x̂, log σ²)``, of shapes (B, d), (B, d) and (B, D).
    """
    if not isinstance(model, nn.Module):
        msg = f"`model` must build an nn.Module, got {type(model).__name__}."
        raise InvalidInputError(msg)
    for method in ("encode", "decode"):
        if not callable(getattr(model, method, None)):
            msg = (
                f"{type(model).__name__} has no method `{method}`. A model needs "
                "`encode(x) -> (mean, logvar)` and `decode(z) -> x̂`."
            )
            raise InvalidInputError(msg)
    wrong = {p.dtype for p in model.parameters()} - {points.dtype}
    if wrong:
        msg = (
            f"{type(model).__name__} has parameters of type {', '.join(map(str, wrong))}, "
            f"training is in {points.dtype}. Build it with `.to({points.dtype})`."
        )
        raise InvalidInputError(msg)
    model = copy.deepcopy(model).eval()  # looking must not change running statistics
    with torch.no_grad():
        posterior = model.encode(points)  # type: ignore[operator]
        if not isinstance(posterior, tuple | list) or len(posterior) != 2:
            msg = f"`encode` must return (mean, logvar), got {type(posterior).__name__}."
            raise InvalidInputError(msg)
        decoded = model.decode(posterior[0])  # type: ignore[operator]
    wanted = (len(points), latent_dim)
    answers: list[tuple[str, Any, tuple[int, ...]]] = [
        ("mean", posterior[0], wanted),
        ("logvar", posterior[1], wanted),
    ]
    if isinstance(decoded, tuple) and len(decoded) == 2:
        if likelihood == "bernoulli":
            msg = (
                "`decode` returns two values, a Bernoulli likelihood takes one, the logits. "
                "Return those, or train with likelihood='gaussian'."
            )
            raise InvalidInputError(msg)
        names = ("the reconstruction", "the log-variance of the reconstruction")
        answers += [(n, v, tuple(points.shape)) for n, v in zip(names, decoded, strict=True)]
    else:
        answers.append(("the reconstruction", decoded, tuple(points.shape)))
    for name, value, shape in answers:
        if not isinstance(value, Tensor) or tuple(value.shape) != shape:
            given = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            msg = f"For input {tuple(points.shape)} {name} must have shape {shape}, got {given}."
            raise InvalidInputError(msg)
