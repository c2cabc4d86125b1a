"""Draws carried from one density to another by reweighting, resampling and Metropolis steps."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from topopert.errors import InvalidInputError
from topopert.hamiltonian.surfaces import EnergySurface, row_blocks

__all__ = ["ROWS", "annealed"]

# Draws whose densities are computed at once: thousands at 30 components in d = 128 take .1 GB.
ROWS = 1024

_SHARE = 0.5  # of the draws that are to count effectively after each reweighting
_MAX_STAGES = 60
_MOVES = 8
_LAST_MOVES = 16
_ACCEPTANCE = 0.57  # optimal for Langevin proposals in high dimension
_WORST_ACCEPTANCE = 0.1


class _Bridge:
    """The energy (1 − β) U₀ + β U/T, at β between a proposal's energy U₀ and a surface's."""

    def __init__(
        self,
        surface: EnergySurface,
        temperature: float,
        log_proposal: Callable[[Tensor], Tensor],
    ) -> None:
        self.surface, self.temperature, self.log_proposal = surface, temperature, log_proposal

    def parts(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Energies (n, 2) of both ends and their gradients (n, 2, d)."""
        blocks = [self._block(z[rows]) for rows in row_blocks(len(z), ROWS)]
        energies, gradients = zip(*blocks, strict=True)
        return torch.cat(energies), torch.cat(gradients)

    def _block(self, z: Tensor) -> tuple[Tensor, Tensor]:
        energy, gradient = self.surface.energy_and_gradient(z)
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            start = -self.log_proposal(z)
            (slope,) = torch.autograd.grad(start.sum(), z)
        energies = torch.stack([start.detach(), energy / self.temperature], dim=1)
        return energies, torch.stack([slope, gradient / self.temperature], dim=1)


def annealed(
    nodes: Tensor,
    surface: EnergySurface,
    *,
    temperature: float,
    log_proposal: Callable[[Tensor], Tensor],
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Draws of e^{−U/T}/Z made of draws of another density, and log Z.

    Sequential Monte Carlo: the energy goes over in steps, each so small that half of the draws
    count after reweighting; they are drawn anew by their weights, and spread by Langevin steps
    with Metropolis' correction.

    Args:
        nodes: Draws of the proposal, (n, d).
        surface: U.
        temperature: T > 0.
        log_proposal: The log of the proposal's density, normalised, (B, d) to (B,).
        generator: The stream.

    Raises:
        InvalidInputError: If the density is too far away or its steps are not accepted.

    References:
        Del Moral, Doucet & Jasra, Sequential Monte Carlo samplers, J. R. Stat. Soc. B 68 (2006).
    """
    bridge = _Bridge(surface, temperature, log_proposal)
    energies, gradients = bridge.parts(nodes)
    share, log_normalizer, step = 0.0, 0.0, None
    for _ in range(_MAX_STAGES):
        rise = energies[:, 1] - energies[:, 0]
        # Draws beyond a hard wall weigh nothing.
        rise = torch.where(rise.isnan(), math.inf, rise)
        following = _next_share(rise, share)
        log_weight = -(following - share) * rise
        log_total = log_weight.logsumexp(dim=0)
        log_normalizer = log_normalizer + log_total - math.log(len(nodes))
        chosen = _resampled((log_weight - log_total).exp(), generator)
        nodes, energies, gradients = nodes[chosen], energies[chosen], gradients[chosen]
        share = following
        moves = _LAST_MOVES if share == 1.0 else _MOVES
        nodes, energies, gradients, step = _spread(
            nodes, energies, gradients, bridge, share, step, moves, generator
        )
        if share == 1.0:
            return nodes, torch.as_tensor(log_normalizer, dtype=nodes.dtype)
    msg = (
        f"e^{{−U/T}} at T = {temperature:g} could not be drawn from: after {_MAX_STAGES} steps of "
        "annealing it is not reached. Check that the energy confines, or choose a temperature "
        "nearer 1."
    )
    raise InvalidInputError(msg)


def _next_share(rise: Tensor, share: float) -> float:
    """The largest β up to 1 at which half of the draws count, by bisection."""

    def counts(following: float) -> bool:
        log_weight = -(following - share) * rise
        effective = (2 * log_weight.logsumexp(0) - (2 * log_weight).logsumexp(0)).exp()
        return float(effective) >= _SHARE * len(rise)

    if counts(1.0):
        return 1.0
    low, high = share, 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if counts(middle) else (low, middle)
    return low


def _resampled(weights: Tensor, generator: torch.Generator) -> Tensor:
    """Indices drawn by weight, systematically: each as often as its weight says, ± 1."""
    n = len(weights)
    offset = torch.rand((), generator=generator, device=generator.device, dtype=weights.dtype)
    levels = (torch.arange(n, dtype=weights.dtype, device=weights.device) + float(offset)) / n
    chosen = torch.searchsorted(weights.cumsum(dim=0), levels).clamp(max=n - 1)
    # Neighbours are copies: halves of the draws must not be.
    order = torch.randperm(n, generator=generator, device=generator.device)
    return chosen[order.to(chosen.device)]


def _spread(
    nodes: Tensor,
    energies: Tensor,
    gradients: Tensor,
    bridge: _Bridge,
    share: float,
    step: float | None,
    moves: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, Tensor, float]:
    """Metropolis-adjusted Langevin steps of size h·s per axis, h adapted to the acceptance."""
    mix = nodes.new_tensor([1 - share, share])
    scale = nodes.std(dim=0)
    size = len(nodes[0]) ** (-1 / 6) if step is None else step
    draw = {"generator": generator, "device": generator.device, "dtype": nodes.dtype}
    accepted = 0.0
    for _ in range(moves):
        spread = size * scale
        noise = torch.randn(nodes.shape, **draw).to(nodes.device)
        slope = torch.einsum("nkd,k->nd", gradients, mix)
        proposed = nodes - 0.5 * spread.square() * slope + spread * noise
        new_energies, new_gradients = bridge.parts(proposed)
        new_slope = torch.einsum("nkd,k->nd", new_gradients, mix)
        back = (nodes - proposed) / spread + 0.5 * spread * new_slope
        log_ratio = (energies - new_energies) @ mix
        log_ratio = log_ratio + 0.5 * (noise.square() - back.square()).sum(dim=1)
        level = torch.rand(len(nodes), **draw).to(nodes.device).log()
        taken = level < log_ratio  # false where the energy is not finite
        nodes = torch.where(taken[:, None], proposed, nodes)
        energies = torch.where(taken[:, None], new_energies, energies)
        gradients = torch.where(taken[:, None, None], new_gradients, gradients)
        accepted = float(taken.double().mean())
        size *= math.exp(accepted - _ACCEPTANCE)
    if accepted < _WORST_ACCEPTANCE:
        msg = (
            f"Only {accepted:.0%} of the Metropolis steps at this energy are accepted: it bends "
            "too sharply. Check the energy, or choose a higher temperature."
        )
        raise InvalidInputError(msg)
    return nodes, energies, gradients, size
