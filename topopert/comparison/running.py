"""All chunks of a comparison, those that a folder has kept not trained again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Container
from dataclasses import replace

import torch

from .runs.execution import run_tasks
from .runs.progress import Progress, StepCounter
from .runs.run_folder import RunFolder
from .runs.tasks import Chunk, ChunkResult, Task
from .setup import Setup

__all__ = ["run_setup"]

logger = logging.getLogger(__name__)


def run_setup(
    setup: Setup,
    folder: RunFolder | None,
    executor: str | None,
    on_progress: Callable[[Progress], None] | None,
) -> dict[Chunk, ChunkResult]:
    """The results of all chunks of a setup's arms.

    Args:
        setup: What to train.
        folder: Where results are kept; None keeps none.
        executor: joblib's backend; None trains here, one chunk after the other.
        on_progress: Called after each advance.

    Raises:
        BackendError: If a worker dies.
    """
    tasks = setup.tasks()
    counter = StepCounter(tasks, on_progress)
    results: dict[Chunk, ChunkResult] = {}
    continued = {task.plan.continues for task in tasks}
    if folder is not None:
        for task in tasks:
            kept = folder.read(task.chunk)
            if kept is not None:
                results[task.chunk] = _without_models(kept, task, continued)
                counter(task, task.config.n_steps)
    # An arm that continues another one waits for it.
    for follows in (False, True):
        due = [
            _continued(task, setup, results)
            for task in tasks
            if task.chunk not in results and (task.plan.continues is not None) == follows
        ]
        for task, result in run_tasks(due, executor=executor, on_step=counter):
            if folder is not None:
                folder.write(task.chunk, result)
            results[task.chunk] = _without_models(result, task, continued)
            logger.info("%s: %.1f s", task.chunk.name, result.seconds)
    return results


def _without_models(
    result: ChunkResult, task: Task, continued: Container[str | None]
) -> ChunkResult:
    """The result without its trained models, unless another arm goes on from them."""
    return result if task.plan.name in continued else replace(result, state={})


def _continued(task: Task, setup: Setup, results: dict[Chunk, ChunkResult]) -> Task:
    """The task with the trained models of the arm that it continues, if it does."""
    if task.plan.continues is None:
        return task
    state = results[Chunk(task.plan.continues, task.chunk.seeds)].state
    models = []
    for index, seed in enumerate(task.chunk.seeds):
        model = setup.fresh_model(seed)
        model.load_state_dict({k: torch.from_numpy(v[index].copy()) for k, v in state.items()})
        models.append(model)
    return replace(task, models=models)
