"""The splitting matrix: how a potential lifts the degeneracy of the latent axes, first order."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from topopert._checks import check_count
from topopert.errors import InvalidInputError, TopopertWarning
from topopert.hamiltonian.potentials.anchor_potential import AnchorPotential
from topopert.hamiltonian.potentials.one_body_potential import OneBodyPotential
from topopert.hamiltonian.potentials.potential import Potential, SumPotential, leaves
from topopert.hamiltonian.surfaces import TiltedSurface

from .coefficients import hermite_coefficients
from .multi_indices import MultiIndices

__all__ = ["splitting_matrix"]

_TOLERANCE = 1e-4


def splitting_matrix(potential: Potential | Callable[[Tensor], Tensor], latent_dim: int) -> Tensor:
    """M = E₀[∇²V], the prior's average of the potential's Hessian, detached, float64, (d, d).

    Level 1 of H₀, spanned by the d latent axes, splits into 1 + λmₖ with mₖ the eigenvalues of M;
    its eigenvectors (`torch.linalg.eigh`) are the axes that the potential singles out. A repeated
    mₖ is a plane in which first order leaves the axes free (theory, section 4).

    It is computed as E₀[(zᵢzⱼ − δᵢⱼ)V], which asks for no derivative of V: in closed form for
    wells and polynomials in any d, for other functions by quadrature in d ≤ 3. For the external
    field ½∣z − T(x)∣² it is I for any datum.

    Args:
        potential: V; the external field may be part of it, an interaction may not.
        latent_dim: d.

    Raises:
        InvalidInputError: If V is an interaction or a field of another kind, of another dimension,
            or one that needs quadrature with d > 3.

    Warns:
        TopopertWarning: If the quadrature has not settled: a quadrature with fewer nodes differs.

    References:
        Andrés-Terré and Liò, arXiv:1907.05267 (2019), for the question.

    Examples:
        Of V = z₁² the Hessian is 2 in the first axis and 0 in the second.

        >>> from topopert.hamiltonian import PolynomialPotential
        >>> splitting_matrix(PolynomialPotential([[2, 0]], [1.0]), 2).round(decimals=9).tolist()
        [[2.0, 0.0], [0.0, 0.0]]
    """
    d = check_count(latent_dim, name="latent_dim")
    parts = leaves(potential) if isinstance(potential, Potential) else [(1.0, potential)]
    stiffness, landscape = 0.0, []
    for factor, leaf in parts:
        if isinstance(leaf, AnchorPotential):
            if leaf.latent_dim != d:
                msg = (
                    f"`latent_dim` is {d}, but the anchors live in {leaf.latent_dim} dimensions. "
                    f"Pass `latent_dim={leaf.latent_dim}`."
                )
                raise InvalidInputError(msg)
            stiffness += factor
        else:
            landscape.append((factor, leaf))
    matrix = stiffness * torch.eye(d, dtype=torch.float64)
    if not landscape:
        return matrix
    terms = [v if isinstance(v, Potential) else OneBodyPotential(v) for _, v in landscape]
    surface = TiltedSurface(SumPotential(terms, [factor for factor, _ in landscape]), 1.0, d)
    indices = MultiIndices(d, 2)
    coefficients = hermite_coefficients(surface, indices)
    _check_settled(coefficients.values, coefficients.coarse)
    for place in range(indices.up_to(1), len(indices)):
        i, j = np.repeat(np.arange(d), indices.values[place])
        # zᵢ² − 1 is √2 h₂, zᵢzⱼ a product of two h₁.
        value = float(coefficients.values[place]) * (2**0.5 if i == j else 1.0)
        matrix[i, j] += value
        if i != j:
            matrix[j, i] += value
    return matrix.to(surface.device)


def _check_settled(fine: np.ndarray, coarse: np.ndarray | None) -> None:
    if coarse is None:
        return
    difference, size = float(np.abs(fine - coarse).max()), float(np.abs(fine).max())
    if difference > _TOLERANCE * size:
        msg = (
            f"The quadrature has not settled: with fewer nodes the average differs by "
            f"{difference:.2g} of {size:.2g}. The potential may be rough; the digits beyond are "
            "not to be trusted."
        )
        warnings.warn(msg, TopopertWarning, stacklevel=3)
