"""Several VAEs that differ in their seeds alone, trained at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call

from topopert.rng import RunStreams, seeded_init

from .config import TrainingConfig
from .ensemble import Ensemble
from .objective import Decoded, kl_divergence, log_scale, reconstruction, reparameterize
from .over_seeds import OverSeeds

__all__ = ["EnergyTerm", "StepRecord", "train_ensemble"]


class EnergyTerm(Protocol):
    """What training asks of a perturbation."""

    def __call__(self, mean: Tensor, logvar: Tensor, context: Tensor, progress: float) -> Tensor:
        """The energy per sample, shape (B,), in nats.

        Args:
            mean: Posterior means, shape (B, d).
            logvar: Posterior log-variances, shape (B, d).
            context: The batch's rows of what the caller passed as `context`.
            progress: Share of training done, in [0, 1).
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """What a step of training reports: means over the batch, one number per seed, in nats."""

    step: int  # from 1
    n_steps: int
    loss: Tensor  # reconstruction + KL + energy, (K,)


def train_ensemble(
    models: Sequence[nn.Module],
    points: Tensor,
    *,
    noise_variance: float,
    config: TrainingConfig,
    streams: Sequence[RunStreams],
    energy: EnergyTerm | None = None,
    context: Tensor | None = None,
    samples: Tensor | None = None,
    on_step: Callable[[StepRecord], None] | None = None,
) -> Ensemble:
    """K models trained at once, each with the data order and the noise of its own streams.

    The models share every operation but no number: run k is what it would be alone, up to
    rounding. A run that diverges does not touch the others.

    Args:
        models: K initial models of one architecture; they stay as they are.
        points: Data, shape (N, D).
        noise_variance: σ² of the decoder, in squared units of the points.
        config: How to train.
        streams: One per model.
        energy: The perturbation's energy term; None is the plain VAE.
        context: Per row of the points what the energy term needs, shape (N, ...); None passes the
            points.
        samples: The rows that each model is trained on, shape (K, M); None is all rows for all.
        on_step: Called after each step.

    Returns:
        The trained ensemble.
    """
    n_points = len(points) if samples is None else samples.shape[1]
    batch_size = min(config.batch_size, n_points)
    ensemble = Ensemble.stack(models)
    orders = [_batches(run.order(), n_points, batch_size) for run in streams]
    noises = [run.noise() for run in streams]
    latent_dim = ensemble.encode(points[:2])[0].shape[2]
    ensemble.skeleton.train()
    losses_of = _Losses(ensemble.skeleton, energy, config.likelihood, noise_variance)
    context = points if context is None else context
    optimizer = torch.optim.Adam(ensemble.parameters.values(), lr=config.learning_rate)
    state = {f"model.{name}": p for name, p in {**ensemble.parameters, **ensemble.buffers}.items()}
    # A model that draws by itself (dropout) takes the global stream: the same for every arm.
    with seeded_init(streams[0].noise_seed):
        for step in range(config.n_steps):
            progress = step / config.n_steps
            rows = torch.from_numpy(np.stack([next(order) for order in orders])).to(points.device)
            if samples is not None:
                rows = samples.gather(1, rows)
            noise = torch.stack(
                [torch.randn(batch_size, latent_dim, generator=generator) for generator in noises]
            ).to(points)  # (K, B, d)
            losses = losses_of(state, points[rows], noise, context[rows], progress)  # (K,)
            optimizer.zero_grad(set_to_none=True)
            losses.sum().backward()
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * 0.5 * (1 + np.cos(np.pi * progress))
            optimizer.step()
            if on_step is not None:
                on_step(StepRecord(step=step + 1, n_steps=config.n_steps, loss=losses.detach()))
    return ensemble


def _batches(
    rng: np.random.Generator, n_points: int, batch_size: int
) -> Iterator[NDArray[np.int64]]:
    """Batches of row indices without end: each epoch a new permutation, none left over."""
    rest = np.empty(0, dtype=np.int64)
    while True:
        while len(rest) < batch_size:
            rest = np.concatenate([rest, rng.permutation(n_points)])
        yield rest[:batch_size]
        rest = rest[batch_size:]


class _Pass(nn.Module):
    """Encoder, draw and decoder as one forward."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Decoded]:
        mean, logvar = self.model.encode(x)  # type: ignore[operator]
        return mean, logvar, self.model.decode(reparameterize(mean, logvar, noise))  # type: ignore[operator]


class _Losses:
    """The losses of all seeds, (K,): reconstruction + KL + energy, means over each batch.

    The model and the energy are vectorised apart: an energy that vmap cannot follow leaves the
    model's pass, and so every bit of it, as it is without.
    """

    def __init__(
        self,
        model: nn.Module,
        energy: EnergyTerm | None,
        likelihood: str,
        noise_variance: float,
    ) -> None:
        forward_pass = _Pass(model)

        def unperturbed(
            state: dict[str, Tensor], x: Tensor, noise: Tensor, shared: None
        ) -> tuple[Tensor, Tensor, Tensor]:
            mean, logvar, decoded = functional_call(forward_pass, state, (x, noise))
            misfit = reconstruction(
                x, decoded, likelihood=likelihood, noise_variance=noise_variance
            )
            loss = misfit + log_scale(decoded) + kl_divergence(mean, logvar)
            return mean, logvar, loss

        self.unperturbed = OverSeeds(unperturbed, what="passes", n_arguments=3)
        self.energy = None
        if energy is not None:
            self.energy = OverSeeds(energy, what="energies", n_arguments=3)

    def __call__(
        self, state: dict[str, Tensor], x: Tensor, noise: Tensor, field: Tensor, progress: float
    ) -> Tensor:
        mean, logvar, losses = self.unperturbed(state, x, noise)
        if self.energy is not None:
            losses = losses + self.energy(mean, logvar, field, shared=progress)
        return losses.mean(dim=1)
