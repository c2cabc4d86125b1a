"""Draws from many chains of MALA, with a word on whether the chains agree."""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor

from topopert.errors import InvalidInputError, TopopertWarning
from topopert.hamiltonian.surfaces import EnergySurface

from .overdamped import overdamped_langevin
from .step_size import surface_scales

__all__ = ["converged_chains"]

_N_FRAMES = 32  # of each chain, from which its mean and variance are taken
_N_TAKEN = 8  # of these, as draws
_MIN_CHAINS = 256
_FIRST_STEPS = 256
_N_TUNINGS = 12


@torch.no_grad()
def converged_chains(
    surface: EnergySurface,
    n: int,
    *,
    generator: torch.Generator,
    tolerance: float | None = 1.05,
    max_steps: int = 1 << 14,
) -> Tensor:
    """Draws from e^{−U} by Metropolis-adjusted Langevin chains, shape (n, d).

    n/8 chains, at least 256, start around the surface's features, so that modes far from all
    features are not found. The step is tuned to an acceptance of 0.57; then the chains run for 256
    steps, 512, and so on, until the potential scale reduction R̂ of each coordinate
    and of the energy over the last run is within the tolerance. At 1.05 a chain's 8 draws are
    worth 7 independent ones.

    Args:
        surface: U, in nats.
        n: Number of draws.
        generator: The stream to draw from.
        tolerance: Largest R̂; None takes the first run as it is.
        max_steps: Of the last run, if R̂ stays larger.

    Raises:
        InvalidInputError: If no start has a finite energy.

    Warns:
        TopopertWarning: If R̂ is larger after the longest run.

    References:
        Gelman & Rubin, Inference from iterative simulation using multiple sequences, Stat. Sci. 7
        (1992); Roberts & Rosenthal, Optimal scaling of discrete approximations to Langevin
        diffusions, J. R. Stat. Soc. B 60 (1998), for 0.57.
    """
    z = _starts(surface, max(_MIN_CHAINS, -(-n // _N_TAKEN)), generator)
    step_size = surface_scales(surface, z, 1.0).overdamped_step(1.0)
    for _ in range(_N_TUNINGS):
        acceptance, z = _tuning_run(surface, z, step_size, generator)
        step_size *= math.exp(2 * (acceptance - 0.57))
    n_steps, spread = _FIRST_STEPS, math.inf
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TopopertWarning)  # R̂ says what a small acceptance does
            walk = overdamped_langevin(
                surface,
                z,
                n_steps,
                step_size=step_size,
                metropolis=True,
                every=n_steps // _N_FRAMES,
                generator=generator,
            )
        frames, z = walk.points[1:], walk.points[-1]
        if tolerance is None:
            break
        spread = _scale_reduction(surface, frames)
        if spread <= tolerance or n_steps >= max_steps:
            break
        n_steps *= 2
    if tolerance is not None and not spread <= tolerance:
        msg = (
            f"The chains that the draws come from differ: R̂ is {spread:.3g} after {n_steps} "
            "steps, so the weights of the basins may be wrong."
        )
        warnings.warn(msg, TopopertWarning, stacklevel=3)
    taken = frames[_N_FRAMES // _N_TAKEN - 1 :: _N_FRAMES // _N_TAKEN].flatten(0, 1)
    order = torch.randperm(len(taken), generator=generator, device=generator.device)
    return taken[order[:n].to(taken.device)]


def _starts(surface: EnergySurface, n_chains: int, generator: torch.Generator) -> Tensor:
    """Places around the features with a finite energy, (n_chains, d)."""
    features, d = surface.features, surface.latent_dim
    on = generator.device
    chosen = torch.randint(len(features.centers), (n_chains,), generator=generator, device=on)
    chosen = chosen.to(surface.device)
    noise = torch.randn(n_chains, d, generator=generator, device=on, dtype=torch.float64)
    z = features.centers[chosen] + 2 * features.widths[chosen] * noise.to(surface.device)
    finite = surface.energy(z).isfinite().nonzero()[:, 0]
    if not len(finite):
        msg = "The energy is infinite wherever it was looked for. Check it near the origin."
        raise InvalidInputError(msg)
    return z[finite[torch.arange(n_chains, device=finite.device) % len(finite)]]


def _tuning_run(
    surface: EnergySurface, z: Tensor, step_size: float, generator: torch.Generator
) -> tuple[float, Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TopopertWarning)  # the step is being tuned
        walk = overdamped_langevin(
            surface, z, 16, step_size=step_size, metropolis=True, every=16, generator=generator
        )
    return float(walk.acceptance.mean()), walk.points[-1]


def _scale_reduction(surface: EnergySurface, frames: Tensor) -> float:
    """The largest R̂ of the coordinates and the energy over frames (n, B, d)."""
    n = len(frames)
    energy = torch.stack([surface.energy(z) for z in frames])  # (n, B)
    observed = torch.cat([frames, energy[..., None]], dim=2)  # (n, B, d + 1)
    within = observed.var(dim=0).mean(dim=0)
    between = observed.mean(dim=0).var(dim=0)
    # R̂² = (n − 1)/n + between/within: 1 where chains differ by no more than their own noise.
    return float(((n - 1) / n + between / within).sqrt().amax())
