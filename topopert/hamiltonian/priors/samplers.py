"""Draws from a tilt: exact ones by rejection, or the ends of Metropolis chains."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .mixture import Mixture
from .tilt import Tilt

__all__ = ["metropolis", "rejection"]


def rejection(
    tilt: Tilt, n: int, *, acceptance: float, generator: torch.Generator | None
) -> Tensor:
    """Exact draws, shape (n, b, d): proposals of the Gaussian, kept with e^{−(E − bound)}.

    Args:
        tilt: A tilt whose energy has a lower bound.
        n: Number of draws for each datum.
        acceptance: The share of proposals that is expected to be kept; sets their number only.
        generator: The stream; None takes torch's global one.
    """
    draws = tilt.loc.new_empty(n, tilt.n_data, tilt.latent_dim)
    bound = tilt.lower_bound
    pending = torch.ones(n, tilt.n_data, dtype=torch.bool, device=tilt.loc.device)
    while pending.any():
        rows = pending.any(dim=1).nonzero().squeeze(1)  # those with a datum that still waits
        n_rounds = max(1, min(math.ceil(1 / acceptance), tilt.block() // len(rows)))
        for some in rows.split(tilt.block()):
            shape = (n_rounds * len(some), tilt.n_data)
            z = tilt.loc + tilt.scale * _normal((*shape, tilt.latent_dim), tilt, generator)
            kept = _uniform(shape, tilt, generator).log() < bound - tilt.energy(z)
            kept = kept.reshape(n_rounds, len(some), -1)
            z = z.reshape(n_rounds, len(some), *z.shape[1:])
            # The first that is kept: argmax of booleans finds it.
            first = kept.int().argmax(dim=0)  # (rows, b)
            chosen = z.gather(0, first[None, :, :, None].expand(1, -1, -1, z.shape[-1]))[0]
            new = kept.any(dim=0) & pending[some]
            draws[some] = torch.where(new[..., None], chosen, draws[some])
            pending[some] &= ~new
    return draws


def metropolis(
    tilt: Tilt, mixture: Mixture, n: int, *, n_steps: int, generator: torch.Generator | None
) -> Tensor:
    """The ends of n independent Metropolis chains for each datum, shape (n, b, d).

    Each chain starts in the mixture and proposes from it, independently of where it stands.

    References:
        Mengersen & Tweedie, Rates of convergence of the Hastings and Metropolis algorithms, Ann.
        Stat. 24 (1996), theorem 2.1.
    """
    state = mixture.sample(n, generator)
    weight = tilt.log_density(state) - mixture.log_density(state)  # (n, b)
    for _ in range(n_steps):
        z = mixture.sample(n, generator)
        proposed = tilt.log_density(z) - mixture.log_density(z)
        moves = _uniform(weight.shape, tilt, generator).log() < proposed - weight
        state = torch.where(moves[..., None], z, state)
        weight = torch.where(moves, proposed, weight)
    return state


def _normal(shape: tuple[int, ...], tilt: Tilt, generator: torch.Generator | None) -> Tensor:
    return _drawn(torch.randn, shape, tilt, generator)


def _uniform(shape: tuple[int, ...], tilt: Tilt, generator: torch.Generator | None) -> Tensor:
    return _drawn(torch.rand, shape, tilt, generator)


def _drawn(
    draw: Callable[..., Tensor],
    shape: tuple[int, ...],
    tilt: Tilt,
    generator: torch.Generator | None,
) -> Tensor:
    # Drawn where the generator lives, then moved: one seed, one noise, any device.
    device = tilt.loc.device if generator is None else generator.device
    return draw(shape, generator=generator, dtype=tilt.loc.dtype, device=device).to(
        tilt.loc.device
    )
