"""What a spectrum says of its surface, as a record that can be read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topopert._text_table import aligned

from .loops import Loop

__all__ = ["Mode", "SpectrumDescription"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """What one mode of the spectrum is."""

    level: float
    activation_energy: float  # nats; NaN for the ground and for levels lost in rounding
    label: str  # "ground", "harmonic", "diffusive" or "barrier"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpectrumDescription:
    """What the low spectrum says of the energy surface."""

    n_clusters: int
    cluster_masses: NDArray[np.float64]  # share of the density in each, descending, (n_clusters,)
    loops: tuple[Loop, ...]
    modes: tuple[Mode, ...]  # one per level
    caveats: tuple[str, ...]  # what could not be told, and why
    temperature: float
    functions: Callable[[Tensor], Tensor]  # f_k at z, (B, n_levels)
    membership_matrix: NDArray[np.float64]  # (n_levels, n_clusters)

    def memberships(self, z: Tensor) -> Tensor:
        """The share of each cluster at z (B, d), (B, n_clusters), differentiable.

        Rows sum to 1 but for outliers, which belong to none, and may leave [0, 1] by a little.
        """
        values = self.functions(z)
        return values @ torch.as_tensor(
            self.membership_matrix, dtype=values.dtype, device=values.device
        )

    def __str__(self) -> str:
        masses = ", ".join(f"{mass:.0%}" for mass in self.cluster_masses)
        lines = [f"{_count(self.n_clusters, 'cluster')}: {masses} of the density"]
        lines.append(_count(len(self.loops), "loop") + (":" if self.loops else ""))
        lines += [f"  {_loop_line(loop, self.n_clusters)}" for loop in self.loops]
        rows = [("k", "level", "activation", "label")]
        for k, mode in enumerate(self.modes):
            energy = mode.activation_energy
            shown = "" if math.isnan(energy) else f"{round(energy, 2) + 0.0:.2f} nats"
            rows.append((str(k), f"{mode.level:.4g}", shown, mode.label))
        lines += aligned(rows, rule=False)
        lines += [f"cannot tell: {caveat}" for caveat in self.caveats]
        return "\n".join(lines)


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _loop_line(loop: Loop, n_clusters: int) -> str:
    where = f"in cluster {loop.cluster}, " if n_clusters > 1 else ""
    overtone = "" if math.isnan(loop.overtone) else f", overtone at {loop.overtone:.2f} × that"
    return (
        f"{where}levels {loop.levels[0]:.4g} and {loop.levels[1]:.4g}, radius {loop.radius:.3g}, "
        f"hole {loop.persistence:.2f} nats{overtone}"
    )
