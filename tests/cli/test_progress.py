"""Progress on a terminal."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from topopert.cli.progress import ComparisonProgress
from topopert.comparison import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at(done: int, *, arm: str = "baseline", step: int | None = None) -> Progress:
    step = done if step is None else step
    return Progress(arm=arm, arm_index=0, n_arms=2, step=step, n_steps=100, done=done, total=200)


@contextmanager
def shown(monkeypatch, **kwargs) -> Iterator[ComparisonProgress]:
    # Here and not in a fixture: pytest changes sys.stderr between set-up and test.
    monkeypatch.setattr(sys, "stderr", Terminal())
    with ComparisonProgress("flowers", **kwargs) as progress:
        yield progress


def test_steps_of_all_arms_make_one_bar(monkeypatch) -> None:
    with shown(monkeypatch) as progress:
        for done in range(1, 151):
            progress(at(done))
        bar = progress._bar
        assert (bar.n, bar.total, bar.initial) == (150, 200, 0)


def test_what_was_kept_does_not_count_for_the_time_left(monkeypatch) -> None:
    with shown(monkeypatch) as progress:
        progress(at(100))
        for step in range(1, 11):
            progress(at(100 + step, arm="perturbed", step=step))
        bar = progress._bar
        assert (bar.n, bar.initial) == (110, 100)


def test_with_an_executor_leaps_are_work(monkeypatch) -> None:
    with shown(monkeypatch, by_steps=False) as progress:
        progress(at(100))
        assert (progress._bar.n, progress._bar.initial) == (100, 0)
