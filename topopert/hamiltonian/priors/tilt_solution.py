"""The constant of a tilt and the sampler that suits it, each found when it is first asked for."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from topopert.errors import TopopertWarning

from .cubature import LogIntegral, log_integral
from .importance import ImportanceEstimate, estimate_constant
from .mixture import Mixture, adapted_mixture
from .samplers import metropolis, rejection
from .tilt import Tilt

__all__ = ["SamplingReport", "TiltSolution"]

_MAX_CUBATURE_DIM = 3
_TOLERANCE = {1: 1e-8, 2: 1e-8, 3: 1e-6}  # relative, of the cubature in d dimensions
_MAX_WORK = 1 << 29  # nodes times exponentials
_PILOT = 1 << 13
_MIN_ACCEPTANCE = 0.02  # of rejection, below which Metropolis is cheaper
_DISTANCE = 1e-4  # in total variation, of a Metropolis chain from its target
_MAX_STEPS = 1000
_MIN_EFFECTIVE = 100  # draws: below, an estimate does not know its own error
_MEMORY = 1 << 24  # numbers in the largest array of a mixture


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SamplingReport:
    """How a tilted prior is drawn from, and how far its draws may be from it."""

    method: Literal["rejection", "metropolis"]
    acceptance: Tensor  # share of proposals that are kept, of each datum, (b,)
    n_steps: int  # of each Metropolis chain; 0 for rejection
    # Bound on the total-variation distance between a draw and the prior, (b,): 0 for rejection,
    # which is exact; (1 − 1/w)^n_steps for Metropolis, w the largest weight that a pilot saw.
    distance: Tensor


class TiltSolution:
    """What has to be computed about a tilt.

    Args:
        tilt: The unnormalised density.
    """

    def __init__(self, tilt: Tilt) -> None:
        self.tilt = tilt

    @cached_property
    def constant(self) -> LogIntegral:
        """Log ∫ N(z; loc, scale² I) e^{−E} dz of each datum and its error, (b,), in nats.

        By cubature in d ≤ 3, the error a bound in practice; by importance sampling with a fixed
        seed above, the error a standard error.
        """
        with torch.no_grad():
            if self.tilt.latent_dim <= _MAX_CUBATURE_DIM:
                return self._cubature()
            estimates = self._estimates
            return LogIntegral(
                value=torch.cat([e.log_constant for e in estimates]),
                error=torch.cat([e.error for e in estimates]),
            )

    @cached_property
    def sampling(self) -> SamplingReport:
        """The sampler that `sample` uses."""
        with torch.no_grad():
            acceptance = self._rejection_acceptance()
            if float(acceptance.min()) >= _MIN_ACCEPTANCE:
                return SamplingReport(
                    method="rejection",
                    acceptance=acceptance,
                    n_steps=0,
                    distance=torch.zeros_like(acceptance),
                )
            largest = torch.cat([e.largest_weight for e in self._estimates])  # (b,)
            log_rate = torch.log1p(-1 / largest.clamp(min=1 + 1e-9))  # (b,), of convergence
            needed = math.ceil(math.log(_DISTANCE) / float(log_rate.max()))
            report = SamplingReport(
                method="metropolis",
                acceptance=torch.cat([e.acceptance for e in self._estimates]),
                n_steps=min(max(needed, 1), _MAX_STEPS),
                distance=(min(max(needed, 1), _MAX_STEPS) * log_rate).exp(),
            )
        if needed > _MAX_STEPS:
            _warn(
                f"Draws of the tilted prior may be {float(report.distance.max()):.2g} from it in "
                f"total variation after {_MAX_STEPS} Metropolis steps."
            )
        return report

    def sample(self, n: int, generator: torch.Generator | None) -> Tensor:
        """N draws for each datum, shape (n, b, d)."""
        report = self.sampling
        with torch.no_grad():
            if report.method == "rejection":
                acceptance = float(report.acceptance.min())
                return rejection(self.tilt, n, acceptance=acceptance, generator=generator)
            draws = []
            for tilt, mixture in self._mixtures:
                rows = max(1, _MEMORY // mixture.loc.numel())
                sizes = [min(rows, n - start) for start in range(0, n, rows)]
                chains = [
                    metropolis(tilt, mixture, k, n_steps=report.n_steps, generator=generator)
                    for k in sizes
                ]
                draws.append(
                    torch.cat(chains) if chains else tilt.loc.new_empty(0, *tilt.loc.shape)
                )
            return torch.cat(draws, dim=1)

    @cached_property
    def _mixtures(self) -> list[tuple[Tilt, Mixture]]:
        """The tilt in groups of data, each with a proposal: all at once would not fit."""
        tilt = self.tilt
        n_components = 20 + min(len(tilt.centers), 128)
        size = max(1, _MEMORY // (4096 * n_components * tilt.latent_dim))
        groups = [tilt.data(slice(i, i + size)) for i in range(0, tilt.n_data, size)]
        return [(group, adapted_mixture(group, _fixed_stream())) for group in groups]

    @cached_property
    def _estimates(self) -> list[ImportanceEstimate]:
        stream = _fixed_stream()
        estimates = [estimate_constant(*group, stream) for group in self._mixtures]
        n_effective = min(float(e.n_effective.min()) for e in estimates)
        if n_effective < _MIN_EFFECTIVE:
            _warn(
                f"The constant of the tilted prior rests on {n_effective:.0f} effective draws, so "
                "neither it nor its error can be relied on. Use a smaller coupling."
            )
        return estimates

    def _cubature(self) -> LogIntegral:
        tilt = self.tilt
        scales = tilt.widths.new_full((tilt.n_data,), tilt.scale)
        per_node = len(tilt.centers) + tilt.n_data * (1 + 8 * len(tilt.terms)) + 8
        tolerance = max(_TOLERANCE[tilt.latent_dim], 100 * tilt.rounding)
        integral = log_integral(
            lambda nodes: tilt.log_density(nodes[:, None]),
            centers=torch.cat([tilt.loc, tilt.centers]),
            widths=torch.cat([scales, tilt.widths]),
            inner=torch.arange(tilt.n_data + len(tilt.centers)) < tilt.n_data,
            rtol=tolerance,
            max_nodes=_MAX_WORK // per_node,
            block=tilt.block(),
        )
        error = float(integral.error.max())
        if error > 1e-3:
            _warn(
                f"The constant of the tilted prior is known to {error:.2g} nats only: the "
                "potential has detail too fine, or jumps."
            )
        return integral

    def _rejection_acceptance(self) -> Tensor:
        """Expected acceptance of proposals from the Gaussian, (b,); 0 where E has no bound."""
        tilt, bound = self.tilt, self.tilt.lower_bound
        if bound == -math.inf:
            return tilt.loc.new_zeros(tilt.n_data)
        noise = torch.randn(
            _PILOT, 1, tilt.latent_dim, dtype=torch.float64, generator=_fixed_stream()
        )
        proposals = tilt.loc + tilt.scale * noise.to(tilt.loc.device)  # (n, b, d)
        energies = torch.cat([tilt.energy(z) for z in proposals.split(tilt.block())])
        return (bound - energies).exp().mean(dim=0)


def _fixed_stream() -> torch.Generator:
    # Estimates, not draws: two priors of one Hamiltonian must agree on their constant.
    return torch.Generator().manual_seed(0)


def _warn(message: str) -> None:
    warnings.warn(message, TopopertWarning, stacklevel=3)
