"""What differs between the runs of an arm beside their random streams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from topopert.errors import InvalidInputError
from topopert.models import MLPVAE, check_model
from topopert.rng import RunStreams, seeded_init

__all__ = ["VARIATIONS", "ModelFactory", "bootstrap_samples", "initial_models", "model_factories"]

VARIATIONS = ("seed", "bootstrap", "architecture")
_WIDTHS = (32, 64, 128)

ModelFactory = Callable[[int, int], nn.Module]


def model_factories(
    model: ModelFactory | Sequence[ModelFactory] | None, vary: str
) -> list[ModelFactory]:
    """The factories that the runs take in turn: one, or several where architectures vary.

    Raises:
        InvalidInputError: If a factory is none, or their number does not suit what varies.
    """
    if vary == "architecture":
        if model is None:
            return [partial(MLPVAE, hidden=(width, width)) for width in _WIDTHS]
        if not isinstance(model, Sequence) or len(model) < 2:
            msg = (
                "vary='architecture' needs `model` as a sequence of at least two factories, or "
                f"None for perceptrons of width {', '.join(map(str, _WIDTHS))}; got {model!r}."
            )
            raise InvalidInputError(msg)
        factories: list[Any] = list(model)
    else:
        factories = [MLPVAE if model is None else model]
    for factory in factories:
        if isinstance(factory, nn.Module) or not callable(factory):
            msg = (
                "`model` must be a factory (input_dim, latent_dim) -> nn.Module that builds a "
                f"fresh model per seed, e.g. a class, not {type(factory).__name__} itself."
            )
            raise InvalidInputError(msg)
    return factories


def initial_models(
    factories: Sequence[ModelFactory],
    rows: Tensor,
    latent_dim: int,
    streams: Sequence[RunStreams],
    *,
    likelihood: str,
) -> list[nn.Module]:
    """The initial models of all runs, on the device of the rows; run k has factory k mod n.

    Args:
        factories: The n factories.
        rows: A few rows as the models will see them, shape (B, D).
        latent_dim: Dimension d of the latent space.
        streams: One per run.
        likelihood: Of the data given the decoder's answer.

    Raises:
        InvalidInputError: If a factory cannot be called so, or builds what is no VAE.
    """
    models = []
    for k, run in enumerate(streams):
        factory = factories[k % len(factories)]
        with seeded_init(run.init):
            try:
                model = factory(rows.shape[1], latent_dim)
            except TypeError as err:
                msg = (
                    "`model` must be a factory (input_dim, latent_dim) -> nn.Module, e.g. a "
                    f"class; calling it with ({rows.shape[1]}, {latent_dim}) gave: {err}"
                )
                raise InvalidInputError(msg) from err
        if k < len(factories):
            check_model(model, rows.cpu(), latent_dim, likelihood=likelihood)
        models.append(model.to(rows.device))
    return models


def bootstrap_samples(n_points: int, streams: Sequence[RunStreams]) -> Tensor:
    """Row indices drawn with replacement, n_points for each run, shape (K, n_points)."""
    draws = [run.sample().integers(n_points, size=n_points) for run in streams]
    return torch.from_numpy(np.stack(draws))
