"""Variational autoencoders whose latent space no longer depends on the random seed.

Three stages: `topology` turns data into persistence diagrams and anchors, `hamiltonian` turns
those into a perturbation of training, `comparison` measures whether the degeneracy was lifted.
"""

from __future__ import annotations

from . import comparison, datasets, hamiltonian, models, records, rng, topology
from .backends import bottleneck_distance, wasserstein_distance
from .comparison import (
    Arm,
    ComparisonReport,
    DegeneracyMetrics,
    Progress,
    TableRow,
    Verdict,
    VerdictRule,
    compare,
    degeneracy,
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
    Constant,
    Hamiltonian,
    Potential,
    WellPotential,
)
from .models import TrainingConfig
from .records import AnchorSpec, Estimate, PersistenceDiagram, TopologicalFeature, WellSpec
from .topology import PersistentTopology, maxmin_landmarks, persistence_diagrams

__version__ = "0.1.0.dev0"

__all__ = [
    "Adiabatic",
    "AnchorPotential",
    "AnchorSpec",
    "Arm",
    "BackendError",
    "ComparisonReport",
    "Constant",
    "DegeneracyMetrics",
    "Estimate",
    "Hamiltonian",
    "InvalidInputError",
    "InvalidTypeError",
    "MissingDependencyError",
    "PersistenceDiagram",
    "PersistentTopology",
    "Potential",
    "Progress",
    "TableRow",
    "TopologicalFeature",
    "TopopertError",
    "TopopertWarning",
    "TrainingConfig",
    "Verdict",
    "VerdictRule",
    "WellPotential",
    "WellSpec",
    "bottleneck_distance",
    "compare",
    "comparison",
    "datasets",
    "degeneracy",
    "hamiltonian",
    "maxmin_landmarks",
    "models",
    "persistence_diagrams",
    "records",
    "rng",
    "topology",
    "wasserstein_distance",
]
