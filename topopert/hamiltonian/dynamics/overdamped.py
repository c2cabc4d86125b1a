"""Overdamped Langevin dynamics, with a Metropolis correction if it is to be exact."""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor

from topopert._checks import check_generator, check_real
from topopert.errors import TopopertWarning
from topopert.hamiltonian.surfaces import EnergySurface

from .trajectory import Trajectory
from .walkers import Walk, drawn_normal, frame_times, start_walk

__all__ = ["overdamped_langevin"]


@torch.no_grad()
def overdamped_langevin(
    surface: EnergySurface,
    z0: Tensor,
    n_steps: int,
    *,
    temperature: float = 1.0,
    step_size: float | None = None,
    metropolis: bool = False,
    every: int = 1,
    generator: torch.Generator,
) -> Trajectory:
    """Walkers that follow dz = −∇U dt + √(2T) dW, whose stationary density is e^{−U/T}.

    By Euler–Maruyama, whose averages have an error of first order in the step. With the Metropolis
    correction (MALA) the stationary density is exact for any step; steps that are refused slow
    the clock down, so for rates the step must be small all the same. All walkers move at once, and
    what `spectrum` calls levels are their rates of relaxation.

    Args:
        surface: U, in nats.
        z0: Where the walkers start, shape (B, d).
        n_steps: Number of steps.
        temperature: T > 0; 1 is that of the posterior, the energy being −log of a density.
        step_size: Of time; None takes min(1/κ, w²/T)/10, κ the largest curvature and w the width
            of the narrowest feature (`SurfaceScales`).
        metropolis: Whether a step is accepted by Metropolis' rule.
        every: How many steps lie between two frames that are kept.
        generator: Of the noise.

    Returns:
        The trajectory, n_steps/every + 1 frames of the type and on the device of z0.

    Raises:
        InvalidInputError: If an argument is out of range, a start has no finite energy, or a
            walker runs off because the step is too large.

    Warns:
        TopopertWarning: If Metropolis' rule accepts fewer than a tenth of the steps.

    References:
        Roberts & Tweedie, Exponential convergence of Langevin distributions and their discrete
        approximations, Bernoulli 2 (1996), for the correction.
    """
    check_generator(generator)
    walk = start_walk(surface, z0, n_steps, every=every, temperature=temperature)
    if step_size is None:
        step_size = walk.scales.overdamped_step(walk.temperature)
    step_size = check_real(step_size, name="step_size", low=0.0, low_open=True)
    points = z0.new_empty(walk.n_steps // walk.every + 1, *z0.shape)
    points[0] = z0.detach()
    advance = _metropolis if metropolis else _euler
    acceptance = advance(walk, step_size, points, generator)
    if walk.n_steps and float(acceptance.mean()) < 0.1:
        better = min(0.1 * step_size, walk.scales.overdamped_step(walk.temperature))
        msg = (
            f"Only {float(acceptance.mean()):.1%} of the steps were accepted with `step_size` "
            f"{step_size:g}: walkers hardly move. Try `step_size={better:.2g}`."
        )
        warnings.warn(msg, TopopertWarning, stacklevel=3)  # past torch.no_grad's frame
    return Trajectory(
        points=points,
        times=frame_times(walk, step_size),
        step_size=step_size,
        temperature=walk.temperature,
        acceptance=acceptance.to(z0.device, z0.dtype),
    )


def _euler(walk: Walk, step_size: float, points: Tensor, generator: torch.Generator) -> Tensor:
    z = walk.start
    spread = math.sqrt(2 * walk.temperature * step_size)
    safe = walk.scales.overdamped_step(walk.temperature)
    for step in range(1, walk.n_steps + 1):
        slope = walk.surface.gradient(z)
        z = z - step_size * slope + spread * drawn_normal(z, generator)
        walk.check(z, slope, step=step, step_size=step_size, safe=safe)
        if step % walk.every == 0:
            points[step // walk.every] = z
    return z.new_ones(len(z))


def _metropolis(
    walk: Walk, step_size: float, points: Tensor, generator: torch.Generator
) -> Tensor:
    z = walk.start
    temperature = walk.temperature
    spread = math.sqrt(2 * temperature * step_size)
    energy, slope = walk.surface.energy_and_gradient(z)
    n_accepted = z.new_zeros(len(z))
    for step in range(1, walk.n_steps + 1):
        noise = drawn_normal(z, generator)
        level = torch.rand(len(z), generator=generator, dtype=z.dtype, device=generator.device)
        proposal = z - step_size * slope + spread * noise
        inside = (proposal.abs() <= walk.reach).all(dim=1)
        # An energy is not asked for where no walker could be; the step is refused.
        proposal = torch.where(inside[:, None], proposal, z)
        new_energy, new_slope = walk.surface.energy_and_gradient(proposal)
        back = (z - proposal + step_size * new_slope).square().sum(dim=1) / spread**2
        log_ratio = (
            (energy - new_energy) / temperature + 0.5 * noise.square().sum(dim=1) - 0.5 * back
        )
        # NaN, of +∞ minus +∞, compares as no.
        accepted = inside & (level.to(z.device).log() < log_ratio)
        z = torch.where(accepted[:, None], proposal, z)
        slope = torch.where(accepted[:, None], new_slope, slope)
        energy = torch.where(accepted, new_energy, energy)
        n_accepted += accepted
        if step % walk.every == 0:
            points[step // walk.every] = z
    return n_accepted / max(walk.n_steps, 1)
