"""What both dynamics need: checked arguments, frames, noise, and a word on divergence."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from topopert._checks import check_count, check_real
from topopert.errors import InvalidInputError
from topopert.hamiltonian.surfaces import EnergySurface

from .step_size import SurfaceScales, surface_scales

__all__ = ["Walk", "drawn_normal", "frame_times", "start_walk"]

# Distances from the origin, over that of what is known of the surface: beyond is nowhere.
_FAR = 1e6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Walk:
    """The checked arguments of a simulation, and where it starts."""

    surface: EnergySurface
    start: Tensor  # (B, d), in the surface's type and place
    n_steps: int
    every: int
    temperature: float
    scales: SurfaceScales
    reach: float  # walkers farther out than this have diverged

    def check(self, z: Tensor, slope: Tensor, *, step: int, step_size: float, safe: float) -> None:
        """Refuse walkers that have left the surface.

        Args:
            z: Where they are now, (B, d).
            slope: The gradient that brought them there, (B, d).
            step: The number of the step.
            step_size: Its size.
            safe: The step that the surface's stiffness suggests.

        Raises:
            InvalidInputError: If one is not at a finite place, or too far out.
        """
        inside = z.abs().amax() <= self.reach  # NaN is not
        if inside:
            return
        if not slope.isfinite().all():
            msg = (
                f"The gradient of the energy is not finite at step {step}. The energy must be "
                "differentiable wherever walkers go: look for roots, logarithms and divisions."
            )
            raise InvalidInputError(msg)
        msg = (
            f"A walker ran off at step {step} with `step_size` {step_size:g}. Pass a smaller one: "
            f"`step_size={min(safe, 0.1 * step_size):.2g}` would do, unless the energy falls "
            "without end far out."
        )
        raise InvalidInputError(msg)


def start_walk(
    surface: EnergySurface, z0: Tensor, n_steps: int, *, every: int, temperature: float
) -> Walk:
    """The walk, its arguments checked.

    Raises:
        InvalidInputError: If a number is out of range, `every` does not divide `n_steps`, or a
            start is not finite or has no finite energy.
    """
    n_steps = check_count(n_steps, name="n_steps", minimum=0)
    every = check_count(every, name="every")
    if n_steps % every:
        msg = (
            f"`every` must divide `n_steps`, so that the last step is kept: got {every} and "
            f"{n_steps}. Try `n_steps={n_steps - n_steps % every + every}`."
        )
        raise InvalidInputError(msg)
    temperature = check_real(temperature, name="temperature", low=0.0, low_open=True)
    z = surface.checked_codes(z0).detach()
    if not len(z):
        msg = "`z0` has no rows. Give each walker one."
        raise InvalidInputError(msg)
    bad = (~z.isfinite()).any(dim=1)
    if not bad.any():
        with torch.no_grad():
            bad = ~surface.energy(z).isfinite()
    if bad.any():
        row = int(bad.nonzero()[0, 0])
        msg = (
            f"`z0` has no finite energy in row {row}: {z[row].tolist()}. Start where the density "
            "is not 0."
        )
        raise InvalidInputError(msg)
    features = surface.features
    extent = (features.centers.abs() + features.widths).amax()
    return Walk(
        surface=surface,
        start=z,
        n_steps=n_steps,
        every=every,
        temperature=temperature,
        scales=surface_scales(surface, z, temperature),
        reach=_FAR * float(torch.maximum(extent, z.abs().amax())),
    )


def frame_times(walk: Walk, step_size: float) -> Tensor:
    """The times of the frames that are kept, (n_frames,)."""
    return step_size * torch.arange(0, walk.n_steps + 1, walk.every, dtype=torch.float64)


def drawn_normal(like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal noise of a tensor's shape, type and device."""
    # Drawn where the generator lives, then moved: one seed, one noise, any device.
    noise = torch.randn(like.shape, generator=generator, dtype=like.dtype, device=generator.device)
    return noise.to(like.device)
