"""Tasks one after the other, or side by side over joblib."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from typing import Any, cast

from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from joblib.parallel import get_active_backend

from topopert._checks import check_choice
from topopert._lazy import require
from topopert.errors import BackendError, InvalidInputError

from .tasks import ChunkResult, Task, run_task

__all__ = ["EXECUTORS", "check_executor", "run_tasks"]

EXECUTORS = ("loky", "dask", "ray")


def check_executor(executor: str | None) -> None:
    """Refuse an executor that is unknown or not at hand, before long work.

    Raises:
        InvalidInputError: If its name is unknown, or no dask client has been made.
        MissingDependencyError: If its package is not installed.
    """
    if executor is None:
        return
    check_choice(executor, EXECUTORS, name="executor")
    if executor == "dask":
        distributed = require("distributed", extra="dask")
        try:
            distributed.get_client()
        except ValueError as err:
            msg = (
                "executor='dask' found no client. Make one first: "
                "`client = distributed.Client()` for this machine, or with a cluster's address."
            )
            raise InvalidInputError(msg) from err
    elif executor == "ray":
        require("ray.util.joblib", extra="ray").register_ray()


def run_tasks(
    tasks: Sequence[Task],
    *,
    executor: str | None,
    on_step: Callable[[Task, int], None],
) -> Iterator[tuple[Task, ChunkResult]]:
    """The tasks' results as they come: in turn without an executor, else in any order.

    Args:
        tasks: What to run.
        executor: One of `EXECUTORS`; None runs here, one task after the other.
        on_step: Called with a task and its number of steps done: at each step here, at its end
            elsewhere.

    Raises:
        BackendError: If a process of "loky" dies; dask and ray raise errors of their own.
    """
    if executor is None:
        for task in tasks:
            yield task, run_task(task, lambda step, task=task: on_step(task, step))
        return
    if not tasks:
        return
    n_jobs, threads = -1, {}
    if executor == "loky":
        n_jobs = min(len(tasks), os.cpu_count() or 1)
        # Else every worker takes all cores, and they wait for each other.
        threads = {"inner_max_num_threads": max(1, (os.cpu_count() or 1) // n_jobs)}
    calls = [delayed(_indexed)(index, task) for index, task in enumerate(tasks)]
    try:
        with parallel_config(backend=executor, n_jobs=n_jobs, **threads):
            for index, result in _as_they_come(calls):
                on_step(tasks[index], tasks[index].config.n_steps)
                yield tasks[index], result
    except BrokenExecutor as err:
        msg = f"A process of executor={executor!r} died: {err} Was memory short?"
        raise BackendError(msg) from err


def _indexed(index: int, task: Task) -> tuple[int, ChunkResult]:
    return index, run_task(task)


def _as_they_come(calls: Sequence[Any]) -> Iterator[Any]:
    """The calls' results, so that an interruption loses the fewest."""
    backend: Any = get_active_backend()[0]
    if backend.supports_return_generator:
        yield from cast("Iterator[Any]", Parallel(return_as="generator_unordered")(calls))
        return
    # ray's backend answers once all is done: as many calls at a time as it has places.
    places = max(1, effective_n_jobs())
    for first in range(0, len(calls), places):
        yield from cast("list[Any]", Parallel()(calls[first : first + places]))
