"""Hamiltonian stage: potentials, couplings, and the energy term that perturbs a VAE."""

from __future__ import annotations

from .attachment import Attachment, attach
from .barcode import (
    ArrheniusSeries,
    BarcodeComparison,
    EnergyBarcode,
    arrhenius,
    barcode_comparison,
    energy_barcode,
)
from .couplings import Adiabatic, Constant, Coupling, checked_coupling, coupling_at
from .description import Loop, Mode, SpectrumDescription
from .draws import ritz_spectrum
from .dynamics import (
    PhaseTrajectory,
    Trajectory,
    decode_along,
    overdamped_langevin,
    sample_surface,
    underdamped_langevin,
)
from .energy_surgery import EnergySurgery, Share, energy_surgery
from .excitation import excitation_energy
from .gauge import gauge_curvature
from .grids import (
    differentiable_levels,
    differentiable_posterior_levels,
    grid_spectrum,
    marginal_spectrum,
)
from .hamiltonian import Hamiltonian
from .landscape import (
    BasinWeights,
    EnergyLandscape,
    MergeTree,
    TransitionNetwork,
    TransitionPath,
    kramers_spectrum,
)
from .level_solver import posterior_spectrum, spectrum, surface_spectrum
from .perturbation import perturbation_levels, splitting_matrix
from .perturbed_excitation import perturbed_excitation_energy
from .potentials import (
    AnchorPotential,
    GaussHermite,
    MonteCarlo,
    OneBodyPotential,
    PolynomialPotential,
    Potential,
    QuasiMonteCarlo,
    SignaturePotential,
    SumPotential,
    WellPotential,
)
from .priors import SamplingReport, TiltedGaussian, TiltedPrior
from .spectra import Spectrum, WeightedNodes
from .state import hamiltonian_from_state, hamiltonian_state
from .structure import structured_spectrum
from .surfaces import (
    Derivatives,
    EnergySurface,
    Features,
    FunctionSurface,
    MixtureSurface,
    TiltedSurface,
    posterior_surface,
)

__all__ = [
    "Adiabatic",
    "AnchorPotential",
    "ArrheniusSeries",
    "Attachment",
    "BarcodeComparison",
    "BasinWeights",
    "Constant",
    "Coupling",
    "Derivatives",
    "EnergyBarcode",
    "EnergyLandscape",
    "EnergySurface",
    "EnergySurgery",
    "Features",
    "FunctionSurface",
    "GaussHermite",
    "Hamiltonian",
    "Loop",
    "MergeTree",
    "MixtureSurface",
    "Mode",
    "MonteCarlo",
    "OneBodyPotential",
    "PhaseTrajectory",
    "PolynomialPotential",
    "Potential",
    "QuasiMonteCarlo",
    "SamplingReport",
    "Share",
    "SignaturePotential",
    "Spectrum",
    "SpectrumDescription",
    "SumPotential",
    "TiltedGaussian",
    "TiltedPrior",
    "TiltedSurface",
    "Trajectory",
    "TransitionNetwork",
    "TransitionPath",
    "WeightedNodes",
    "WellPotential",
    "arrhenius",
    "attach",
    "barcode_comparison",
    "checked_coupling",
    "coupling_at",
    "decode_along",
    "differentiable_levels",
    "differentiable_posterior_levels",
    "energy_barcode",
    "energy_surgery",
    "excitation_energy",
    "gauge_curvature",
    "grid_spectrum",
    "hamiltonian_from_state",
    "hamiltonian_state",
    "kramers_spectrum",
    "marginal_spectrum",
    "overdamped_langevin",
    "perturbation_levels",
    "perturbed_excitation_energy",
    "posterior_spectrum",
    "posterior_surface",
    "ritz_spectrum",
    "sample_surface",
    "spectrum",
    "splitting_matrix",
    "structured_spectrum",
    "surface_spectrum",
    "underdamped_langevin",
]
