"""The spectrum of a mixture in many dimensions, from its exact marginals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topopert._checks import check_count
from topopert.errors import InvalidInputError
from topopert.hamiltonian.spectra.degeneracy import degeneracies, level_groups
from topopert.hamiltonian.spectra.functions import Modes, States
from topopert.hamiltonian.spectra.mode_signs import mode_signs
from topopert.hamiltonian.spectra.record import Spectrum, WeightedNodes
from topopert.hamiltonian.surfaces import MixtureSurface

from .grid_spectrum import grid_spectrum
from .marginal_products import MixedModes, ModeProducts, lowest_products, mixed_modes

__all__ = ["marginal_spectrum"]

# The principal axes that are solved together.
_MAIN = 3
# Draws for averages over p in all dimensions.
_N_DRAWS = 4096
# Levels of the main axes beyond those asked for, and products, for each level asked for, that
# are looked at: the last group is to be seen whole.
_MORE = 6
_PRODUCTS = 3
# What orders axes along which the means do not spread: the posteriors' own variances.
_TIE = 1e-6
# Relative to the variances: what is below is rounding of the projection.
_ROUNDING = 1e-12
_TOLERANCE = 1e-3
# Of levels; what is missing by their being of three axes alone is mostly more.
_MAIN_ACCURACY = 2e-2
# Of levels that are there to be compared with.
_ENOUGH = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Mixed:
    """Combinations of products as functions of the code."""

    axes: Tensor  # orthonormal columns, (d, d)
    products: ModeProducts
    mixing: Tensor  # (P, n_levels)

    def __call__(self, z: Tensor) -> Tensor:
        """The combinations at z (B, d), shape (B, n_levels)."""
        return self.products(z @ self.axes) @ self.mixing


def marginal_spectrum(
    surface: MixtureSurface, *, n_levels: int, generator: torch.Generator | None = None
) -> Spectrum:
    """Levels of a mixture from functions of few coordinates, exact in the marginal on these.

    The means' first three principal axes are solved together, and each other axis by itself: a
    marginal of a mixture is again a mixture. A function of some coordinates alone has the same
    energy in the marginal as in the whole, so that the levels of the first three axes are upper
    bounds, which fall as axes are added. Products with modes of the other axes are levels as far
    as the axes are independent; those that repeat what is there are left out.

    Errors are what solving the third axis together with the first two changes, against products,
    and the grids' own: an indicator, as what more axes would change is not seen. Activation
    energies are those of the marginals. With another number of threads levels and states differ by
    rounding, some 1e-15.

    Args:
        surface: U = −log of a mixture, d ≥ 2.
        n_levels: How many levels, the ground level included.
        generator: The stream of the sample; None takes a fresh one of fixed seed.

    Raises:
        InvalidInputError: If d < 2 or as `grid_spectrum` does.
        BackendError: If an eigensolve did not converge.
    """
    n_levels = check_count(n_levels, name="n_levels")
    d = surface.latent_dim
    if d < 2:
        msg = f"Marginals need d ≥ 2, got d = {d}. Take method='grid'."
        raise InvalidInputError(msg)
    stream = torch.Generator().manual_seed(0) if generator is None else generator
    with torch.no_grad():
        axes = _principal_axes(surface)
        n_main = min(_MAIN, d)
        n_joint = n_levels + _MORE
        main = grid_spectrum(
            _marginal(surface, axes[:, :n_main]), n_levels=n_joint, accuracy=_MAIN_ACCURACY
        )
        fewer = grid_spectrum(
            _marginal(surface, axes[:, : n_main - 1]), n_levels=n_joint, accuracy=_ENOUGH
        )
        lone = [
            grid_spectrum(_marginal(surface, axes[:, [k]]), n_levels=n_levels)
            for k in range(n_main - 1, d)
        ]
        changes = _changes(main, fewer, lone[0])
        blocks = [main, *lone[1:]]
        lowest = lowest_products(blocks, changes, _PRODUCTS * n_levels)
        products = ModeProducts(blocks=blocks, products=lowest)
        nodes = surface.sample(_N_DRAWS, generator=stream)
        excited = np.maximum(main.levels[1:].cpu().numpy(), np.finfo(np.float64).tiny)
        relative = np.median(changes[1:] / excited)
        values = products(nodes @ axes)
        mixed = mixed_modes(lowest, values, coupling=float(relative))
        mixing = mixed.mixing[:, :n_levels]
        mixing = mixing * _signs(nodes, values @ mixing)
        at_nodes = values @ mixing
        weights = torch.full_like(nodes[:, 0], 1 / len(nodes))
        # Of norm 1 on the draws; in the limit of many, that is their norm.
        at_nodes = at_nodes / (weights @ at_nodes.square()).sqrt()
        sample = WeightedNodes(nodes=nodes, weights=weights, modes=at_nodes)
    return _record(surface, axes, products, mixed, mixing, sample)


def _principal_axes(surface: MixtureSurface) -> Tensor:
    """Orthonormal columns, by descending variance of the means, (d, d)."""
    weights, means = surface.weights, surface.means
    away = means - weights @ means
    spread = away.T @ (weights[:, None] * away)
    own = surface.standard_deviations.square().mean(dim=0)
    # The tie-breaker is small against the spread, or all there is of one point.
    values, vectors = torch.linalg.eigh(spread + _TIE * torch.diag(own))
    order = values.argsort(descending=True, stable=True)
    vectors = vectors[:, order]
    # The sign that makes the largest entry positive.
    largest = vectors.abs().argmax(dim=0)
    return vectors * vectors[largest, torch.arange(len(vectors))].sign()


def _marginal(surface: MixtureSurface, basis: Tensor) -> MixtureSurface:
    """The marginal, with diagonal covariances where they are: these cost much less on a grid."""
    marginal = surface.projected(basis)
    covariances = marginal.covariances
    if covariances.ndim == 2:
        return marginal
    variances = covariances.diagonal(dim1=1, dim2=2)
    off = (covariances - torch.diag_embed(variances)).abs().amax()
    if off > _ROUNDING * variances.min():
        return marginal
    return MixtureSurface(marginal.means, variances.contiguous(), marginal.weights)


def _changes(main: Spectrum, fewer: Spectrum, last: Spectrum) -> NDArray[np.float64]:
    """What solving the last main axis with the others changed, against products, (n,)."""
    sums = (fewer.levels[:, None] + last.levels).flatten().sort().values
    return (sums[: len(main.levels)] - main.levels).abs().cpu().numpy()


def _signs(nodes: Tensor, modes: Tensor) -> Tensor:
    """What `mode_signs` says of modes at draws, (n,)."""
    weights = torch.full_like(nodes[:, 0], 1 / len(nodes))
    parts = (part.cpu().numpy() for part in (nodes, weights, modes))
    return torch.from_numpy(mode_signs(*parts)).to(modes.device)


def _record(
    surface: MixtureSurface,
    axes: Tensor,
    products: ModeProducts,
    mixed: MixedModes,
    mixing: Tensor,
    sample: WeightedNodes,
) -> Spectrum:
    device, n_levels = surface.device, sample.modes.shape[1]
    levels = mixed.levels[:n_levels].copy()
    errors = (mixed.errors + mixed.changes)[:n_levels]
    activations = mixed.activations[:n_levels].copy()

    modes = Modes(surface, _Mixed(axes=axes, products=products, mixing=mixing))
    # More coordinates would move levels together: that does not make them one.
    groups = level_groups(mixed.levels, mixed.errors, _TOLERANCE)
    return Spectrum(
        levels=torch.from_numpy(levels).to(device),
        degeneracies=torch.from_numpy(degeneracies(groups)[:n_levels].copy()).to(device),
        errors=torch.from_numpy(errors).to(device),
        activation_energies=torch.from_numpy(activations).to(device),
        states=States(modes=modes, temperature=1.0, log_normalizer=0.0),
        modes=modes,
        sample=sample,
        surface=surface,
        temperature=1.0,
        method="marginal",
        error_kind="two axes against three",
        tolerance=_TOLERANCE,
    )
