"""Where walkers on an energy surface went."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

__all__ = ["PhaseTrajectory", "Trajectory"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trajectory:
    """B walkers at n_frames times, the start first, of the type and device of the start."""

    points: Tensor  # (n_frames, B, d)
    times: Tensor  # (n_frames,), double precision, from 0
    step_size: float
    temperature: float
    acceptance: Tensor  # share of each walker's steps that were taken, (B,); 1 without Metropolis


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhaseTrajectory:
    """B walkers of mass 1 with their velocities, of the type and device of the start."""

    points: Tensor  # (n_frames, B, d)
    velocities: Tensor  # (n_frames, B, d)
    times: Tensor  # (n_frames,), double precision, from 0
    step_size: float
    temperature: float
    friction: float  # per unit of time
