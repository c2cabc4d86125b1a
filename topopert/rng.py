"""Independent random streams from one integer seed, on NumPy's `SeedSequence.spawn`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

__all__ = ["RunStreams", "seeded_init", "spawn_generators", "spawn_runs"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunStreams:
    """The streams of one training run; a run and its baseline share all of them.

    Each property and method starts its stream anew, so that two arms that read the same record
    see the same numbers.
    """

    init: int  # seed of the initial weights, for `seeded_init`
    order_seed: int
    noise_seed: int
    sample_seed: int

    def order(self) -> np.random.Generator:
        """The stream of the order of the data, from its start."""
        return np.random.default_rng(self.order_seed)

    def noise(self) -> torch.Generator:
        """The stream of the posterior's noise (on the CPU), from its start."""
        return torch.Generator().manual_seed(self.noise_seed)

    def sample(self) -> np.random.Generator:
        """The stream of what is resampled for the run, from its start."""
        return np.random.default_rng(self.sample_seed)


def spawn_generators(seed: int, n: int) -> list[np.random.Generator]:
    """The first n independent generators that the seed spawns."""
    return [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(n)]


def spawn_runs(seed: int, n_runs: int) -> list[RunStreams]:
    """The streams of n_runs runs; the first k do not depend on how many follow."""
    runs = []
    for child in np.random.SeedSequence(seed).spawn(n_runs):
        names = ("init", "order_seed", "noise_seed", "sample_seed")
        # Shifted as Python's integer: NumPy 1 makes a uint64 and an int a float.
        states = (int(s.generate_state(1, np.uint64)[0]) >> 1 for s in child.spawn(len(names)))
        runs.append(RunStreams(**dict(zip(names, states, strict=True))))
    return runs


@contextmanager
def seeded_init(seed: int) -> Iterator[None]:
    """Layers that are built inside draw their initial weights from `seed`.

    Layer constructors take no generator. This is the only code that touches torch's global
    stream, and it puts the stream back.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
