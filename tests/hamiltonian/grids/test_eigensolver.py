"""The lowest eigenpairs of sparse matrices against dense ones, whatever was expected of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import sparse

from topopert.errors import BackendError
from topopert.hamiltonian.grids import eigensolver
from topopert.hamiltonian.grids.eigensolver import lowest_eigenpairs


def path_laplacian(n: int, copies: int) -> sparse.csc_array:
    """That of so many equal paths of n nodes: every level so many times."""
    one = sparse.diags_array(
        [np.full(n - 1, -1.0), np.r_[1.0, np.full(n - 2, 2.0), 1.0], np.full(n - 1, -1.0)],
        offsets=[-1, 0, 1],
    )
    return sparse.csc_array(sparse.block_diag([one] * copies, format="csc"))


def path_levels(n: int, copies: int, n_levels: int) -> np.ndarray:
    return np.repeat(4 * np.sin(np.pi * np.arange(n) / (2 * n)) ** 2, copies)[:n_levels]


@pytest.mark.parametrize("factorise", [True, False])
@pytest.mark.parametrize("expected", [1e-4, 1e-2, 1.0, 100.0])
def test_levels_do_not_depend_on_what_was_expected(expected: float, factorise: bool) -> None:
    levels, vectors = lowest_eigenpairs(
        path_laplacian(250, 2), 12, scale=1e-3, expected_top=expected, factorise=factorise
    )
    np.testing.assert_allclose(levels, path_levels(250, 2, 12), atol=1e-10)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(12), atol=1e-10)


@pytest.mark.parametrize("copies", [2, 3, 5])
def test_no_copy_of_a_multiple_level_is_missed(copies: int) -> None:
    levels, _ = lowest_eigenpairs(
        path_laplacian(150, copies), 15, scale=1e-3, expected_top=math.nan, factorise=True
    )
    np.testing.assert_allclose(levels, path_levels(150, copies, 15), atol=1e-10)


def test_what_has_not_converged_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eigensolver, "_MANY_RESTARTS", 1)
    monkeypatch.setattr(eigensolver._complete, "__kwdefaults__", {"restarts": 1})
    with pytest.raises(BackendError, match="No convergence"):
        lowest_eigenpairs(
            path_laplacian(2000, 1), 12, scale=1e3, expected_top=math.nan, factorise=True
        )
