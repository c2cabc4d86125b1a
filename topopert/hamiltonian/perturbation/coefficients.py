"""The Hermite coefficients E₀[h_c V] of a potential: in closed form, or by quadrature."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import factorial, sqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from topopert.errors import InvalidInputError
from topopert.hamiltonian.potentials.polynomial_potential import PolynomialPotential
from topopert.hamiltonian.priors.tilt import Term, checked_energy
from topopert.hamiltonian.surfaces import TiltedSurface, row_blocks

from .hermite import hermite_values
from .multi_indices import MultiIndices

__all__ = ["Coefficients", "hermite_coefficients", "max_quadrature_degree"]

# Nodes per axis of the quadrature that is believed, and of the one that it is checked against.
# NumPy's rule fails above 300.
_N_NODES = {1: (280, 200), 2: (160, 112), 3: (80, 56)}
_ROWS = 1 << 16
_ENTRIES = 1 << 21


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coefficients:
    """E₀[h_c λV] for every multi-index c, in nats."""

    values: NDArray[np.float64]  # (n,)
    coarse: NDArray[np.float64] | None  # the same with fewer nodes; None for closed forms, (n,)


def hermite_coefficients(surface: TiltedSurface, indices: MultiIndices) -> Coefficients:
    """The coefficients of all terms together, λ included.

    For a Gaussian well of width w, with t² = 1 + w²,
    E₀[hₖ e^{−(z−c)²/2w²}] = (w/t) t⁻ᵏ hₖ(c/t) e^{−c²/2t²} along each axis.

    Raises:
        InvalidInputError: If a term is neither wells nor a polynomial and d > 3, or it is not
            finite at the nodes of the quadrature.
    """
    exact = _well_coefficients(surface, indices)
    others = []
    for term in surface.terms:
        if isinstance(term.potential, PolynomialPotential):
            exact = exact + term.factor * _polynomial_coefficients(term.potential, indices)
        else:
            others.append(term)
    if not others:
        return Coefficients(values=exact, coarse=None)
    if surface.latent_dim not in _N_NODES:
        msg = (
            f"A {type(others[0].potential).__name__} has no Hermite elements in closed form, and "
            f"quadrature ends at d = 3; `latent_dim` is {surface.latent_dim}. Write the potential "
            "as a WellPotential or a PolynomialPotential, or choose latent_dim <= 3."
        )
        raise InvalidInputError(msg)
    fine, coarse = (
        exact + _quadrature_coefficients(others, indices, n_nodes)
        for n_nodes in _N_NODES[surface.latent_dim]
    )
    return Coefficients(values=fine, coarse=coarse)


def max_quadrature_degree(surface: TiltedSurface) -> int | None:
    """The degree up to which quadrature gives coefficients; None where nothing needs it."""
    if all(isinstance(term.potential, PolynomialPotential) for term in surface.terms):
        return None
    nodes = _N_NODES.get(surface.latent_dim)
    return None if nodes is None else nodes[1] - 8


def _well_coefficients(surface: TiltedSurface, indices: MultiIndices) -> NDArray[np.float64]:
    total = np.zeros(len(indices))
    centers, depths, widths = (
        t.detach().cpu().numpy() for t in (surface.centers, surface.depths, surface.widths)
    )
    if not len(centers):
        return total
    sq_scale = 1 + widths[:, None] ** 2  # t², (M, 1)
    start = widths[:, None] / np.sqrt(sq_scale) * np.exp(-0.5 * centers**2 / sq_scale)
    shrunk = centers / sq_scale  # c/t², (M, d)
    # t⁻ᵏhₖ(c/t) obeys Hermite's recurrence with t in it, and so never overflows.
    table = np.empty((indices.degree + 1, *centers.shape))  # (K + 1, M, d)
    table[0] = start
    if indices.degree:
        table[1] = shrunk * start
    for k in range(1, indices.degree):
        step = shrunk * table[k] - sqrt(k) / sq_scale * table[k - 1]
        table[k + 1] = step / sqrt(k + 1)
    for rows in row_blocks(len(indices), _ENTRIES // len(centers)):
        own = indices.values[rows]
        factors = table[own[:, 0], :, 0]  # (n, M)
        for axis in range(1, indices.latent_dim):
            factors = factors * table[own[:, axis], :, axis]
        total[rows] = -factors @ depths
    return total


def _polynomial_coefficients(
    potential: PolynomialPotential, indices: MultiIndices
) -> NDArray[np.float64]:
    """E₀[h_c zⁿ] = Πₖ nₖ! / (2ʳ r! √cₖ!) with nₖ − cₖ = 2r even and not negative."""
    exponents = potential.exponents.cpu().numpy()  # (M, d)
    coefficients = potential.coefficients.detach().double().cpu().numpy()
    highest = int(exponents.max())
    table = np.zeros((highest + 1, indices.degree + 1))
    for n in range(highest + 1):
        for c in range(n % 2, min(n, indices.degree) + 1, 2):
            r = (n - c) // 2
            table[n, c] = factorial(n) // (2**r * factorial(r)) / sqrt(factorial(c))
    total = np.zeros(len(indices))
    for n, coefficient in zip(exponents, coefficients, strict=True):
        factors = np.ones(len(indices))
        for axis in range(indices.latent_dim):
            factors = factors * table[n[axis], indices.values[:, axis]]
        total += coefficient * factors
    return total


def _quadrature_coefficients(
    terms: list[Term], indices: MultiIndices, n_nodes: int
) -> NDArray[np.float64]:
    """Σ w h_c V over a Gauss–Hermite product, contracted axis by axis."""
    d = indices.latent_dim
    axis, weights = np.polynomial.hermite_e.hermegauss(n_nodes)
    nodes = torch.cartesian_prod(*[torch.from_numpy(axis)] * d).reshape(-1, d)
    evaluate = partial(_total_energy, terms)
    parts = [evaluate(nodes[rows]) for rows in row_blocks(len(nodes), _ROWS)]
    values: Any = np.concatenate(parts)
    if not np.isfinite(values).all():
        worst = nodes[int(np.argmax(~np.isfinite(values)))].tolist()
        msg = (
            f"The potential is not finite at z = {worst}, so it has no Hermite elements. Replace "
            "walls by a steep but finite rise."
        )
        raise InvalidInputError(msg)
    table = hermite_values(torch.from_numpy(axis), indices.degree).numpy()  # (K + 1, n)
    table = table * (weights / weights.sum())
    values = values.reshape([n_nodes] * d)
    for _ in range(d):
        values = np.tensordot(values, table, axes=(0, 1))  # the axis done goes last
    return values[tuple(indices.values.T)]


@torch.no_grad()
def _total_energy(terms: list[Term], z: torch.Tensor) -> NDArray[np.float64]:
    total = torch.zeros(len(z), dtype=torch.float64)
    for term in terms:
        tensors = [*term.potential.parameters(), *term.potential.buffers()]
        device = next((t.device for t in tensors), z.device)
        energy = term.potential(z.to(device, term.dtype))
        total += term.factor * checked_energy(energy, len(z)).double().cpu()
    return total.numpy()
