"""Progress of a comparison: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

import click

from topopert.comparison import Progress

__all__ = ["ComparisonProgress"]


class ComparisonProgress:
    """A callback for `compare(on_progress=...)`, to be used as a context.

    Args:
        title: What is compared.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._bar: Any = None
        self._on_terminal = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __call__(self, progress: Progress) -> None:
        """Show the progress."""
        if not self._on_terminal:
            if progress.step == 1:
                place = f"{progress.arm_index + 1}/{progress.n_arms}"
                click.echo(f"{self.title}: training arm {place}, {progress.arm}", err=True)
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(
                total=progress.n_arms * progress.n_steps, unit="step", leave=False, delay=0.2
            )
        if progress.step == 1:
            self._bar.set_description(f"{self.title}: {progress.arm}")
        self._bar.update()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
