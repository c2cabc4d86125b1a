"""The unit of work: some seeds of one arm, trained at once and judged on held-out rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from topopert.errors import BackendError
from topopert.models import Ensemble, StepRecord, TrainingConfig, train_ensemble
from topopert.rng import RunStreams

from .memory import is_out_of_memory
from .own_training import TrainingFunction, train_by
from .plans import ArmPlan
from .quality import evaluate

__all__ = ["Chunk", "ChunkResult", "Task", "run_task"]

_CURVE_POINTS = 200


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some seeds of an arm, of one architecture."""

    arm: str
    seeds: tuple[int, ...]

    @property
    def name(self) -> str:
        """A name for a file."""
        return f"{self.arm}-{self.seeds[0]:03d}-{self.seeds[-1]:03d}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """All that a chunk's training needs: it can be sent to another process."""

    chunk: Chunk
    plan: ArmPlan
    models: Sequence[nn.Module]  # initial ones, one per seed of the chunk
    streams: Sequence[RunStreams]
    samples: Tensor | None  # rows that each seed is trained on, (k, M)
    train: Tensor  # (N, D), as the models see them, like all that follows
    test: Tensor
    noise_variance: float
    config: TrainingConfig
    function: TrainingFunction | None
    evaluation_seed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChunkResult:
    """What a chunk came to; the first axis is its k seeds, the curve's last."""

    latents: NDArray[np.float64]  # (k, N_test, d)
    logvars: NDArray[np.float64]  # (k, N_test, d)
    neg_elbo: NDArray[np.float64]  # (k,)
    reconstruction: NDArray[np.float64]  # (k,)
    kl_per_axis: NDArray[np.float64]  # (k, d)
    learning_curve: NDArray[np.float64]  # (n, k)
    seconds: float
    state: Mapping[str, NDArray]  # the trained models' stacked parameters and buffers


def run_task(task: Task, on_step: Callable[[int], None] | None = None) -> ChunkResult:
    """Train the seeds of a task and evaluate them on its held-out rows.

    Args:
        task: The task.
        on_step: Called with the number of steps done, from 1, a step being one of all seeds.

    Raises:
        BackendError: If memory runs out.
    """
    try:
        return _run(task, on_step)
    except (MemoryError, RuntimeError) as err:
        if not is_out_of_memory(err):
            raise
        seeds = ", ".join(map(str, task.chunk.seeds))
        reason = " ".join(str(err).split())
        msg = (
            f"Memory ran out while arm {task.chunk.arm!r} was trained (seeds {seeds}): "
            f"{reason or type(err).__name__}. Take a smaller model, fewer rows or a smaller "
            "batch_size."
        )
        raise BackendError(msg) from err


def _run(task: Task, on_step: Callable[[int], None] | None) -> ChunkResult:
    started = time.perf_counter()
    ensemble, losses = _trained(task, on_step or (lambda step: None))
    seconds = max(0.0, time.perf_counter() - started)  # some machines' clocks step back
    held_out = evaluate(
        ensemble,
        task.test,
        likelihood=task.config.likelihood,
        noise_variance=task.noise_variance,
        generator=torch.Generator().manual_seed(task.evaluation_seed),
    )
    stretches = np.array_split(losses, min(_CURVE_POINTS, len(losses))) if len(losses) else []
    state = {**ensemble.parameters, **ensemble.buffers}
    return ChunkResult(
        latents=held_out.mean,
        logvars=held_out.logvar,
        neg_elbo=held_out.neg_elbo,
        reconstruction=held_out.reconstruction,
        kl_per_axis=held_out.kl_per_axis,
        learning_curve=np.array([part.mean(axis=0) for part in stretches]).reshape(
            len(stretches), len(task.models)
        ),
        seconds=seconds,
        state={name: value.detach().cpu().numpy() for name, value in state.items()},
    )


def _trained(task: Task, on_step: Callable[[int], None]) -> tuple[Ensemble, NDArray[np.floating]]:
    """The trained models and their losses, shape (n_steps, k)."""
    if task.function is not None:
        done = np.zeros(len(task.models), dtype=int)

        def count(k: int, loss: float) -> None:
            done[k] += 1
            # All seeds together have done as many steps as their mean.
            on_step(min(int(done.mean()), task.config.n_steps))

        return train_by(
            task.function,
            task.models,
            task.train,
            noise_variance=task.noise_variance,
            config=task.config,
            streams=task.streams,
            energy=task.plan.energy,
            context=task.plan.context,
            samples=task.samples,
            on_step=count,
        )
    losses: list[Tensor] = []

    def record(step: StepRecord) -> None:
        losses.append(step.loss)
        on_step(step.step)

    ensemble = train_ensemble(
        task.models,
        task.train,
        noise_variance=task.noise_variance,
        config=task.config,
        streams=task.streams,
        energy=task.plan.energy,
        context=task.plan.context,
        samples=task.samples,
        on_step=record,
    )
    return ensemble, torch.stack(losses).cpu().numpy()
