"""Where a comparison is, for a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .tasks import Task

__all__ = ["Progress", "StepCounter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a comparison is; a step is one of all seeds of a chunk."""

    arm: str
    arm_index: int
    n_arms: int
    step: int  # of the arm, from 1
    n_steps: int  # of the arm
    done: int  # steps of all arms, those that a folder kept included
    total: int


class StepCounter:
    """Adds up the steps of tasks, in whatever order they come, and reports each advance.

    Args:
        tasks: All tasks of the comparison, in the order of the arms.
        on_progress: Called after each advance; None is silent.
    """

    def __init__(
        self, tasks: Sequence[Task], on_progress: Callable[[Progress], None] | None
    ) -> None:
        self.tasks = {task.chunk: 0 for task in tasks}
        self.on_progress = on_progress
        self.arms = list(dict.fromkeys(task.chunk.arm for task in tasks))
        self.steps = {
            arm: sum(task.config.n_steps for task in tasks if task.chunk.arm == arm)
            for arm in self.arms
        }

    def __call__(self, task: Task, step: int) -> None:
        """A task has done so many steps by now."""
        if step <= self.tasks[task.chunk]:
            return
        self.tasks[task.chunk] = step
        if self.on_progress is None:
            return
        arm = task.chunk.arm
        self.on_progress(
            Progress(
                arm=arm,
                arm_index=self.arms.index(arm),
                n_arms=len(self.arms),
                step=sum(n for chunk, n in self.tasks.items() if chunk.arm == arm),
                n_steps=self.steps[arm],
                done=sum(self.tasks.values()),
                total=sum(self.steps.values()),
            )
        )
