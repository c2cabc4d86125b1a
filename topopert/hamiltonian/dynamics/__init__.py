"""Dynamics on energy surfaces, draws from them, and what a decoder makes of both."""

from __future__ import annotations

from .decoding import decode_along
from .overdamped import overdamped_langevin
from .sampling import sample_surface
from .trajectory import PhaseTrajectory, Trajectory
from .underdamped import underdamped_langevin

__all__ = [
    "PhaseTrajectory",
    "Trajectory",
    "decode_along",
    "overdamped_langevin",
    "sample_surface",
    "underdamped_langevin",
]
