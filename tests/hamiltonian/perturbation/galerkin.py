"""Levels of H by another way: polynomials under p_λ itself, a dense generalised eigenproblem."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

Array = NDArray[np.float64]


def galerkin_levels(
    energy: Callable[[Array], Array],
    latent_dim: int,
    n_levels: int,
    *,
    degree: int = 22,
    n_nodes: int = 50,
) -> Array:
    """Levels of H for λV = energy: E_p[∇f·∇g] against E_p[fg] over polynomials f, g, d ≤ 2.

    The variational levels fall towards the true ones as the degree grows.
    """
    axis, weights = np.polynomial.hermite_e.hermegauss(n_nodes)
    values = np.polynomial.hermite_e.hermevander(axis, degree).T  # (K + 1, n)
    norms = np.array([np.prod(np.arange(1.0, k + 1)) for k in range(degree + 1)]) ** 0.5
    values = values / norms[:, None]
    slopes = np.zeros_like(values)
    slopes[1:] = np.sqrt(np.arange(1, degree + 1))[:, None] * values[:-1]
    powers = [
        index
        for index in itertools.product(range(degree + 1), repeat=latent_dim)
        if sum(index) <= degree
    ]
    nodes = np.array(list(itertools.product(axis, repeat=latent_dim)))
    density = np.array([np.prod(w) for w in itertools.product(weights, repeat=latent_dim)])
    density = density * np.exp(-energy(nodes))

    def product(derived: int | None) -> Array:
        rows = []
        for index in powers:
            row = np.ones(1)
            for k, n in enumerate(index):
                row = np.outer(row, (slopes if k == derived else values)[n]).ravel()
            rows.append(row)
        return np.array(rows)

    functions = product(None)
    overlap = (functions * density) @ functions.T
    stiffness = sum(
        (slope * density) @ slope.T for slope in (product(k) for k in range(latent_dim))
    )
    return eigh(stiffness, overlap, eigvals_only=True, subset_by_index=[0, n_levels - 1])
