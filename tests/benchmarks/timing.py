"""Ratios of times, measured in pairs within one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

__all__ = ["ratio", "seconds"]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratio(
    name: str, ours: Callable[[], object], reference: Callable[[], object], *, rounds: int
) -> float:
    """Print the median of ratios of neighbouring runs, after one run of each to warm up."""
    ours()
    reference()
    pairs = [(seconds(ours), seconds(reference)) for _ in range(rounds)]
    median = statistics.median(a / b for a, b in pairs)
    best = min(b for _, b in pairs)
    print(f"{name:<72} {median:6.2f}   (reference {best:.3g} s)", flush=True)
    return median
