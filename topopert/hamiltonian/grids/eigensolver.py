"""The lowest eigenpairs of a sparse Hamiltonian, none missed, each verified."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse import linalg as sparse_linalg

from topopert.errors import BackendError

__all__ = ["lowest_eigenpairs"]

# Below so many nodes a dense matrix is as fast, and misses nothing.
_DENSE = 400
# Residuals relative to the norm of H.
_RESIDUAL = 1e-9
# Up to there a polynomial takes less time than a factorisation on a grid in the plane.
_LOW_DEGREE = 50
# Of the eigenvalues of the inverse or the filter, relative; theirs are the squares of vectors'.
_TOLERANCE = 1e-11
# The shift below the ground level, in units of the level scale: no level is hit.
_SHIFT = 1e-3
# Ratio of the filter's edge to the highest level expected; from 1.2 to 3 costs hardly change.
_EDGE = 2.0
# Where the edge is looked for, in units of that.
_TRIALS = (1.0, 4.0, 0.125, 32.0, 1 / 64, 256.0, 1 / 512, 2048.0)
# Restarts of the iteration; with a well-placed filter it takes 2 to 5.
_FEW_RESTARTS, _MANY_RESTARTS = 12, 60
# Rounds of the operator on random vectors when looking for a level that was missed.
_PROBES, _ROUNDS = 2, 5

# A function of H, applied to a vector, whose largest eigenvalues are H's lowest.
_Matvec = Callable[[NDArray[np.float64]], NDArray[np.float64]]


class _UnconvergedError(BackendError):
    """The iteration has come to its end without all eigenpairs."""


def lowest_eigenpairs(
    matrix: sparse.csc_array,
    n_levels: int,
    *,
    scale: float,
    expected_top: float,
    factorise: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The n lowest eigenvalues, ascending, and orthonormal vectors, (n,) and (G, n).

    Args:
        matrix: H, symmetric positive semidefinite with a null vector, (G, G).
        n_levels: n ≤ G.
        scale: The size of level 1, roughly.
        expected_top: The size of the highest level asked for, roughly; NaN if not known.
        factorise: Whether a sparse factorisation is affordable, as on a grid in the plane. If not,
            or if its degree is low, a Chebyshev polynomial of H takes the inverse's place.

    Raises:
        BackendError: If an eigenpair did not converge, or one is missing.

    References:
        Zhou, Saad, Tiago, Chelikowsky, Self-consistent-field calculations using
        Chebyshev-filtered subspace iteration, J. Comput. Phys. 219 (2006), section 3.
    """
    n_nodes = len(matrix.diagonal())
    norm = float(abs(matrix).sum(axis=1).max())  # an upper bound, by Gershgorin
    if n_nodes <= max(_DENSE, 4 * n_levels):
        levels, vectors = linalg.eigh(matrix.toarray(), subset_by_index=(0, n_levels - 1))
        return levels, vectors
    rows = sparse.csr_array(matrix)
    found = None
    edge = min(_EDGE * expected_top, 0.4 * norm)
    # The comparison is false of what is not known, NaN.
    if not factorise or _degree(edge, norm) <= _LOW_DEGREE:
        trials = (1.0,) if factorise else _TRIALS
        found = _filtered(rows, n_levels, [edge * trial for trial in trials], norm)
    if found is None:
        # Without a factorisation, the polynomial of degree 1: so many levels are most of them.
        magnify = _inverse(matrix, _SHIFT * scale) if factorise else _mirrored(rows, norm)
        found = _complete(rows, magnify, n_levels)
    levels, vectors = found
    residuals = np.linalg.norm(matrix @ vectors - vectors * levels, axis=0)
    if not residuals.max() <= _RESIDUAL * norm:
        msg = (
            f"The eigensolver did not converge: a residual of {residuals.max():.2g} against a "
            f"norm of {norm:.2g} over {n_nodes} nodes. Ask for fewer levels or take method='ritz'."
        )
        raise BackendError(msg)
    return levels, vectors


def _filtered(
    matrix: sparse.csr_array, n_levels: int, edges: list[float], norm: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """By the Chebyshev polynomial of the first edge that fits; None if none does.

    Above the edge nothing is told apart, and far below a higher one neither.
    """
    for edge in edges:
        if edge >= 0.5 * norm:
            continue
        magnify = _chebyshev(matrix, edge=edge, norm=norm)
        try:
            levels, vectors = _complete(matrix, magnify, n_levels, restarts=_FEW_RESTARTS)
        except _UnconvergedError:
            continue
        if levels[-1] < edge:
            return levels, vectors
    return None


def _mirrored(matrix: sparse.csr_array, norm: float) -> _Matvec:
    return lambda vector: norm * vector - matrix @ vector


def _complete(
    matrix: Any, magnify: _Matvec, n_levels: int, *, restarts: int = _MANY_RESTARTS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Krylov spaces hold one vector of each level but for rounding: a second look, in the rest."""
    n_nodes, nearest = matrix.shape[0], np.nan
    for attempt in range(3):
        # A fixed start: the same surface gives the same states, and no global stream is touched.
        random = np.random.default_rng(attempt)
        vectors = _largest(magnify, n_nodes, n_levels + 8 * attempt, restarts, random)
        levels, vectors = _quotients(matrix, vectors)
        probes = random.standard_normal((n_nodes, _PROBES))
        for _ in range(_ROUNDS):
            probes -= vectors @ (vectors.T @ probes)
            probes = np.column_stack([magnify(probe) for probe in probes.T])
        probes -= vectors @ (vectors.T @ probes)
        nearest = _quotients(matrix, np.linalg.qr(probes)[0])[0][0]
        if nearest >= levels[n_levels - 1] * (1 - 1e-6):
            return levels[:n_levels], vectors[:, :n_levels]
    msg = (
        f"The eigensolver missed a level near {nearest:.4g} over {n_nodes} nodes. Ask for another "
        "number of levels or take method='ritz'."
    )
    raise _UnconvergedError(msg)


def _quotients(
    matrix: Any, vectors: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ritz values and vectors of orthonormal columns."""
    form = vectors.T @ (matrix @ vectors)
    levels, mixing = np.linalg.eigh(0.5 * (form + form.T))
    return levels, vectors @ mixing


def _largest(
    apply: _Matvec, n_nodes: int, n_levels: int, restarts: int, random: np.random.Generator
) -> NDArray[np.float64]:
    build: Any = sparse_linalg.LinearOperator  # its annotations are those of a subclass
    solve: Any = sparse_linalg.eigsh  # likewise: a tolerance is not an int
    try:
        vectors = solve(
            build((n_nodes, n_nodes), matvec=apply, dtype=np.float64),
            n_levels,
            which="LA",
            tol=_TOLERANCE,
            v0=random.standard_normal(n_nodes),
            ncv=min(n_nodes, 2 * n_levels + 1),
            maxiter=restarts,
            rng=random,
        )[1]
    except sparse_linalg.ArpackNoConvergence as err:
        raise _UnconvergedError(_failure(n_nodes, err)) from err
    except (sparse_linalg.ArpackError, RuntimeError) as err:
        raise BackendError(_failure(n_nodes, err)) from err
    return np.linalg.qr(vectors)[0]


def _inverse(matrix: sparse.csc_array, shift: float) -> _Matvec:
    n_nodes = len(matrix.diagonal())
    shifted = sparse.csc_matrix(matrix + shift * sparse.eye_array(n_nodes, format="csc"))
    # Positive definite: no pivoting, and a symmetric ordering has two thirds of the fill.
    factors = sparse_linalg.splu(
        shifted,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    return factors.solve


def _degree(edge: float, norm: float) -> float:
    """At degree 2√(norm/edge) the polynomial is cosh 4 = 27 at 0, and within 1 above the edge."""
    return max(4.0, 2.0 * math.sqrt(norm / edge)) if edge > 0 else math.inf


def _chebyshev(matrix: sparse.csr_array, *, edge: float, norm: float) -> _Matvec:
    """The Chebyshev polynomial that is within ±1 on [edge, norm] and grows below."""
    middle, half = 0.5 * (norm + edge), 0.5 * (norm - edge)
    n_nodes = len(matrix.diagonal())
    mapped = sparse.csr_array((middle * sparse.eye_array(n_nodes, format="csr") - matrix) / half)
    twice = 2.0 * mapped
    degree = round(_degree(edge, norm))

    def apply(vector: NDArray[np.float64]) -> NDArray[np.float64]:
        before, here = vector, mapped @ vector
        for _ in range(degree - 1):
            after = twice @ here
            after -= before
            before, here = here, after
        return here

    return apply


def _failure(n_nodes: int, err: Exception) -> str:
    return (
        f"The eigensolver failed over {n_nodes} nodes: {err}. More levels near 0 than were asked "
        "for do that, as of data far apart for their widths: take larger widths or method='ritz'."
    )
