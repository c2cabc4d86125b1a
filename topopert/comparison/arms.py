"""What came of the seeds of an arm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .metrics.degeneracy import DegeneracyMetrics
from .metrics.faithfulness import FaithfulnessMetrics

__all__ = ["Arm"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arm:
    """What the seeds of an arm came to, on held-out data unless said otherwise."""

    name: str
    latents: NDArray[np.float64]  # posterior means, (K, N_test, d)
    logvars: NDArray[np.float64]  # posterior log-variances, (K, N_test, d)
    neg_elbo: NDArray[np.float64]  # −ELBO of the unperturbed objective, nats per point, (K,)
    reconstruction: NDArray[np.float64]  # nats per point without constants, (K,)
    kl_per_axis: NDArray[np.float64]  # nats per point, (K, d)
    learning_curve: NDArray[np.float64]  # (n, K): training loss, n evenly spaced stretches
    seconds: float  # wall-clock time of training all seeds
    diverged: tuple[int, ...]  # seeds whose latents or −ELBO are not finite
    # Of the seeds that did not diverge; None below 3 of them:
    metrics: DegeneracyMetrics | None
    faithfulness: FaithfulnessMetrics | None  # to the held-out rows as the models see them

    @property
    def finite(self) -> NDArray[np.intp]:
        """Indices of the seeds that did not diverge."""
        return np.setdiff1d(np.arange(len(self.latents)), self.diverged)
