"""Triplets against all there are."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from topopert.comparison.metrics.triplets import draw_triplets, triplet_accuracy, triplet_order


def test_triplets_are_all_the_pairs_of_distances_that_share_a_point(rng) -> None:
    n = 6
    ends = np.argwhere(np.triu(np.ones((n, n)), 1))  # of each distance, in pdist's order
    place = squareform(np.arange(len(ends)))
    expected = {(place[i, j], place[i, k]) for i, j, k in permutations(range(n), 3)}
    drawn, counts = np.unique(draw_triplets(n, rng), axis=1, return_counts=True)
    assert set(map(tuple, drawn.T.tolist())) == expected
    assert counts == pytest.approx(np.full(len(expected), counts.mean()), rel=0.15)


def test_accuracy_is_that_over_all_triplets(rng) -> None:
    x, z = rng.normal(size=(25, 3)), rng.normal(size=(25, 3))
    z += x
    of_x, of_z = (squareform(pdist(points)) for points in (x, z))
    i, j, k = np.array(list(permutations(range(25), 3))).T
    expected = np.mean((of_x[i, j] < of_x[i, k]) == (of_z[i, j] < of_z[i, k]))
    triplets = draw_triplets(25, rng)
    orders = (triplet_order(pdist(points), triplets) for points in (x, z))
    assert triplet_accuracy(*orders) == pytest.approx(expected, abs=0.006)  # four standard errors


def test_ties_count_half_unless_both_sides_tie() -> None:
    data, latents = np.array([1, -1, 0, 0, 1]), np.array([1, 1, 0, 1, 0])
    shares = [1, 0, 1, 0.5, 0.5]
    assert triplet_accuracy(data.astype(np.int8), latents.astype(np.int8)) == np.mean(shares)
