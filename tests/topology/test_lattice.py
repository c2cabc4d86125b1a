from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from topopert.topology.lattice import reduced_basis


@given(a=st.integers(-4, 4), b=st.integers(-4, 4))
def test_sums_of_two_orthogonal_classes_are_taken_apart(a: int, b: int) -> None:
    mixed = np.array([[1, 0], [a, 1]]) @ np.array([[1, b], [0, 1]])  # unimodular
    vectors = mixed @ np.diag([1.0, 1.7])
    basis = reduced_basis(vectors @ vectors.T)
    short = basis @ vectors
    lengths = np.sort(np.linalg.norm(short, axis=1))
    np.testing.assert_allclose(lengths, [1.0, 1.7], atol=1e-12)
    assert abs(round(np.linalg.det(basis))) == 1


def test_three_classes_keep_the_lattice_and_get_no_longer(rng) -> None:
    vectors = np.tril(rng.integers(-3, 4, size=(3, 3)), -1) + np.eye(3)
    basis = reduced_basis(vectors @ vectors.T)
    assert abs(round(np.linalg.det(basis))) == 1
    np.testing.assert_allclose(np.linalg.norm(basis @ vectors, axis=1), 1.0, atol=1e-12)
