"""Levels in any dimension: the variational quotient on draws, proved on draws not fitted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from topopert._checks import check_count, check_real
from topopert.errors import BackendError, InvalidInputError
from topopert.hamiltonian.spectra.degeneracy import degeneracies, level_groups
from topopert.hamiltonian.spectra.functions import Modes, States
from topopert.hamiltonian.spectra.mode_signs import mode_signs
from topopert.hamiltonian.spectra.record import Spectrum, WeightedNodes
from topopert.hamiltonian.surfaces import EnergySurface, MixtureSurface, row_blocks

from .bridges import Bridges, basin_shares, find_bridges
from .draws import Draws, check_effective, surface_draws, weighted
from .partition import PartitionBasis, TrialBasis, k_means

__all__ = ["ritz_spectrum"]

_N_DRAWS = 20_000
_N_FUNCTIONS = 400
_PER_LEVEL = 8  # functions, at least
_PER_FUNCTION = 25  # draws to fit, at least
# Modes found beyond those asked for: one that fits noise then does not stand for the last level.
_FEWEST_SPARE = 8
_PER_AXIS = 8  # centres along an axis, at most, where no posterior says how wide a cell is
_WIDTH = 1.5  # σ of the partition
_MAX_LEVELS = 100
_FEWEST_ENERGIES = 1000
# Combinations of functions of less relative square are rounding.
_NULL = 1e-9
_ENERGY_WORK = 1 << 26  # components times draws that activation energies may cost
_BRIDGE_SHARE = 0.4  # of all draws
_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fit:
    """The levels of both halves, and the modes found; K = n_levels − 1, without the ground."""

    basis: TrialBasis
    coefficients: Tensor  # (F, K)
    means: Tensor  # (K,), so that a mode is basis · coefficients − means
    train: Tensor  # levels of the half that was fitted, (K,)
    test: Tensor  # of the other, (K,)
    nodes: Tensor  # the other half, (n, d)
    weights: Tensor  # sum 1, (n,)
    modes: Tensor  # on it, orthonormal, (n, K)
    slopes: Tensor  # ∣∇f∣² on it, (n, K)

    def __call__(self, z: Tensor) -> Tensor:
        """The modes, the ground's 1 included, at z (B, d), shape (B, K + 1)."""
        parts = [
            self.basis.values(z[rows]) @ self.coefficients - self.means
            for rows in row_blocks(len(z), self.basis.block(z.shape[1]))
        ]
        return torch.cat([z.new_ones(len(z), 1), torch.cat(parts)], dim=1)


def ritz_spectrum(
    surface: EnergySurface,
    *,
    n_levels: int,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
) -> Spectrum:
    """Upper bounds of the lowest levels of a surface in any dimension, 1 to 20 % above them.

    E = T ∫∣∇f∣²p / ∫f²p is made least over about 400 functions, linear ones on a softmax
    partition of unity, on one half of 20 000 draws of p = e^{−U/T}/Z. The levels are the
    quotients of what was found on the other half, and the error is the gap to the first: too
    low on the draws fitted, too high on the others. Where level 1 is small, draws on the barriers
    between the basins are added, at their weight in p.

    `states` need Z: exact for a mixture at T = 1, estimated from the draws otherwise. With another
    number of threads levels and states differ by some 1e-11.

    Args:
        surface: U.
        n_levels: How many levels, the ground level included.
        temperature: T > 0.
        generator: The stream of the draws; None takes a fresh one of fixed seed, so that the
            same arguments give the same levels.

    Raises:
        InvalidInputError: If the surface cannot be drawn from, as one that does not confine, or
            an argument is out of range.
        BackendError: If an eigensolve failed.
    """
    n_levels = check_count(n_levels, name="n_levels")
    if n_levels > _MAX_LEVELS:
        msg = f"`n_levels` is {n_levels}; draws resolve at most {_MAX_LEVELS}. Ask for fewer."
        raise InvalidInputError(msg)
    temperature = check_real(temperature, name="temperature", low=0.0, low_open=True)
    stream = torch.Generator().manual_seed(0) if generator is None else generator
    n_functions = max(_N_FUNCTIONS, _PER_LEVEL * n_levels)
    n_draws = max(_N_DRAWS, 2 * _PER_FUNCTION * n_functions)
    with torch.no_grad():
        draws = surface_draws(surface, n_draws, temperature=temperature, generator=stream)
        check_effective(draws)
        unit = _unit(surface, temperature)
        basis = _partition(draws.nodes, unit, n_functions, stream)
        scale = basis.scale if unit is None else unit
        bridges = find_bridges(basis.centers, surface, temperature=temperature, scale=scale)
        trial = TrialBasis(families=(basis,))
        if bridges is not None:
            draws = _bridged(draws, surface, bridges, temperature, scale, stream)
            # No centres on the barriers: between them a mode changes over too slowly.
            trial = TrialBasis(families=(basis, basin_shares(bridges, scale)))
        fit = _fitted(draws, trial, n_levels - 1, temperature)
        return _record(surface, draws, fit, temperature)


def _unit(surface: EnergySurface, temperature: float) -> Tensor | None:
    """The scale of the coordinates where it is known: the posterior's sd along each axis."""
    if isinstance(surface, MixtureSurface):
        square = surface.weights.detach() @ surface.standard_deviations.square()
        return (temperature * square).sqrt()
    return None


def _partition(
    nodes: Tensor, unit: Tensor | None, n_functions: int, generator: torch.Generator
) -> PartitionBasis:
    n, d = nodes.shape
    n_products = d * (d + 1) // 2
    with_products = n_products <= n_functions // 2
    n_centers = max(2, (n_functions - n_products * with_products) // (d + 1))
    if unit is None:
        # Cells too thin would let a mode jump where no draw sees it.
        n_centers = min(n_centers, _PER_AXIS**d)
    own = nodes.new_ones(d) if unit is None else unit
    centers, cell = k_means(nodes / own, min(n_centers, n), generator=generator)
    centers = centers * own
    within = (nodes - centers[cell]).square().mean(dim=0).sqrt()
    return PartitionBasis(
        centers=centers,
        scale=within if unit is None else unit,
        width=_WIDTH,
        origin=nodes.mean(dim=0),
        spread=nodes.std(dim=0),
        with_products=with_products,
    )


def _bridged(
    draws: Draws,
    surface: EnergySurface,
    bridges: Bridges,
    temperature: float,
    scale: Tensor,
    generator: torch.Generator,
) -> Draws:
    """Draws that also cover the barriers, at their weight in p."""
    tubes = MixtureSurface(bridges.points, scale.square().expand(len(bridges.points), -1))
    n = len(draws.nodes)
    n_tubes = round(n * _BRIDGE_SHARE / (1 - _BRIDGE_SHARE))
    log_shares = (math.log(1 - _BRIDGE_SHARE), math.log(_BRIDGE_SHARE))

    def log_proposal(z: Tensor) -> Tensor:
        parts = [log_shares[0] + draws.log_proposal(z), log_shares[1] - tubes.energy(z)]
        return torch.stack(parts).logsumexp(dim=0)

    nodes = torch.cat([draws.nodes, tubes.sample(n_tubes, generator=generator)])
    # Mixed, so that both halves hold as much of both.
    order = torch.randperm(len(nodes), generator=generator, device=generator.device)
    nodes = nodes[order.to(nodes.device)]
    both = weighted(nodes, surface, temperature=temperature, log_proposal=log_proposal)
    check_effective(both)
    return both


def _fitted(draws: Draws, basis: TrialBasis, n_modes: int, temperature: float) -> _Fit:
    """The least quotients on the first half of the draws, and their values on the second."""
    half = len(draws.nodes) // 2
    weights = draws.weights[:half] / draws.weights[:half].sum()
    n_tried = n_modes + max(_FEWEST_SPARE, n_modes // 2)
    train, coefficients = _least_quotients(draws.nodes[:half], weights, basis, n_modes, n_tried)
    nodes, weights = draws.nodes[half:], draws.weights[half:] / draws.weights[half:].sum()
    values, gradients = [], []
    for rows in row_blocks(len(nodes), basis.block(nodes.shape[1])):
        values.append(basis.values(nodes[rows]) @ coefficients)
        gradients.append(basis.gradients(nodes[rows]) @ coefficients)
    value, gradient = torch.cat(values), torch.cat(gradients)  # (n, K), (n, d, K)
    means = weights @ value
    value = value - means
    factor, failed = torch.linalg.cholesky_ex(value.T @ (weights[:, None] * value))
    if int(failed):
        msg = (
            "The modes found on one half of the draws are not independent on the other. Ask for "
            "fewer levels."
        )
        raise BackendError(msg)
    steep = (weights.sqrt()[:, None, None] * gradient).flatten(0, 1)
    inverse = torch.linalg.inv(factor)
    test, rotation = torch.linalg.eigh(inverse @ (steep.T @ steep) @ inverse.T)
    mixing = (inverse.T @ rotation)[:, :n_modes]
    modes = value @ mixing
    signs = torch.from_numpy(
        mode_signs(*(part.cpu().numpy() for part in (nodes, weights, modes)))
    ).to(mixing.device)
    mixing = mixing * signs
    return _Fit(
        basis=basis,
        coefficients=coefficients @ mixing,
        means=means @ mixing,
        train=temperature * train[:n_modes],
        test=temperature * test[:n_modes],
        nodes=nodes,
        weights=weights,
        modes=modes * signs,
        slopes=(gradient @ mixing).square().sum(dim=1),
    )


def _least_quotients(
    nodes: Tensor, weights: Tensor, basis: TrialBasis, n_modes: int, n_tried: int
) -> tuple[Tensor, Tensor]:
    """The least of ∫∣∇f∣²p / Var f and the coefficients of their f, (K,) and (F, K).

    They are n_tried, or as many as there are independent functions.

    Raises:
        InvalidInputError: If those are fewer than n_modes.
    """
    size = basis.n_functions
    square, slope = nodes.new_zeros(size, size), nodes.new_zeros(size, size)
    mean = nodes.new_zeros(size)
    for rows in row_blocks(len(nodes), basis.block(nodes.shape[1])):
        root = weights[rows].sqrt()[:, None]
        scaled = root * basis.values(nodes[rows])
        steep = (root[..., None] * basis.gradients(nodes[rows])).flatten(0, 1)
        square.addmm_(scaled.T, scaled)
        slope.addmm_(steep.T, steep)
        mean += scaled.T @ root[:, 0]
    # The functions sum to a constant: what is left of it after centring is rounding.
    values, vectors = torch.linalg.eigh(square - torch.outer(mean, mean))
    kept = values > _NULL * values[-1]
    if int(kept.sum()) < n_modes:
        msg = f"Only {int(kept.sum())} functions are independent here. Ask for fewer levels."
        raise InvalidInputError(msg)
    whitening = vectors[:, kept] / values[kept].sqrt()
    levels, rotation = torch.linalg.eigh(whitening.T @ slope @ whitening)
    return levels[:n_tried], whitening @ rotation[:, :n_tried]


def _record(surface: EnergySurface, draws: Draws, fit: _Fit, temperature: float) -> Spectrum:
    modes = Modes(surface, fit)
    zero = fit.test.new_zeros(1)
    levels = torch.cat([zero, fit.test])
    # Both halves may err to the same side: that much their number allows.
    own = fit.weights[:, None] * (temperature * fit.slopes - fit.test * fit.modes.square())
    errors = torch.cat([zero, (fit.test - fit.train).abs() + own.square().sum(dim=0).sqrt()])
    groups = level_groups(levels.cpu().numpy(), errors.cpu().numpy(), _TOLERANCE)
    ones = torch.ones_like(fit.weights)[:, None]
    return Spectrum(
        levels=levels,
        degeneracies=torch.from_numpy(degeneracies(groups)).to(levels.device),
        errors=errors,
        activation_energies=torch.cat([zero + math.nan, _activation(surface, fit, temperature)]),
        states=States(
            modes=modes, temperature=temperature, log_normalizer=float(draws.log_normalizer)
        ),
        modes=modes,
        sample=WeightedNodes(
            nodes=fit.nodes, weights=fit.weights, modes=torch.cat([ones, fit.modes], dim=1)
        ),
        surface=surface,
        temperature=temperature,
        method="ritz",
        error_kind="train against test",
        tolerance=_TOLERANCE,
    )


def _activation(surface: EnergySurface, fit: _Fit, temperature: float) -> Tensor:
    """T + ⟨U⟩ over ∣∇f∣²p − ⟨U⟩ over f²p, (K,)."""
    n_components = surface.n_components if isinstance(surface, MixtureSurface) else 1
    n = min(len(fit.nodes), max(_FEWEST_ENERGIES, _ENERGY_WORK // n_components))
    weights = fit.weights[:n]
    # A draw of p = 0, where the energy may be infinite, counts nothing.
    energy = torch.where(weights > 0, surface.energy(fit.nodes[:n]), 0.0)
    steep, square = weights[:, None] * fit.slopes[:n], weights[:, None] * fit.modes[:n].square()
    return temperature + energy @ steep / steep.sum(dim=0) - energy @ square / square.sum(dim=0)
