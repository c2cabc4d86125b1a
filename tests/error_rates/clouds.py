"""Clouds of known Betti numbers: without structure, awkward, and with structure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import topopert as tp

__all__ = ["AWKWARD", "SHAPES", "STRUCTURELESS", "Shape"]

Cloud = Callable[[int, np.random.Generator], NDArray[np.float64]]


def ball(n_points: int, rng: np.random.Generator) -> NDArray[np.float64]:
    direction = rng.normal(size=(n_points, 3))
    radius = rng.random((n_points, 1)) ** (1 / 3)
    return direction / np.linalg.norm(direction, axis=1, keepdims=True) * radius


def ellipsoid(n_points: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.normal(size=(n_points, 8)) / np.arange(1, 9)


def saddle(n_points: int, rng: np.random.Generator) -> NDArray[np.float64]:
    x, y = rng.uniform(-1, 1, size=(2, n_points))
    return np.stack([x, y, x * y], axis=1)


def triangle(n_points: int, rng: np.random.Generator) -> NDArray[np.float64]:
    # Noise is loudest in the plane: there are the longest bars of H1 by chance.
    return rng.dirichlet(np.ones(3), size=n_points)


# None of these was looked at when the constants of the tests were chosen.
STRUCTURELESS: dict[str, Cloud] = {
    "triangle": triangle,
    "exponential, R²": lambda n, rng: rng.exponential(size=(n, 2)),
    "ball": ball,
    "saddle-shaped sheet": saddle,
    "exponential, R⁴": lambda n, rng: rng.exponential(size=(n, 4)),
    "simplex, 6 corners": lambda n, rng: rng.dirichlet(np.ones(6), size=n),
    "Gaussian, R⁷": lambda n, rng: rng.normal(size=(n, 7)),
    "Gaussian, axes 1 to 1/8": ellipsoid,
    "t₂ tails, R¹⁰": lambda n, rng: rng.standard_t(2, size=(n, 10)),
}


def lattice(n_points: int, rng: np.random.Generator) -> NDArray[np.float64]:
    rows = int(rng.integers(4, 4 + np.sqrt(n_points)))
    cols = max(n_points // rows, 2)
    return np.stack(np.divmod(np.arange(rows * cols), cols), axis=1).astype(float)


def rounded(n_points: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return np.round(rng.integers(1, 9) * rng.normal(size=(n_points, rng.integers(2, 6))))


def repeated(n_points: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return np.repeat(rng.normal(size=(n_points // 5, rng.integers(2, 6))), 5, axis=0)


def counts(n_points: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.poisson(2.0, size=(n_points, rng.integers(2, 11))).astype(float)


# Ties and duplicates, where no law of random clouds holds; seen when the constants were chosen.
AWKWARD: dict[str, Cloud] = {
    "square lattice": lattice,
    "rounded Gaussian": rounded,
    "each point 5 times": repeated,
    "counts, Poisson(2)": counts,
}


class Shape(NamedTuple):
    """A data set with the number of classes in it."""

    sample: Callable[[int, float, np.random.Generator], NDArray[np.float64]]  # N, noise / size
    betti: tuple[int, ...]  # classes that count: components beyond the first, loops, voids
    n_points: int
    n_landmarks: int


def _shape(
    make: Callable[..., tp.datasets.Dataset],
    betti: tuple[int, ...],
    *,
    size: float,
    n_points: int = 2000,
    n_landmarks: int = 400,
) -> Shape:
    """The data set in R¹⁰; ``size``, its RMS radius, is the unit of the noise."""

    def sample(n: int, noise: float, rng: np.random.Generator) -> NDArray[np.float64]:
        return make(n, ambient_dim=10, noise=noise * size, rng=rng).points

    return Shape(sample, betti, n_points, n_landmarks)


def _clusters(n_clusters: int) -> Shape:
    def make(n: int, **settings: object) -> tp.datasets.Dataset:
        return tp.datasets.clusters(n_clusters, n, **settings)

    size = np.sqrt(2 - 2 / n_clusters)
    return _shape(make, (n_clusters - 1, 0), size=size, n_points=1000)


def _unequal_clusters(n: int, noise: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Five Gaussians of 32, 16, 8, 4 and 2 parts of the points and widths that differ by three."""
    label = rng.choice(5, n, p=np.array([32, 16, 8, 4, 2]) / 62)
    width = 2 * noise * np.array([1.0, 0.8, 0.6, 0.5, 0.33])[label]  # centres are 2 apart
    return np.sqrt(2) * np.eye(10)[label] + width[:, None] * rng.normal(size=(n, 10)) / 2


SHAPES: dict[str, Shape] = {
    "circle": _shape(tp.datasets.circle, (0, 1), size=1.0),
    "figure eight": _shape(tp.datasets.figure_eight, (0, 2), size=np.sqrt(2)),
    "linked circles": _shape(tp.datasets.linked_circles, (1, 2), size=np.sqrt(1.25)),
    "trefoil": _shape(tp.datasets.trefoil, (0, 1), size=np.sqrt(5.5)),
    "torus": _shape(tp.datasets.torus, (0, 2), size=np.sqrt(5)),
    "sphere, 100 landmarks": _shape(tp.datasets.sphere, (0, 0, 1), size=1.0, n_landmarks=100),
    "2 clusters": _clusters(2),
    "5 clusters": _clusters(5),
    "10 clusters": _clusters(10),
    "5 clusters, 16 : 1": Shape(_unequal_clusters, (4, 0), 1000, 400),
}
