"""The lowest eigenpairs on a grid in three variables, by Lanczos and a second look."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg as sparse_linalg

from topopert.errors import BackendError

__all__ = ["lanczos_eigenpairs"]

_TOLERANCE = 1e-9
_RESIDUAL = 1e-7
# Relative difference below which a level that a second look finds is one already known.
_SAME = 1e-7
_MAX_LOOKS = 12


def lanczos_eigenpairs(
    matrix: sparse.csc_array, n_levels: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The n lowest eigenvalues, ascending, and orthonormal vectors, (n,) and (G, n).

    A Krylov space holds one vector of each level but for rounding. So what was found is lifted
    out of the way, and the lowest level of the rest must not lie below it.

    Args:
        matrix: H, symmetric positive semidefinite, (G, G); n is well below G.
        n_levels: n.

    Raises:
        BackendError: If an eigenpair did not converge, or levels go on coming.
    """
    diagonal = matrix.diagonal()
    n_nodes, norm = len(diagonal), float(diagonal.max())
    # Relative tolerances miss an eigenvalue 0: H + 1 has none.
    lifted: Any = sparse.csr_array(matrix + sparse.eye_array(n_nodes, format="csc"))
    levels, vectors = _lowest(lifted, n_levels, seed=0)
    for look in range(1, _MAX_LOOKS):
        height = 2 * float(levels[-1])
        known = vectors

        def apply(
            vector: NDArray[np.float64],
            known: NDArray[np.float64] = known,
            height: float = height,
        ) -> NDArray[np.float64]:
            return lifted @ vector + height * (known @ (known.T @ vector))

        # Its stub knows only the constructor of subclasses.
        operator: Any = sparse_linalg.LinearOperator
        rest = operator(lifted.shape, matvec=apply, dtype=np.float64)
        extra, direction = _lowest(rest, 1, seed=look)
        if extra[0] >= levels[n_levels - 1] * (1 - _SAME):
            break
        basis = np.linalg.qr(np.column_stack([vectors, direction]))[0]
        form = basis.T @ (lifted @ basis)
        levels, mixing = np.linalg.eigh(0.5 * (form + form.T))
        vectors = basis @ mixing
    else:
        msg = f"The eigensolver misses levels over {n_nodes} nodes. Take method='ritz'."
        raise BackendError(msg)
    levels, vectors = levels[:n_levels], vectors[:, :n_levels]
    residual = np.linalg.norm(lifted @ vectors - vectors * levels, axis=0).max()
    if not residual <= _RESIDUAL * norm:
        msg = (
            f"The eigensolver did not converge: a residual of {residual:.2g} against a norm of "
            f"{norm:.2g} over {n_nodes} nodes. Ask for fewer levels or take method='ritz'."
        )
        raise BackendError(msg)
    return levels - 1.0, vectors


def _lowest(
    matrix: Any, n_levels: int, *, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n_nodes = matrix.shape[0]
    # Fixed starts: the same surface gives the same states, and no global stream is touched.
    random = np.random.default_rng(seed)
    solve: Any = sparse_linalg.eigsh
    try:
        levels, vectors = solve(
            matrix,
            n_levels,
            which="SA",
            tol=_TOLERANCE,
            v0=random.standard_normal(n_nodes),
            ncv=min(n_nodes, max(2 * n_levels + 1, 24)),
            rng=random,
        )
    except (sparse_linalg.ArpackError, RuntimeError) as err:
        msg = f"The eigensolver failed over {n_nodes} nodes: {err}. Take method='ritz'."
        raise BackendError(msg) from err
    order = np.argsort(levels)
    return levels[order], vectors[:, order]
