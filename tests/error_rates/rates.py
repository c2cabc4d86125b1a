"""How often the tests find what is not there, and how often what is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.stats import binomtest

import topopert as tp
from topopert.topology.distances import pairwise_distances
from topopert.topology.features import find_features
from topopert.topology.landmarks import nearest_landmarks

from .clouds import AWKWARD, SHAPES, STRUCTURELESS

__all__ = ["Rate", "Size", "counts_of", "false_positives", "power"]


class Size(NamedTuple):
    """How large a cloud is and how far its homology is computed."""

    n_points: int
    n_landmarks: int
    max_homology_dim: int


class Rate(NamedTuple):
    """Hits among trials."""

    n_hits: int
    n_trials: int

    def pooled(self, other: Rate) -> Rate:
        return Rate(self.n_hits + other.n_hits, self.n_trials + other.n_trials)

    def __format__(self, spec: str) -> str:
        """The share in per cent with its 95 % interval (Clopper and Pearson)."""
        interval = binomtest(self.n_hits, self.n_trials).proportion_ci(0.95, method="exact")
        share, low, high = (
            format(100 * x, spec)
            for x in (self.n_hits / self.n_trials, interval.low, interval.high)
        )
        return f"{share} [{low}, {high}]"


def counts_of(
    points: NDArray[np.float64], *, n_landmarks: int, max_homology_dim: int
) -> tuple[int, ...]:
    """Number of significant classes in each homology dimension at the default level."""
    # The estimator's own road up to the features; the layouts would cost more than all of it.
    indices, _ = tp.maxmin_landmarks(points, n_landmarks)
    landmarks = np.unique(points[indices], axis=0)
    mass = np.bincount(nearest_landmarks(points, landmarks), minlength=len(landmarks))
    features = find_features(
        pairwise_distances(landmarks),
        mass.astype(np.float64),
        max_homology_dim=max_homology_dim,
        significance=0.05,
    ).features
    found = [f.homology_dim for f in features]
    return tuple(found.count(dim) for dim in range(max_homology_dim + 1))


def false_positives(
    kind: str, sizes: Sequence[Size], *, n_clouds: int, n_jobs: int = 1
) -> tuple[Rate, ...]:
    """Share of clouds of one kind with a class in H0, H1, H2 and, last, in any of them.

    Args:
        kind: Name of a structureless or awkward cloud.
        sizes: Sizes of the clouds.
        n_clouds: Number of clouds of each size.
        n_jobs: Number of processes.
    """
    make = {**STRUCTURELESS, **AWKWARD}[kind]

    def one(size: Size, repeat: int) -> tuple[int, ...]:
        rng = np.random.default_rng([repeat, *size, *kind.encode()])
        return counts_of(
            make(size.n_points, rng),
            n_landmarks=size.n_landmarks,
            max_homology_dim=size.max_homology_dim,
        )

    answers = _run(one, [(size, repeat) for size in sizes for repeat in range(n_clouds)], n_jobs)
    found = [
        [answer[dim] > 0 for answer in answers if len(answer) > dim]
        for dim in range(1 + max(size.max_homology_dim for size in sizes))
    ]
    found.append([any(answer) for answer in answers])
    return tuple(Rate(sum(hits), len(hits)) for hits in found)


def power(
    name: str, *, noise: float, n_runs: int, n_landmarks: int | None = None, n_jobs: int = 1
) -> tuple[Rate, Rate]:
    """Share of runs that find exactly the true number of classes, and at least that number.

    Args:
        name: Name of a shape.
        noise: Standard deviation for each coordinate, in units of the shape's RMS radius.
        n_runs: Number of runs.
        n_landmarks: Of the shape's own number if None.
        n_jobs: Number of processes.
    """
    shape = SHAPES[name]

    def one(repeat: int) -> tuple[int, ...]:
        rng = np.random.default_rng([repeat, *name.encode()])
        return counts_of(
            shape.sample(shape.n_points, noise, rng),
            n_landmarks=n_landmarks or shape.n_landmarks,
            max_homology_dim=len(shape.betti) - 1,
        )

    answers = np.array(_run(one, [(repeat,) for repeat in range(n_runs)], n_jobs))
    exactly = (answers == shape.betti).all(axis=1)
    at_least = (answers >= shape.betti).all(axis=1)
    return Rate(int(exactly.sum()), n_runs), Rate(int(at_least.sum()), n_runs)


def _run(
    work: Callable[..., tuple[int, ...]], arguments: list[tuple], n_jobs: int
) -> list[tuple[int, ...]]:
    answers = Parallel(n_jobs=n_jobs)(delayed(work)(*each) for each in arguments)
    return cast("list[tuple[int, ...]]", answers)
