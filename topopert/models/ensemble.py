"""Several VAEs that differ in their seeds alone, trained at once."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from topopert._checks import check_count, check_real
from topopert.errors import InvalidInputError
from topopert.rng import RunStreams, seeded_init

from .objective import gaussian_reconstruction, kl_divergence, reparameterize

__all__ = [
    "EnergyTerm",
    "Ensemble",
    "StepRecord",
    "TrainingConfig",
    "check_model",
    "train_ensemble",
]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """How the models are trained: Adam, its learning rate decaying to 0 along a cosine.

    Args:
        n_steps: Number of steps.
        batch_size: Rows per step; all rows if there are fewer.
        learning_rate: At the first step.
        noise_variance: σ² of the Gaussian decoder in squared units of the data; None lets
            `compare` choose it from the data.

    Raises:
        InvalidInputError: If a value is out of its range.
    """

    n_steps: int = 2000
    batch_size: int = 128
    learning_rate: float = 2e-3
    noise_variance: float | None = None

    def __post_init__(self) -> None:
        check_count(self.n_steps, name="n_steps")
        check_count(self.batch_size, name="batch_size")
        check_real(self.learning_rate, name="learning_rate", low=0.0, low_open=True)
        if self.noise_variance is not None:
            check_real(self.noise_variance, name="noise_variance", low=0.0, low_open=True)


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ensemble:
    """K models of one architecture; their parameters are stacked, (K, ...)."""

    skeleton: nn.Module
    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]

    @classmethod
    def stack(cls, models: Sequence[nn.Module]) -> Ensemble:
        """The ensemble of the models, copies of their parameters stacked."""
        parameters, buffers = stack_module_state(list(models))
        return cls(skeleton=copy.deepcopy(models[0]), parameters=parameters, buffers=buffers)

    def __len__(self) -> int:
        return len(next(iter(self.parameters.values())))

    def model_state(self, k: int) -> dict[str, Tensor]:
        """The state dict of model k, detached copies."""
        stacked = {**self.parameters, **self.buffers}
        return {name: value[k].detach().clone() for name, value in stacked.items()}

    @torch.no_grad()
    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior means and log-variances of x (B, D), each of shape (K, B, d)."""
        pairs = [self._call(k, "encode", x) for k in range(len(self))]
        return torch.stack([mean for mean, _ in pairs]), torch.stack([lv for _, lv in pairs])

    @torch.no_grad()
    def decode(self, z: Tensor) -> Tensor:
        """Reconstructions of z (K, B, d), shape (K, B, D)."""
        return torch.stack([self._call(k, "decode", z[k]) for k in range(len(self))])

    def _call(self, k: int, method: str, value: Tensor) -> Any:
        self.skeleton.eval()  # no dropout, no statistics of the batch
        return functional_call(_Method(self.skeleton, method), self._state(k), (value,))

    def _state(self, k: int) -> dict[str, Tensor]:
        stacked = {**self.parameters, **self.buffers}
        return {f"model.{name}": value[k] for name, value in stacked.items()}


class _Method(nn.Module):
    """A method of a model as a module's forward, which is all that `functional_call` calls."""

    def __init__(self, model: nn.Module, method: str) -> None:
        super().__init__()
        self.model = model
        self.method = method

    def forward(self, value: Tensor) -> Any:
        return getattr(self.model, self.method)(value)


class _Pass(nn.Module):
    """Encoder, draw and decoder as one forward."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, logvar = self.model.encode(x)  # type: ignore[operator]
        return mean, logvar, self.model.decode(reparameterize(mean, logvar, noise))  # type: ignore[operator]


def check_model(model: nn.Module, points: Tensor, latent_dim: int) -> None:
    """Refuse a model that is no VAE of the agreed form, by one pass over a few rows.

    Args:
        model: The model.
        points: A few rows, shape (B, D).
        latent_dim: The dimension d that its codes must have.

    Raises:
        InvalidInputError: If it is no module with ``encode(x) -> (mean, logvar)`` and
            ``decode(z) -> x̂``, of shapes (B, d), (B, d) and (B, D).
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
    for name, value, shape in (
        ("mean", posterior[0], wanted),
        ("logvar", posterior[1], wanted),
        ("the reconstruction", decoded, tuple(points.shape)),
    ):
        if not isinstance(value, Tensor) or tuple(value.shape) != shape:
            given = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            msg = f"For input {tuple(points.shape)} {name} must have shape {shape}, got {given}."
            raise InvalidInputError(msg)


def train_ensemble(
    models: Sequence[nn.Module],
    points: Tensor,
    *,
    noise_variance: float,
    config: TrainingConfig,
    streams: Sequence[RunStreams],
    energy: EnergyTerm | None = None,
    context: Tensor | None = None,
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
        on_step: Called after each step.

    Returns:
        The trained ensemble.
    """
    n_points = len(points)
    batch_size = min(config.batch_size, n_points)
    ensemble = Ensemble.stack(models)
    orders = [_batches(run.order(), n_points, batch_size) for run in streams]
    noises = [run.noise() for run in streams]
    latent_dim = ensemble.encode(points[:2])[0].shape[2]
    ensemble.skeleton.train()

    def loss_of_one(
        state: dict[str, Tensor], x: Tensor, noise: Tensor, field: Tensor, progress: float
    ) -> Tensor:
        mean, logvar, decoded = functional_call(forward_pass, state, (x, noise))
        loss = gaussian_reconstruction(x, decoded, noise_variance) + kl_divergence(mean, logvar)
        if energy is not None:
            loss = loss + energy(mean, logvar, field, progress)
        return loss.mean()

    forward_pass = _Pass(ensemble.skeleton)
    batched_loss = _SeedLosses(loss_of_one)
    context = points if context is None else context
    optimizer = torch.optim.Adam(ensemble.parameters.values(), lr=config.learning_rate)
    state = {f"model.{name}": p for name, p in {**ensemble.parameters, **ensemble.buffers}.items()}
    # A model that draws by itself (dropout) takes the global stream: the same for every arm.
    with seeded_init(streams[0].noise_seed):
        for step in range(config.n_steps):
            progress = step / config.n_steps
            rows = torch.from_numpy(np.stack([next(order) for order in orders])).to(points.device)
            noise = torch.stack(
                [torch.randn(batch_size, latent_dim, generator=generator) for generator in noises]
            ).to(points)  # (K, B, d)
            losses = batched_loss(state, points[rows], noise, context[rows], progress)  # (K,)
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


class _SeedLosses:
    """The losses of all seeds, (K,): in one vectorised pass if the model allows it."""

    def __init__(self, loss_of_one: Callable[..., Tensor]) -> None:
        self.loss_of_one = loss_of_one
        self.vectorised = vmap(loss_of_one, in_dims=(0, 0, 0, 0, None))
        self.mode = "untried"

    def __call__(
        self, state: dict[str, Tensor], x: Tensor, noise: Tensor, field: Tensor, progress: float
    ) -> Tensor:
        if self.mode == "vectorised":
            return self.vectorised(state, x, noise, field, progress)
        if self.mode == "untried":
            try:
                losses = self.vectorised(state, x, noise, field, progress)
            except RuntimeError as err:  # what vmap raises where it cannot follow a model
                logger.info("the seeds are trained one by one: %s", err)
                self.mode = "one by one"
            else:
                self.mode = "vectorised"
                return losses
        per_seed = []
        for k in range(len(x)):
            own = {name: value[k] for name, value in state.items()}
            per_seed.append(self.loss_of_one(own, x[k], noise[k], field[k], progress))
        return torch.stack(per_seed)
