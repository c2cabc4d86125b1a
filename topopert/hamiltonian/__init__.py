"""Hamiltonian stage: potentials, couplings, and the energy term that perturbs a VAE."""

from __future__ import annotations

from .anchor_potential import AnchorPotential
from .couplings import Adiabatic, Constant, Coupling, checked_coupling
from .hamiltonian import Hamiltonian
from .potential import Potential, SumPotential
from .well_potential import WellPotential

__all__ = [
    "Adiabatic",
    "AnchorPotential",
    "Constant",
    "Coupling",
    "Hamiltonian",
    "Potential",
    "SumPotential",
    "WellPotential",
    "checked_coupling",
]
