"""Paired permutation tests: what if baseline and arm were but labels, swapped seed by seed?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import permutation_test

__all__ = ["disparity_permutation_test", "paired_permutation_test"]

_DRAWS = 9999  # all 2^K ways to swap are taken where they are no more than this


def paired_permutation_test(
    arm: NDArray[np.float64], baseline: NDArray[np.float64], *, rng: np.random.Generator
) -> float:
    """The p-value of the arm's mean being smaller than the baseline's, one number per seed.

    The share of all 2^K ways to swap arm and baseline, seed by seed, whose mean difference is as
    low as the one seen, this one among them: never below 2^−K. Beyond 13 seeds 9999 ways are
    drawn, and the p-value is never below 1/10000.

    Args:
        arm: One number per seed, shape (K,), K ≥ 2.
        baseline: The same of the baseline, same seeds.
        rng: Draws the swaps beyond 13 seeds.

    References:
        Fisher, The design of experiments (1935), section 21.
        Phipson, Smyth, Permutation P-values should never be zero (2010).
    """

    def difference(
        x: NDArray[np.float64], y: NDArray[np.float64], axis: int
    ) -> NDArray[np.float64]:
        return (x - y).mean(axis=axis)

    result = permutation_test(
        (arm, baseline),
        difference,
        permutation_type="samples",
        alternative="less",
        n_resamples=_DRAWS,
        rng=rng,
    )
    return float(result.pvalue)


def disparity_permutation_test(pairs: NDArray[np.float64], *, rng: np.random.Generator) -> float:
    """The p-value of the arm's seeds lying closer together than the baseline's.

    If the perturbation did nothing, the two runs of a seed could change places. Each way to swap
    some of them makes two new groups of K runs, and the statistic is the mean over pairs of
    seeds in one group less that in the other. Run k of the arm meets run l of the baseline in
    some of the groups, hence all disparities between all 2K runs are needed, but those of the two
    runs of one seed, which are never in one group.

    Let s be the sum of a run's disparities to all runs of other seeds, of either arm, over K − 1.
    The statistic is the mean over seeds of ±(s of the arm's run − s of the baseline's run), with a
    minus for each swapped seed: two seeds k, l bring in ±(D(a_k, a_l) − D(b_k, b_l)) if both or
    neither are swapped, else ±(D(b_k, a_l) − D(a_k, b_l)). So it is the paired test of s.

    Args:
        pairs: Disparities between all runs, the baseline's first, shape (2K, 2K), symmetric.
        rng: As for `paired_permutation_test`.
    """
    n_seeds = len(pairs) // 2
    by_arm = pairs.reshape(2, n_seeds, 2, n_seeds).copy()
    seeds = np.arange(n_seeds)
    by_arm[:, seeds, :, seeds] = 0.0
    to_others = by_arm.sum(axis=(2, 3)) / (n_seeds - 1)  # (2, K)
    return paired_permutation_test(to_others[1], to_others[0], rng=rng)
