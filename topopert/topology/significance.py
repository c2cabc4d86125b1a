"""Which bars of H1 and above are real: a Gumbel law fitted to the diagram's own bulk.

The constants here and in `components.py` were chosen on other clouds than those of the table:
Gaussians, cubes, 10 : 1 boxes, t₃ tails and two blobs in 1, 2, 3, 5, 10 and 20 dimensions and a
disc, 15 to 400 landmarks; the last four rows, too, had been seen. (A first table found loops in
9 % of discs; the disc joined those clouds, and the triangle and the exponential took its place.)
H0, H1 and H2 are each tested at the full level: each test stays so far below it that the three
together do too (column "any"). The classes are those of Rips complexes: the strands of a noisy
trefoil pass each other so closely that there is more than one.

Made by `make significance`:

300 clouds of each kind, 200 of them with H2, of the last four 200 without;
15 to 3000 points, 15 to 400 landmarks; in brackets 95 % intervals.

    % of clouds with a class in  H0              H1              H2              any
    triangle                     0.3 [0.0, 1.8]  1.7 [0.5, 3.8]  0.0 [0.0, 1.8]  2.0 [0.7, 4.3]
    exponential, R²              0.0 [0.0, 1.2]  1.3 [0.4, 3.4]  0.0 [0.0, 1.8]  1.3 [0.4, 3.4]
    ball                         0.0 [0.0, 1.2]  0.3 [0.0, 1.8]  2.5 [0.8, 5.7]  2.0 [0.7, 4.3]
    saddle-shaped sheet          0.0 [0.0, 1.2]  0.7 [0.1, 2.4]  0.0 [0.0, 1.8]  0.7 [0.1, 2.4]
    exponential, R⁴              0.0 [0.0, 1.2]  0.7 [0.1, 2.4]  0.5 [0.0, 2.8]  1.0 [0.2, 2.9]
    simplex, 6 corners           0.0 [0.0, 1.2]  1.0 [0.2, 2.9]  0.0 [0.0, 1.8]  1.0 [0.2, 2.9]
    Gaussian, R⁷                 0.0 [0.0, 1.2]  1.0 [0.2, 2.9]  0.0 [0.0, 1.8]  1.0 [0.2, 2.9]
    Gaussian, axes 1 to 1/8      0.0 [0.0, 1.2]  0.3 [0.0, 1.8]  0.0 [0.0, 1.8]  0.3 [0.0, 1.8]
    t₂ tails, R¹⁰                0.0 [0.0, 1.2]  0.7 [0.1, 2.4]  0.0 [0.0, 1.8]  0.7 [0.1, 2.4]
    square lattice               0.0 [0.0, 1.8]  0.0 [0.0, 1.8]                  0.0 [0.0, 1.8]
    rounded Gaussian             0.0 [0.0, 1.8]  1.0 [0.1, 3.6]                  1.0 [0.1, 3.6]
    each point 5 times           0.0 [0.0, 1.8]  2.5 [0.8, 5.7]                  2.5 [0.8, 5.7]
    counts, Poisson(2)           0.0 [0.0, 1.8]  0.5 [0.0, 2.8]                  0.5 [0.0, 2.8]

Share in % of 25 runs that find exactly the classes there are and, after ≥, at least those;
noise for each coordinate in R¹⁰ relative to the RMS radius.

    noise                         0.1 %          5 %                 10 %
    circle (1 H1)                 100 [86, 100]  96 [80, 100] ≥ 100  100 [86, 100]
    figure eight (2 H1)           100 [86, 100]  100 [86, 100]       100 [86, 100]
    linked circles (1 H0 + 2 H1)  100 [86, 100]  100 [86, 100]       0 [0, 14]
    trefoil (1 H1)                100 [86, 100]  0 [0, 14] ≥ 100     0 [0, 14] ≥ 100
    torus (2 H1)                  100 [86, 100]  96 [80, 100]        0 [0, 14]
    sphere, 100 landmarks (1 H2)  100 [86, 100]  100 [86, 100]       100 [86, 100]
    2 clusters (1 H0)             100 [86, 100]  100 [86, 100]       100 [86, 100]
    5 clusters (4 H0)             100 [86, 100]  100 [86, 100]       100 [86, 100]
    10 clusters (9 H0)            100 [86, 100]  100 [86, 100]       96 [80, 100] ≥ 100
    5 clusters, 16 : 1 (4 H0)     96 [80, 100]   96 [80, 100]        96 [80, 100]

End of what `make significance` made.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from topopert.records import PersistenceDiagram

__all__ = ["bar_p_values"]

# Quantiles of the left-skewed Gumbel law P(L ≥ ℓ) = exp(−e^ℓ): its median and its 95 % quantile.
_MEDIAN, _HIGH = math.log(math.log(2)), math.log(math.log(20))
_ROUNDING = 1e-6  # log(death/birth) of bars that equal distances with unequal last digits leave
_FEW_BARS = 20  # fewer have no bulk to fit
_TOP_SHARE = 0.1  # of the bars may be real
# The tail of noise is thinner than the Gumbel law through its bulk, the more so the more bars
# there are: hence a scale factor below 1. Few bars give a noisy fit: hence the widening.
_TAIL, _FIT_ERROR, _SMALL_SAMPLE = 0.88, 0.5, 8.0
# The least scale of structureless clouds, but for single draws. On a lattice all bars are alike,
# and a smaller scale would make one missing point a loop.
_MIN_SCALE = 0.6
# Location and scale by homology dimension that bound the longest bar of any structureless cloud.
# Noise is loudest in the lowest dimension that has it: the plane for H1, space for H2.
_BOUND = {1: (-1.8, 0.9), 2: (-2.9, 0.9)}


def bar_p_values(diagram: PersistenceDiagram) -> NDArray[np.float64]:
    """The p-value of each finite bar against noise, after Bonferroni over the diagram, (K,).

    On noise ℓ = log log(death/birth) follows a left-skewed Gumbel law whatever the data. Location
    and scale are fitted to the median and the 95 % quantile of the diagram itself, for each bar
    without that bar and those longer than it, up to a tenth of them all: real bars do not move
    the fit. The tail of a second law with fixed values, which bounds the noise of structureless
    clouds of every kind, is the p-value where it is smaller: it serves diagrams of fewer than 20
    bars, and those whose bulk is itself made of structure. A bar is at least as significant as
    every shorter one.

    Args:
        diagram: Diagram of H1 or H2, births positive.

    References:
        Bobrowski, Skraba, A universal null-distribution for topological data analysis (2023).
        Rosner, Percentage points for a generalized ESD many-outlier procedure (1983): outliers
        tested from the inside out.
    """
    births, deaths = diagram.pairs.T
    persistence = np.log(deaths / births)
    order = np.argsort(-persistence)
    order = order[persistence[order] > _ROUNDING]
    p_values = np.ones(len(births))
    n = len(order)
    if n == 0:
        return p_values
    ell = np.log(persistence[order])
    location, scale = _BOUND[diagram.homology_dim]
    x = (ell - location) / scale
    if n >= _FEW_BARS:
        real = np.minimum(np.arange(1, n + 1), math.ceil(_TOP_SHARE * n))
        median, high = _upper_quantile(ell, real, 0.5), _upper_quantile(ell, real, 0.95)
        scale = np.maximum((high - median) / (_HIGH - _MEDIAN), _MIN_SCALE)
        scale *= _TAIL + _FIT_ERROR / math.sqrt(n) + _SMALL_SAMPLE / n
        x = np.maximum(x, (ell - median) / scale + _MEDIAN)
    # exp overflows to inf for hugely significant bars, where p = 0 is right.
    with np.errstate(over="ignore"):
        p_ordered = np.minimum(1.0, n * np.exp(-np.exp(x)))
    p_values[order] = np.minimum.accumulate(p_ordered[::-1])[::-1]
    return p_values


def _upper_quantile(
    descending: NDArray[np.float64], skip: NDArray[np.int64], level: float
) -> NDArray[np.float64]:
    """The quantile of what is left without the first ``skip`` values, for each number to skip."""
    position = skip + (1 - level) * (len(descending) - skip - 1)
    return np.interp(position, np.arange(len(descending)), descending)
