"""Hamiltonian stage: potentials, couplings, and the energy term that perturbs a VAE."""

from __future__ import annotations

from .anchor_potential import AnchorPotential
from .attach import Attachment, attach
from .couplings import Adiabatic, Constant, Coupling, checked_coupling, coupling_at
from .excitation import excitation_energy
from .gauge import gauge_curvature
from .hamiltonian import Hamiltonian
from .one_body_potential import OneBodyPotential
from .potential import Potential, SumPotential
from .quadrature import GaussHermite, MonteCarlo, QuasiMonteCarlo
from .signature_potential import SignaturePotential
from .state import hamiltonian_from_state, hamiltonian_state
from .tilt_solution import SamplingReport
from .tilted_gaussian import TiltedGaussian
from .tilted_prior import TiltedPrior
from .well_potential import WellPotential

__all__ = [
    "Adiabatic",
    "AnchorPotential",
    "Attachment",
    "Constant",
    "Coupling",
    "GaussHermite",
    "Hamiltonian",
    "MonteCarlo",
    "OneBodyPotential",
    "Potential",
    "QuasiMonteCarlo",
    "SamplingReport",
    "SignaturePotential",
    "SumPotential",
    "TiltedGaussian",
    "TiltedPrior",
    "WellPotential",
    "attach",
    "checked_coupling",
    "coupling_at",
    "excitation_energy",
    "gauge_curvature",
    "hamiltonian_from_state",
    "hamiltonian_state",
]
