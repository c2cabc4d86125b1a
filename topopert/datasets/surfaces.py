"""Surfaces: sphere, torus, Klein bottle, swiss roll."""

from __future__ import annotations

import numpy as np

from topopert._checks import check_count

from ._dataset import Dataset, check_rng, embed

__all__ = ["klein_bottle", "sphere", "swiss_roll", "torus"]


def torus(
    n_points: int = 2000,
    *,
    ambient_dim: int = 4,
    noise: float = 0.0,
    rng: np.random.Generator,
) -> Dataset:
    """A flat torus in R⁴, the product of circles of radii 2 and 1; Betti numbers 1, 2, 1.

    It cannot lie in R³ without distortion, so neither PCA nor geodesics place it there: a latent
    space with d = 3 can hold its topology, but has to be told how.

    Parameters: the angle on the circle of radius 2, the angle on the circle of radius 1.
    """
    check_rng(rng)
    angles = rng.uniform(0, 2 * np.pi, size=(check_count(n_points, name="n_points"), 2))
    circles = [2 * np.cos(angles[:, 0]), 2 * np.sin(angles[:, 0])]
    circles += [np.cos(angles[:, 1]), np.sin(angles[:, 1])]
    return Dataset(
        points=embed(np.stack(circles, axis=1), ambient_dim=ambient_dim, noise=noise, rng=rng),
        parameters=angles,
    )


def sphere(
    n_points: int = 2000,
    *,
    ambient_dim: int = 3,
    noise: float = 0.0,
    rng: np.random.Generator,
) -> Dataset:
    """A uniform sphere of radius 1; Betti numbers 1, 0, 1. Parameters: longitude, latitude."""
    check_rng(rng)
    points = rng.normal(size=(check_count(n_points, name="n_points"), 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    parameters = [np.arctan2(points[:, 1], points[:, 0]), np.arcsin(points[:, 2])]
    return Dataset(
        points=embed(points, ambient_dim=ambient_dim, noise=noise, rng=rng),
        parameters=np.stack(parameters, axis=1),
    )


def klein_bottle(
    n_points: int = 2000,
    *,
    ambient_dim: int = 4,
    noise: float = 0.0,
    rng: np.random.Generator,
) -> Dataset:
    """A Klein bottle in R⁴, radii 2 and 1; Betti numbers 1, 1, 0 mod 3 (1, 2, 1 mod 2).

    Parameters: the angle around the axis, the angle around the tube.
    """
    check_rng(rng)
    around, tube = rng.uniform(0, 2 * np.pi, size=(2, check_count(n_points, name="n_points")))
    distance = 2 + np.cos(tube)
    points = np.stack(
        [
            distance * np.cos(around),
            distance * np.sin(around),
            np.sin(tube) * np.cos(around / 2),
            np.sin(tube) * np.sin(around / 2),
        ],
        axis=1,
    )
    return Dataset(
        points=embed(points, ambient_dim=ambient_dim, noise=noise, rng=rng),
        parameters=np.stack([around, tube], axis=1),
    )


def swiss_roll(
    n_points: int = 2000,
    *,
    ambient_dim: int = 3,
    noise: float = 0.0,
    rng: np.random.Generator,
) -> Dataset:
    """A rolled-up rectangle about 2 across; Betti numbers 1, 0. Parameters: angle, height."""
    check_rng(rng)
    u, height = rng.uniform(size=(2, check_count(n_points, name="n_points")))
    angle = 1.5 * np.pi * (1 + 2 * u)
    radius = angle / (4.5 * np.pi)  # 1 at the outer end
    points = np.stack(
        [radius * np.cos(angle), radius * np.sin(angle), 1.5 * height - 0.75], axis=1
    )
    return Dataset(
        points=embed(points, ambient_dim=ambient_dim, noise=noise, rng=rng),
        parameters=np.stack([angle, height], axis=1),
    )
