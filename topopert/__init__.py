"""Variational autoencoders whose latent space no longer depends on the random seed.

Three stages: `topology` turns data into persistence diagrams and anchors, `hamiltonian` turns
those into a perturbation of training, `comparison` measures whether the degeneracy was lifted.
"""

from __future__ import annotations

from . import comparison, datasets, hamiltonian, integrations, models, records, rng, topology
from .backends import bottleneck_distance, wasserstein_distance
from .comparison import (
    Arm,
    Calibration,
    ComparisonReport,
    DegeneracyMetrics,
    FaithfulnessMetrics,
    FrontPoint,
    Progress,
    TableRow,
    TrainingRun,
    Verdict,
    VerdictRule,
    calibrate,
    compare,
    degeneracy,
    faithfulness,
)
from .errors import (
    BackendError,
    InvalidInputError,
    InvalidTypeError,
    MissingDependencyError,
    TopopertError,
    TopopertWarning,
)
from .hamiltonian import (
    Adiabatic,
    AnchorPotential,
    Attachment,
    Constant,
    GaussHermite,
    Hamiltonian,
    MonteCarlo,
    OneBodyPotential,
    Potential,
    QuasiMonteCarlo,
    SignaturePotential,
    WellPotential,
    attach,
    excitation_energy,
    gauge_curvature,
)
from .models import TrainingConfig
from .records import (
    AnchorSpec,
    Estimate,
    GaugeCurvature,
    PersistenceDiagram,
    TopologicalFeature,
    WellSpec,
)
from .storage import load, save
from .topology import PersistentTopology, maxmin_landmarks, persistence_diagrams

__version__ = "0.1.0.dev0"

__all__ = [
    "Adiabatic",
    "AnchorPotential",
    "AnchorSpec",
    "Arm",
    "Attachment",
    "BackendError",
    "Calibration",
    "ComparisonReport",
    "Constant",
    "DegeneracyMetrics",
    "Estimate",
    "FaithfulnessMetrics",
    "FrontPoint",
    "GaugeCurvature",
    "GaussHermite",
    "Hamiltonian",
    "InvalidInputError",
    "InvalidTypeError",
    "MissingDependencyError",
    "MonteCarlo",
    "OneBodyPotential",
    "PersistenceDiagram",
    "PersistentTopology",
    "Potential",
    "Progress",
    "QuasiMonteCarlo",
    "SignaturePotential",
    "TableRow",
    "TopologicalFeature",
    "TopopertError",
    "TopopertWarning",
    "TrainingConfig",
    "TrainingRun",
    "Verdict",
    "VerdictRule",
    "WellPotential",
    "WellSpec",
    "attach",
    "bottleneck_distance",
    "calibrate",
    "compare",
    "comparison",
    "datasets",
    "degeneracy",
    "excitation_energy",
    "faithfulness",
    "gauge_curvature",
    "hamiltonian",
    "integrations",
    "load",
    "maxmin_landmarks",
    "models",
    "persistence_diagrams",
    "records",
    "rng",
    "save",
    "topology",
    "wasserstein_distance",
]
