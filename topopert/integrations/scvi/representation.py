"""Cells as points: where the topology of counts is sought."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from topopert._checks import check_count
from topopert.errors import InvalidInputError

__all__ = ["log_normalised_components"]

_TARGET_SUM = 1e4


def log_normalised_components(counts: Any, n_components: int) -> NDArray[np.float64]:
    """Principal components of log(1 + 10⁴ x / Σx), shape (N, n_components).

    Nothing is random: the solver starts from a fixed vector.

    Args:
        counts: Counts, cells in rows, shape (N, number of genes); an array or a sparse matrix.
        n_components: Fewer where there are fewer cells or genes.

    Raises:
        InvalidInputError: If a count is negative or not finite, or a cell has none.
    """
    n_components = check_count(n_components, name="n_components")
    # Sparse counts stay sparse: tens of thousands of genes for a million cells are too many else.
    matrix: Any = (
        scipy.sparse.csr_matrix(counts) if scipy.sparse.issparse(counts) else np.asarray(counts)
    ).astype(np.float64)
    values = matrix.data if scipy.sparse.issparse(matrix) else matrix
    if not np.isfinite(values).all() or np.any(values < 0):
        msg = (
            "`counts` has negative entries, NaN or infinity. Register raw counts with scvi-tools, "
            "or pass `points=`, the array or the key in `adata.obsm` of another representation."
        )
        raise InvalidInputError(msg)
    total = np.asarray(matrix.sum(axis=1)).reshape(-1)
    if np.any(total == 0):
        msg = (
            f"{np.sum(total == 0)} of {len(total)} cells have no counts. Filter them out first, "
            "e.g. `scanpy.pp.filter_cells(adata, min_counts=1)`."
        )
        raise InvalidInputError(msg)
    scale = _TARGET_SUM / total
    if scipy.sparse.issparse(matrix):
        matrix = (scipy.sparse.diags_array(scale) @ matrix).log1p()
    else:
        matrix = np.log1p(matrix * scale[:, None])
    n_components = min(n_components, min(matrix.shape) - 1)
    return PCA(n_components, svd_solver="arpack", random_state=0).fit_transform(matrix)
