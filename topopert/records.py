"""Plain records that pass between the stages: arrays and numbers, no behaviour."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "AnchorSpec",
    "Estimate",
    "GaugeCurvature",
    "PersistenceDiagram",
    "TopologicalFeature",
    "WellSpec",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PersistenceDiagram:
    """The persistence diagram of one homology dimension, in units of the metric (edge length)."""

    pairs: NDArray[np.float64]  # finite bars (birth, death), (K, 2); longest first
    essential: NDArray[np.float64]  # births of the bars that never die, (E,), ascending
    homology_dim: int

    @property
    def persistence(self) -> NDArray[np.float64]:
        """Death minus birth of each finite bar, shape (K,)."""
        return self.pairs[:, 1] - self.pairs[:, 0]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologicalFeature:
    """A class of homology whose bar is longer than noise explains."""

    homology_dim: int
    birth: float  # edge length, units of the metric
    death: float
    p_value: float  # after Bonferroni's correction over the bars that could have counted

    @property
    def persistence(self) -> float:
        """Death minus birth."""
        return self.death - self.birth


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure over seeds and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if math.isnan(self.low) and not math.isnan(self.value):
            return f"{self.value:.3g}"  # too few seeds for an interval
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnchorSpec:
    """Anchors T(x) as values on landmarks and the rule that extends them (theory, section 5.7)."""

    landmarks: NDArray[np.float64]  # (n, D)
    values: NDArray[np.float64]  # T on the landmarks, (n, d), in units of the prior
    radius: float  # of the partition of unity, units of the data

    @property
    def latent_dim(self) -> int:
        """Dimension d of the anchors."""
        return self.values.shape[1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WellSpec:
    """Gaussian wells in the latent space (theory, section 5.8)."""

    centers: NDArray[np.float64]  # (M, d), in units of the prior
    depths: NDArray[np.float64]  # (M,), nats
    widths: NDArray[np.float64]  # (M,), in units of the prior


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GaugeCurvature:
    """What it costs to turn a latent space in the external field, for κλ = 1, in nats.

    Theory, section 4; s₁ ≥ … ≥ s_d are the singular values of C = E[μTᵀ].
    """

    curvatures: NDArray[np.float64]  # sᵢ + sⱼ per rad², one per plane, (d(d−1)/2,), ascending
    gap: float | None  # s_{d−1} + s_d, the softest rotation; None for d = 1, where nothing turns
    reflection_energy: float  # 2 s_d: by so much the best map of the other handedness lies higher
