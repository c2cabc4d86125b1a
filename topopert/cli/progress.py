"""Progress of a comparison: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

import click

from topopert.comparison import Progress

__all__ = ["ComparisonProgress"]


class ComparisonProgress:
    """A callback for `compare(on_progress=...)`, to be used as a context.

    Args:
        title: What is compared.
        by_steps: Whether progress comes step by step, as it does without an executor. What then
            comes in one leap was kept from an earlier run.
    """

    def __init__(self, title: str, *, by_steps: bool = True) -> None:
        self.title = title
        self.by_steps = by_steps
        self._bar: Any = None
        self._on_terminal = sys.stderr.isatty()
        self._announced: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __call__(self, progress: Progress) -> None:
        """Show the progress."""
        if self._on_terminal:
            self._advance(progress)
        elif progress.arm not in self._announced:
            place = f"{progress.arm_index + 1}/{progress.n_arms}, {progress.arm}"
            done = 1 < progress.step == progress.n_steps
            line = f"arm {place}, is done" if done else f"training arm {place}"
            click.echo(f"{self.title}: {line}", err=True)
        self._announced.add(progress.arm)

    def _advance(self, progress: Progress) -> None:
        if self._bar is None:
            from tqdm import tqdm

            # The time left is that of the average step: arms differ in speed, so no smoothing.
            self._bar = tqdm(
                total=progress.total,
                unit="step",
                leave=False,
                delay=0.2,
                smoothing=0,
                dynamic_ncols=True,
            )
            # tqdm takes the time of day, which may be set back; then the time left were negative.
            self._bar._time = time.monotonic
            self._bar.start_t = self._bar.last_print_t = time.monotonic()
        leap = progress.done - self._bar.n
        if self.by_steps and leap > 1:
            self._bar.initial += leap  # no time was spent on these
        if progress.arm not in self._announced:
            self._bar.set_description(f"{self.title}: {progress.arm}", refresh=False)
        self._bar.update(leap)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
