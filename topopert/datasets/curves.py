"""Closed curves: one loop, two loops that touch, a knot, two linked loops."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from topopert._checks import check_count

from ._dataset import Dataset, check_rng, embed

__all__ = ["circle", "figure_eight", "linked_circles", "trefoil"]


def circle(
    n_points: int = 1000,
    *,
    ambient_dim: int = 2,
    noise: float = 0.0,
    rng: np.random.Generator,
) -> Dataset:
    """A circle of radius 1; Betti numbers 1, 1. Parameters: the angle."""
    angle = _angles(n_points, rng)
    return _dataset(_unit_circle(angle), angle, ambient_dim=ambient_dim, noise=noise, rng=rng)


def figure_eight(
    n_points: int = 1000,
    *,
    ambient_dim: int = 2,
    noise: float = 0.0,
    rng: np.random.Generator,
) -> Dataset:
    """Two circles of radius 1 that touch; Betti numbers 1, 2. Parameters: which one, the angle."""
    angle = _angles(n_points, rng)
    which = np.arange(n_points) % 2
    centre = np.stack([2.0 * which - 1.0, np.zeros(n_points)], axis=1)
    points = _unit_circle(angle) + centre
    return _dataset(points, which, angle, ambient_dim=ambient_dim, noise=noise, rng=rng)


def trefoil(
    n_points: int = 1000,
    *,
    ambient_dim: int = 3,
    noise: float = 0.0,
    rng: np.random.Generator,
) -> Dataset:
    """A trefoil knot of size about 3; Betti numbers 1, 1. Parameters: the angle along it."""
    t = _angles(n_points, rng)
    points = np.stack(
        [np.sin(t) + 2 * np.sin(2 * t), np.cos(t) - 2 * np.cos(2 * t), -np.sin(3 * t)], axis=1
    )
    return _dataset(points, t, ambient_dim=ambient_dim, noise=noise, rng=rng)


def linked_circles(
    n_points: int = 1000,
    *,
    ambient_dim: int = 3,
    noise: float = 0.0,
    rng: np.random.Generator,
) -> Dataset:
    """Two linked circles of radius 1; Betti numbers 2, 2. Parameters: which one, the angle."""
    angle = _angles(n_points, rng)
    which = np.arange(n_points) % 2
    flat = _unit_circle(angle)
    zero = np.zeros(n_points)
    first = np.stack([flat[:, 0], flat[:, 1], zero], axis=1)
    second = np.stack([flat[:, 0] + 1.0, zero, flat[:, 1]], axis=1)
    points = np.where(which[:, None] == 0, first, second)
    return _dataset(points, which, angle, ambient_dim=ambient_dim, noise=noise, rng=rng)


def _angles(n_points: int, rng: np.random.Generator) -> NDArray[np.float64]:
    check_rng(rng)
    return rng.uniform(0, 2 * np.pi, size=check_count(n_points, name="n_points"))


def _unit_circle(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)  # (N, 2)


def _dataset(
    points: NDArray[np.float64],
    *parameters: NDArray[np.floating] | NDArray[np.integer],
    ambient_dim: int,
    noise: float,
    rng: np.random.Generator,
) -> Dataset:
    return Dataset(
        points=embed(points, ambient_dim=ambient_dim, noise=noise, rng=rng),
        parameters=np.stack(parameters, axis=1).astype(np.float64),
    )
