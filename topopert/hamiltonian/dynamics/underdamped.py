"""Underdamped Langevin dynamics by a splitting that conserves the energy without friction."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from topopert._checks import check_generator, check_real
from topopert.errors import InvalidInputError
from topopert.hamiltonian.surfaces import EnergySurface

from .trajectory import PhaseTrajectory
from .walkers import drawn_normal, frame_times, start_walk

__all__ = ["underdamped_langevin"]


@torch.no_grad()
def underdamped_langevin(
    surface: EnergySurface,
    z0: Tensor,
    n_steps: int,
    *,
    temperature: float = 1.0,
    friction: float,
    step_size: float | None = None,
    velocities: Tensor | None = None,
    every: int = 1,
    generator: torch.Generator,
) -> PhaseTrajectory:
    """Walkers of mass 1 that follow dz = v dt, dv = −∇U dt − γv dt + √(2γT) dW.

    The stationary density of z is e^{−U/T}. The splitting is BAOAB: half a kick, half a drift, an
    exact step of the velocities' own noise, half a drift, half a kick. Its averages over z have an
    error of second order in the step, and none in a parabola. Without friction it is velocity
    Verlet, a symplectic map: the energy U + ½∣v∣² oscillates by O(h²) and does not drift.

    Args:
        surface: U, in nats.
        z0: Where the walkers start, shape (B, d).
        n_steps: Number of steps.
        temperature: T > 0.
        friction: γ ≥ 0, per unit of time; for γ large it is `overdamped_langevin`, time over γ.
        step_size: Of time; None takes 0.3 min(1/√κ, w/√T), κ the largest curvature and w the width
            of the narrowest feature (`SurfaceScales`).
        velocities: Of the start, shape (B, d); None draws them, N(0, T I).
        every: How many steps lie between two frames that are kept.
        generator: Of the noise.

    Returns:
        The trajectory, n_steps/every + 1 frames of the type and on the device of z0.

    Raises:
        InvalidInputError: If an argument is out of range, a start has no finite energy, or a
            walker runs off because the step is too large.

    References:
        Leimkuhler & Matthews, Rational construction of stochastic numerical methods for molecular
        sampling, Appl. Math. Res. Express (2013).
    """
    check_generator(generator)
    walk = start_walk(surface, z0, n_steps, every=every, temperature=temperature)
    friction = check_real(friction, name="friction", low=0.0)
    safe = walk.scales.underdamped_step(walk.temperature)
    step_size = safe if step_size is None else step_size
    step_size = check_real(step_size, name="step_size", low=0.0, low_open=True)
    z = walk.start
    if velocities is None:
        v = math.sqrt(walk.temperature) * drawn_normal(z, generator)
    else:
        v = _checked_velocities(velocities, z0).to(z.device, z.dtype)
    shape = (walk.n_steps // walk.every + 1, *z0.shape)
    points, speeds = z0.new_empty(shape), z0.new_empty(shape)
    points[0], speeds[0] = z0.detach(), v
    kept = math.exp(-friction * step_size)
    spread = math.sqrt(-walk.temperature * math.expm1(-2 * friction * step_size))
    slope = surface.gradient(z)
    for step in range(1, walk.n_steps + 1):
        v = v - 0.5 * step_size * slope
        z = z + 0.5 * step_size * v
        if friction > 0:  # without it no noise is drawn, so that a run is the same with any seed
            v = kept * v + spread * drawn_normal(v, generator)
        z = z + 0.5 * step_size * v
        walk.check(z, slope, step=step, step_size=step_size, safe=safe)
        slope = surface.gradient(z)
        v = v - 0.5 * step_size * slope
        if step % walk.every == 0:
            points[step // walk.every], speeds[step // walk.every] = z, v
    return PhaseTrajectory(
        points=points,
        velocities=speeds,
        times=frame_times(walk, step_size),
        step_size=step_size,
        temperature=walk.temperature,
        friction=friction,
    )


def _checked_velocities(velocities: Tensor, z0: Tensor) -> Tensor:
    if not isinstance(velocities, Tensor) or velocities.shape != z0.shape:
        given = (
            tuple(velocities.shape)
            if isinstance(velocities, Tensor)
            else type(velocities).__name__
        )
        msg = (
            f"`velocities` must be a tensor of the shape of `z0`, {tuple(z0.shape)}, got {given}."
        )
        raise InvalidInputError(msg)
    if not velocities.isfinite().all():
        msg = "`velocities` has NaN or infinity. Leave it out to draw them."
        raise InvalidInputError(msg)
    return velocities.detach()
