"""Energy surgery: what of a model's energy is marginal misfit, and what is information."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.special import ndtri
from scipy.stats.qmc import Sobol
from torch import Tensor

from topopert._checks import check_count
from topopert.errors import InvalidInputError

from .couplings import Constant
from .perturbed_excitation import perturbed_excitation_energy
from .potentials.potential import Potential
from .priors.prior import tilted_prior
from .surfaces import EnergySurface, MixtureSurface, TiltedSurface, posterior_surface

__all__ = ["EnergySurgery", "Share", "energy_surgery"]

_N_REPLICATES = 16  # of the quasi-random points, from whose spread errors are read


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """An estimate with its standard error."""

    value: float
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergySurgery:
    """A model's mean excitation energy and mean KL divergence, each split in two.

    The totals are exact; misfit and information are estimated from points of their own, so that
    the residual total − misfit − information checks both.
    """

    total: float  # mean_i E[q_i]
    misfit: Share  # E[q̄]: how far the aggregated posterior is from the prior
    information: Share  # mean_i ¼ I(q_i‖q̄): how far the posteriors are from their aggregate
    residual: Share  # total − misfit − information, 0 but for the error
    kl_total: float  # mean_i KL(q_i‖p), nats
    kl_misfit: Share  # KL(q̄‖p), nats
    mutual_information: Share  # mean_i KL(q_i‖q̄) = I(x; z), nats
    kl_residual: Share  # kl_total − kl_misfit − mutual_information, nats

    @property
    def information_fraction(self) -> float:
        """Information over total; 0 where there is no energy at all."""
        return self.information.value / self.total if self.total > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Points:
    """Draws of q̄: z = μᵢ + σᵢε with i the component chosen."""

    z: Tensor  # (n, d)
    noise: Tensor  # ε, (n, d)
    chosen: Tensor  # i, (n,)


@torch.no_grad()
def energy_surgery(
    mean: Any,
    logvar: Any | None,
    *,
    potential: Potential | Callable[[Tensor], Tensor] | None = None,
    coupling: float | Constant | None = None,
    bandwidth: float | None = None,
    n_samples: int = 1 << 14,
    generator: torch.Generator | None = None,
) -> EnergySurgery:
    """mean_i E[q_i] = E[q̄] + mean_i ¼ I(q_i‖q̄): misfit of the aggregate, and information.

    The identity is exact, because ∇log q̄ is the posterior mean of ∇log q_i: the cross term
    vanishes. It is the analogue for energies of KL = KL(q̄‖p) + I(x; z), which is returned too.
    A model whose energy is all misfit has posteriors that do not differ (collapse); one whose
    energy is all information matches its prior.

    Misfit and information are averages over q̄ and the q_i, taken at scrambled Sobol points whose
    first coordinate chooses the component, so that each is met as often as its weight says.

    Args:
        mean: μ, shape (N, d), array or tensor.
        logvar: log σ², shape (N, d); None for a deterministic code, with `bandwidth`.
        potential: V of a tilted prior p_λ, one that depends on the code alone; None means p₀.
        coupling: λ ≥ 0 of the tilted prior; to be given with `potential`, and only then.
        bandwidth: σ of a deterministic code, in units of the latent space.
        n_samples: Points for each average, rounded up to 16 times a power of two; each costs one
            evaluation of q̄, which has N components.
        generator: Scrambles the points; None takes fixed ones, so that two calls agree.

    Raises:
        InvalidInputError: If a value is not finite, a shape is wrong, a variance is 0, the code is
            deterministic without a bandwidth, V depends on data or the batch, or e^{−λV} p₀ has
            no finite integral.

    References:
        Hoffman & Johnson, ELBO surgery, NIPS workshop on advances in approximate Bayesian
        inference (2016), for the divergence.
    """
    if logvar is None and bandwidth is None:
        msg = (
            "`logvar` is None, and the energy of a deterministic code is infinite. Pass "
            "`bandwidth=`, the σ that each code is to have: the energies grow as 1/σ²."
        )
        raise InvalidInputError(msg)
    if (potential is None) != (coupling is None):
        given, missing = (
            ("coupling", "potential") if potential is None else ("potential", "coupling")
        )
        msg = f"`{given}` was given without `{missing}`. A tilted prior needs both, p₀ neither."
        raise InvalidInputError(msg)
    posterior = posterior_surface(mean, logvar, bandwidth=bandwidth)
    n_samples = check_count(n_samples, name="n_samples", minimum=_N_REPLICATES)
    prior = _Prior(potential or _nothing, coupling or 0.0, posterior.latent_dim)
    rounds = [_fixed_stream() if generator is None else generator] * 2
    at_misfit, at_information = (_replicates(posterior, n_samples, stream) for stream in rounds)

    total, kl_total = prior.totals(posterior)
    # E∣∇log qᵢ∣² and E∣∇log(qᵢ/p)∣², over all components
    known = [float(posterior.weights @ posterior.covariances.reciprocal().sum(dim=1)), 4 * total]

    misfit, kl_misfit = [], []
    for points in at_misfit:
        at = _Scores(points, posterior, prior.surface)
        misfit.append(torch.stack([(at.ours - at.priors).square().sum(dim=1), *at.controls], 1))
        kl_misfit.append((at.prior_energy - at.energy).mean() + prior.log_constant)
    information, mutual = [], []
    for points in at_information:
        at = _Scores(points, posterior, prior.surface)
        information.append(torch.stack([(at.ours - at.own).square().sum(dim=1), *at.controls], 1))
        mutual.append((at.energy + at.own_log_density).mean())

    shares = [
        _share(0.25 * _controlled(torch.stack(misfit), known)),
        _share(0.25 * _controlled(torch.stack(information), known)),
        _share(torch.stack(kl_misfit)),
        _share(torch.stack(mutual)),
    ]
    return EnergySurgery(
        total=total,
        misfit=shares[0],
        information=shares[1],
        residual=_residual(total, shares[0], shares[1]),
        kl_total=kl_total,
        kl_misfit=shares[2],
        mutual_information=shares[3],
        kl_residual=_residual(kl_total, shares[2], shares[3]),
    )


class _Scores:
    """Energies and gradients of −log q̄, −log qᵢ and the prior's surface at points, rows alike."""

    def __init__(self, points: _Points, posterior: MixtureSurface, prior: EnergySurface) -> None:
        self.energy, self.ours = posterior.energy_and_gradient(points.z)
        self.prior_energy, self.priors = prior.energy_and_gradient(points.z)
        std = posterior.covariances[points.chosen].sqrt()
        self.own = points.noise / std  # −∇log qᵢ
        log_std = std.log().sum(dim=1)
        constant = 0.5 * posterior.latent_dim * math.log(2 * math.pi)
        self.own_log_density = -0.5 * points.noise.square().sum(dim=1) - log_std - constant

    @property
    def controls(self) -> tuple[Tensor, Tensor]:
        """∣∇log qᵢ∣² and ∣∇log(qᵢ/p)∣², whose averages are known, (n,) each."""
        return self.own.square().sum(dim=1), (self.own - self.priors).square().sum(dim=1)


class _Prior:
    """p₀ or p_λ: its surface, its constant, and the exact totals of a posterior over it."""

    def __init__(
        self, potential: Potential | Callable[[Tensor], Tensor], coupling: float | Constant, d: int
    ) -> None:
        self.surface = TiltedSurface(potential, coupling, d)
        self.tilt = self.surface.potential, self.surface.coupling
        self.log_constant = 0.5 * d * math.log(2 * math.pi)  # log ∫ e^{−U}
        if self.surface.coupling > 0:
            self.log_constant += float(tilted_prior(*self.tilt, latent_dim=d).log_normalizer)

    def totals(self, posterior: MixtureSurface) -> tuple[float, float]:
        """mean_i E[q_i] and mean_i KL(q_i‖p)."""
        means, logvar = posterior.means, posterior.covariances.log()
        potential, coupling = self.tilt
        energies = perturbed_excitation_energy(means, logvar, potential, coupling=coupling)
        # KL = E_q[U] − entropy + the constant, which p₀'s surface has too.
        own = 0.5 * (means.square() + logvar.exp() - logvar).sum(dim=1)
        tilt = coupling * potential.expectation(means, logvar)
        divergence = own + tilt - 0.5 * posterior.latent_dim * (1 + math.log(2 * math.pi))
        weights = posterior.weights
        return float(weights @ energies), float(weights @ divergence) + self.log_constant


def _nothing(z: Tensor) -> Tensor:
    return z.new_zeros(len(z))


def _replicates(
    posterior: MixtureSurface, n_samples: int, generator: torch.Generator
) -> list[_Points]:
    """Independent sets of points, each spread evenly over components and over their noise."""
    log_n = max(0, math.ceil(math.log2(n_samples / _N_REPLICATES)))
    seeds = torch.randint(
        1 << 62, (_N_REPLICATES,), generator=generator, device=generator.device
    ).tolist()
    # Neighbours in this order are neighbours in space, as far as one axis goes: so is what the
    # first coordinate of the points meets.
    centred = posterior.means - posterior.means.mean(dim=0)
    axis = torch.linalg.eigh(centred.T @ (centred * posterior.weights[:, None]))[1][:, -1]
    order = (centred @ axis).argsort()
    levels = posterior.weights[order].cumsum(dim=0)
    replicates = []
    for seed in seeds:
        points = Sobol(posterior.latent_dim + 1, scramble=True, rng=np.random.default_rng(seed))
        uniform = points.random_base2(log_n)
        # A scrambled point may round to 0, whose normal score is −∞.
        tiny = np.finfo(np.float64).eps
        noise = ndtri(uniform[:, 1:].clip(tiny, 1 - tiny))
        noise = torch.from_numpy(noise).to(posterior.device)
        place = torch.from_numpy(uniform[:, 0].copy()).to(posterior.device)
        chosen = torch.searchsorted(levels, place * levels[-1]).clamp(max=len(levels) - 1)
        chosen = order[chosen]
        z = posterior.means[chosen] + posterior.covariances[chosen].sqrt() * noise
        replicates.append(_Points(z=z, noise=noise, chosen=chosen))
    return replicates


def _controlled(columns: Tensor, known: list[float]) -> Tensor:
    """Averages of each replicate, corrected by what controls miss their known averages by.

    Args:
        columns: The values and two controls at each point, shape (R, n, 3).
        known: The averages of the controls.

    Returns:
        Shape (R,).

    References:
        Owen, Monte Carlo theory, methods and examples (2013), section 8.9.
    """
    centred = (columns - columns.mean(dim=(0, 1))).flatten(0, 1)  # (R · n, 3)
    scale = centred.abs().amax(dim=0).clamp(min=torch.finfo(centred.dtype).tiny)
    # The driver that copes with controls that are constant, or proportional.
    slopes = torch.linalg.lstsq(
        (centred / scale)[:, 1:].cpu(), (centred / scale)[:, :1].cpu(), driver="gelsd"
    ).solution.to(columns.device)[:, 0]
    slopes = slopes * scale[0] / scale[1:]
    means = columns.mean(dim=1)  # (R, 3)
    return means[:, 0] - (means[:, 1:] - means.new_tensor(known)) @ slopes


def _share(values: Tensor) -> Share:
    return Share(value=float(values.mean()), error=float(values.std()) / math.sqrt(len(values)))


def _residual(total: float, first: Share, second: Share) -> Share:
    return Share(
        value=total - first.value - second.value, error=math.hypot(first.error, second.error)
    )


def _fixed_stream() -> torch.Generator:
    # Estimates, not draws: two calls on one model must agree.
    return torch.Generator().manual_seed(0)
