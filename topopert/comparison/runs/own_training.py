"""Training by a function of the user's, for models that ours cannot train."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from topopert.errors import InvalidTypeError
from topopert.models import EnergyTerm, Ensemble, TrainingConfig
from topopert.rng import RunStreams

__all__ = ["TrainingFunction", "TrainingRun", "train_by"]

RowEnergy = Callable[[Tensor, Tensor, Tensor, float], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingRun:
    """What a training function is given beside the model: one run of one arm.

    Two arms give the same streams for the same seed; a function that draws from them, and from
    nothing else, shares order and noise between the arms.
    """

    points: Tensor  # training rows as the models see them, centred and scaled, (N, D)
    noise_variance: float  # σ² of the decoder, in squared units of these points
    config: TrainingConfig
    streams: RunStreams
    energy: RowEnergy  # (mean, logvar, rows, progress) -> (B,) nats; 0 in the baseline
    record: Callable[[float], None]  # call it with each step's loss for a learning curve


TrainingFunction = Callable[[nn.Module, TrainingRun], nn.Module | None]


def train_by(
    function: TrainingFunction,
    models: Sequence[nn.Module],
    points: Tensor,
    *,
    noise_variance: float,
    config: TrainingConfig,
    streams: Sequence[RunStreams],
    energy: EnergyTerm | None,
    context: Tensor | None,
    samples: Tensor | None,
    on_step: Callable[[int, float], None],
) -> tuple[Ensemble, NDArray[np.float64]]:
    """The models as the function trains them, one after the other.

    Args:
        function: Takes a model with its initial weights and a `TrainingRun`; trains it in place,
            or returns the trained one.
        models: The initial models; they stay as they are.
        points: Data, shape (N, D).
        noise_variance: σ² of the decoder, in squared units of the points.
        config: How to train, as far as the function heeds it.
        streams: One per model.
        energy: The perturbation's energy term; None is the plain VAE.
        context: Per row of the points what the energy term needs; None passes the points.
        samples: The rows that each model is trained on, shape (K, M); None is all rows for all.
        on_step: Called with the model's index and the loss whenever the function records one.

    Returns:
        The trained ensemble and the recorded losses, shape (n, K), n the fewest that were
        recorded for a model.

    Raises:
        InvalidTypeError: If the function returns anything else than a module or None.
    """
    context = points if context is None else context
    trained, losses = [], []
    for k, (model, run) in enumerate(zip(models, streams, strict=True)):
        rows = slice(None) if samples is None else samples[k]
        own_losses: list[float] = []

        def record(loss: float, k: int = k, kept: list[float] = own_losses) -> None:
            kept.append(float(loss))
            on_step(k, kept[-1])

        model = copy.deepcopy(model).train()
        answer: Any = function(
            model,
            TrainingRun(
                points=points[rows],
                noise_variance=noise_variance,
                config=config,
                streams=run,
                energy=_row_energy(energy, context[rows]),
                record=record,
            ),
        )
        if answer is not None and not isinstance(answer, nn.Module):
            msg = f"`train` must return the trained nn.Module or None, got {answer!r}."
            raise InvalidTypeError(msg)
        trained.append(model if answer is None else answer)
        losses.append(own_losses)
    shortest = min(len(own) for own in losses)
    curve = np.array([own[:shortest] for own in losses]).reshape(len(models), shortest).T
    return Ensemble.stack(trained), curve


def _row_energy(energy: EnergyTerm | None, context: Tensor) -> RowEnergy:
    def of_rows(mean: Tensor, logvar: Tensor, rows: Tensor, progress: float) -> Tensor:
        if energy is None:
            return torch.zeros(len(mean), dtype=mean.dtype, device=mean.device)
        return energy(mean, logvar, context[rows], progress)

    return of_rows
