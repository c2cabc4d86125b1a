"""Simulated seeds of which the true disparity is known."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ortho_group

from topopert.comparison.metrics.disparity import centred, gauge_disparity, invariant_disparity

__all__ = ["SCENES", "Draw", "truth"]

N_POINTS = 100
CLOUD = np.random.default_rng(0).normal(size=(N_POINTS, 2))
# How far a seed is off, beside the cloud's own variance of 1: lognormal, so that of ten seeds the
# worst is typically off by 5 times the median, of twenty by 6 times.
SPREAD = 0.01


class Draw(NamedTuple):
    """Pairs of seeds of one simulated comparison."""

    pairs: NDArray[np.float64]  # (K, K)
    baseline: NDArray[np.float64] | None = None  # (K, K): what is estimated is the ratio


def rotations(n_seeds: int, rng: np.random.Generator) -> NDArray[np.float64]:
    frames = np.reshape(ortho_group.rvs(2, size=n_seeds, random_state=rng), (n_seeds, 2, 2))
    return np.einsum("nd,kde->kne", CLOUD, frames)


def unequal(
    n_seeds: int, rng: np.random.Generator, *, variances: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    if variances is None:
        variances = SPREAD * rng.lognormal(size=n_seeds)
    noise = rng.normal(size=(n_seeds, N_POINTS, 2))
    return CLOUD + np.sqrt(variances)[:, None, None] * noise


def _gauge(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    return gauge_disparity(centred(latents))


def _invariant(latents: NDArray[np.float64]) -> NDArray[np.float64]:
    return invariant_disparity(centred(latents))


def _both_unequal(n_seeds: int, rng: np.random.Generator) -> Draw:
    """A seed far off in the baseline is often far off in the arm, ten times less."""
    own = rng.lognormal(size=n_seeds)
    before = 10 * SPREAD * np.sqrt(own) * rng.lognormal(sigma=0.7, size=n_seeds)
    return Draw(
        _gauge(unequal(n_seeds, rng, variances=SPREAD * own)),
        _gauge(unequal(n_seeds, rng, variances=before)),
    )


def _invariant_ratio(n_seeds: int, rng: np.random.Generator) -> Draw:
    before = 10 * SPREAD * rng.lognormal(sigma=0.5, size=n_seeds)
    return Draw(
        _invariant(unequal(n_seeds, rng)), _invariant(unequal(n_seeds, rng, variances=before))
    )


SCENES: dict[str, Callable[[int, np.random.Generator], Draw]] = {
    "rotations": lambda k, rng: Draw(_gauge(rotations(k, rng))),
    "unequal": lambda k, rng: Draw(_gauge(unequal(k, rng))),
    "invariant": lambda k, rng: Draw(_invariant(unequal(k, rng))),
    "u / r": lambda k, rng: Draw(_gauge(unequal(k, rng)), _gauge(rotations(k, rng))),
    "u / u": _both_unequal,
    "inv / inv": _invariant_ratio,
}


@cache
def truth(scene: str, *, n_draws: int = 300, n_seeds: int = 60) -> float:
    """Expected disparity of two seeds, or the ratio of two, by Monte Carlo (to about 1 %).

    Args:
        scene: Name of a scene.
        n_draws: Number of draws averaged.
        n_seeds: Seeds in each of them.
    """
    rng = np.random.default_rng([1, *scene.encode()])
    draws = [SCENES[scene](n_seeds, rng) for _ in range(n_draws)]
    different = ~np.eye(n_seeds, dtype=bool)
    mean = np.mean([draw.pairs[different].mean() for draw in draws])
    base = [draw.baseline[different].mean() for draw in draws if draw.baseline is not None]
    return float(mean / np.mean(base) if base else mean)
