from __future__ import annotations

import gudhi
import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from topopert.backends import rips_pairs
from topopert.errors import InvalidInputError


def gudhi_edges(dist: np.ndarray, max_homology_dim: int) -> list[set]:
    """Birth and death edges by GUDHI, which names the vertices of the simplices itself."""
    tree = gudhi.RipsComplex(distance_matrix=dist).create_simplex_tree(
        max_dimension=max_homology_dim + 1
    )
    tree.compute_persistence(homology_coeff_field=2)
    generators = tree.flag_persistence_generators()[1]
    return [
        {tuple(sorted((tuple(sorted(row[:2])), tuple(sorted(row[2:]))))) for row in rows.tolist()}
        for rows in generators
    ]


def our_edges(lengths: np.ndarray, max_homology_dim: int) -> list[set]:
    n_points = len(squareform(lengths))
    i, j = (index.tolist() for index in np.triu_indices(n_points, 1))
    return [
        {tuple(sorted(((i[birth], j[birth]), (i[death], j[death])))) for birth, death in pairs}
        for pairs in rips_pairs(lengths, max_homology_dim=max_homology_dim)
    ]


@pytest.mark.parametrize(("n_points", "axes", "max_homology_dim"), [(40, 2, 1), (50, 3, 2)])
def test_pairs_are_those_of_gudhi(rng, n_points: int, axes: int, max_homology_dim: int) -> None:
    points = rng.normal(size=(n_points, axes))
    points /= np.linalg.norm(points, axis=1, keepdims=True) ** 0.8  # nearly a sphere
    lengths = pdist(points)
    found = our_edges(lengths, max_homology_dim)
    assert all(found)
    assert found == gudhi_edges(squareform(lengths), max_homology_dim)


def test_lengths_that_single_precision_cannot_tell_apart_are_told_apart(rng) -> None:
    angle = np.linspace(0, 2 * np.pi, 15, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lengths = pdist(circle) * (1 + 1e-10 * rng.random(105))
    assert our_edges(lengths, 1) == gudhi_edges(squareform(lengths), 1)


def test_a_regular_polygon_has_one_loop_and_ties_bring_no_bars_of_length_zero() -> None:
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    lengths = pdist(np.stack([np.cos(angle), np.sin(angle)], axis=1)).round(12)
    (pairs,) = rips_pairs(lengths, max_homology_dim=1)
    np.testing.assert_allclose(lengths[pairs], [[2 * np.sin(np.pi / 12), 3**0.5]])


def test_more_edges_than_single_precision_can_number_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="smaller batch"):
        rips_pairs(np.broadcast_to(1.0, 2**24 + 1), max_homology_dim=1)
