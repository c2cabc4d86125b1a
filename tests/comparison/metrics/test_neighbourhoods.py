"""Neighbourhood measures against scikit-learn's and against the formulas point by point."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform
from scipy.stats import rankdata
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from topopert.comparison.metrics.neighbourhoods import (
    mean_relative_rank_error,
    neighbour_ranks,
    neighbourhood_sizes,
    trustworthiness,
)


def ranks(points: np.ndarray):
    return neighbour_ranks(pdist(points))


@pytest.mark.parametrize("n_points", [5, 20, 45, 150, 450])
def test_trustworthiness_is_the_mean_of_scikit_learns(rng, n_points) -> None:
    x = rng.normal(size=(n_points, 4))
    z = x[:, :2] + 0.3 * rng.normal(size=(n_points, 2))
    sizes = neighbourhood_sizes(n_points)
    expected = np.mean([sklearn_trustworthiness(x, z, n_neighbors=k) for k in sizes])
    assert trustworthiness(ranks(x), ranks(z)) == pytest.approx(expected)


def test_neighbourhoods_grow_to_two_hundred_below_half_the_points() -> None:
    assert neighbourhood_sizes(1000) == tuple(range(10, 201, 10))
    assert neighbourhood_sizes(400) == tuple(range(10, 191, 10))
    assert neighbourhood_sizes(21) == (10,)
    assert neighbourhood_sizes(20) == (9,)
    assert neighbourhood_sizes(3) == (1,)


def test_rank_error_is_the_formula_point_by_point(rng) -> None:
    n = 45
    x, z = rng.normal(size=(n, 3)), rng.normal(size=(n, 2))
    of_x, of_z = (rankdata(squareform(pdist(p)), axis=1).astype(int) - 1 for p in (x, z))

    def one_way(own: np.ndarray, k: int) -> float:
        errors = [
            abs(of_x[i, j] - of_z[i, j]) / own[i, j]
            for i in range(n)
            for j in range(n)
            if 1 <= own[i, j] <= k
        ]
        return sum(errors) / (n * sum(abs(2 * m - n - 1) / m for m in range(1, k + 1)))

    expected = np.mean([one_way(own, k) for own in (of_x, of_z) for k in (10, 20)])
    assert mean_relative_rank_error(ranks(x), ranks(z)) == pytest.approx(expected)


def test_equal_orders_have_no_error_whatever_the_distances() -> None:
    # Growing by more than a factor of 2: every point sees the ones before it first.
    x, z = (base ** np.arange(30.0)[:, None] for base in (2.5, 3.0))
    assert trustworthiness(ranks(x), ranks(z)) == 1
    assert mean_relative_rank_error(ranks(x), ranks(z)) == 0


def test_a_point_precedes_its_duplicates() -> None:
    own = ranks(np.array([[1.0], [0.0], [0.0], [0.0]]))
    assert (np.diagonal(own.rank) == 0).all()
    assert (own.order[:, 0] == np.arange(4)).all()
