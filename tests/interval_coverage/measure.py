"""How often an interval holds the true value, and how long it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from topopert.comparison.statistics.pair_estimate import pair_log_estimate, pair_ratio_estimate

from .rivals import RIVALS, Ends
from .scenes import SCENES, Draw, truth

__all__ = ["METHODS", "OURS", "Coverage", "coverage"]

OURS = "this module's"
METHODS = (*RIVALS, OURS)


class Coverage(NamedTuple):
    """Shares of the intervals of one method."""

    covered: float  # hold the true value
    too_low: float  # end below it
    factor: float  # upper end / lower end, median


def coverage(
    scene: str, *, n_seeds: int, n_repeats: int, methods: Sequence[str] = METHODS
) -> dict[str, Coverage]:
    """Coverage of nominal 95 % intervals by each method.

    Args:
        scene: Name of a scene.
        n_seeds: Number K of seeds.
        n_repeats: Number of simulated comparisons, the same for all methods.
        methods: Some of `METHODS`.
    """
    rng = np.random.default_rng([n_seeds, *scene.encode()])
    own = np.random.default_rng(0)  # of the bootstraps: the comparisons do not depend on them
    exact = math.log(truth(scene))
    ends: dict[str, list[Ends]] = {method: [] for method in methods}
    for _ in range(n_repeats):
        draw = SCENES[scene](n_seeds, rng)
        for method in methods:
            ends[method].append(
                RIVALS[method](draw, own) if method in RIVALS else _this_module(draw)
            )
    return {method: _summary(np.array(each), exact) for method, each in ends.items()}


def _this_module(draw: Draw) -> Ends:
    if draw.baseline is None:
        estimate = pair_log_estimate(draw.pairs)
    else:
        estimate = pair_ratio_estimate(draw.pairs, draw.baseline)
    return math.log(estimate.low), math.log(estimate.high)


def _summary(ends: np.ndarray, exact: float) -> Coverage:
    low, high = ends.T
    return Coverage(
        covered=float(((low <= exact) & (exact <= high)).mean()),
        too_low=float((high < exact).mean()),
        factor=float(np.exp(np.median(high - low))),
    )
