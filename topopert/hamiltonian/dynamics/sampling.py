"""Draws from the density e^{−U} of an energy surface."""

from __future__ import annotations

import torch
from torch import Tensor

from topopert._checks import check_count, check_generator
from topopert.hamiltonian.potentials.one_body_potential import OneBodyPotential
from topopert.hamiltonian.priors.prior import tilted_prior
from topopert.hamiltonian.surfaces import EnergySurface, MixtureSurface, TiltedSurface

from .chains import converged_chains

__all__ = ["sample_surface"]

_N_PILOTS = 2048


@torch.no_grad()
def sample_surface(surface: EnergySurface, n: int, *, generator: torch.Generator) -> Tensor:
    """Draws from e^{−U}, shape (n, d), in double precision on the surface's device.

    Exact for mixtures, and for the prior tilted by wells wherever rejection is feasible, to the
    rounding of the potential's type. Any other tilted prior, and any other surface in d ≤ 3, which
    is first brought to mean 0 and covariance I, is drawn from by independent Metropolis chains
    whose distance from e^{−U} is known (`TiltedPrior.sampling`). Any other surface in d > 3 by
    MALA until R̂ ≤ 1.05 between chains (`converged_chains`).

    Args:
        surface: U, in nats.
        n: Number of draws.
        generator: The stream to draw from.

    Raises:
        InvalidInputError: If n is no whole number, or e^{−U} has no finite integral.

    Warns:
        TopopertWarning: If the chains are farther than 0.01 in total variation from e^{−U}, or R̂
            stays above 1.05.
    """
    check_generator(generator)
    n = check_count(n, name="n", minimum=0)
    d = surface.latent_dim
    if isinstance(surface, MixtureSurface):
        return surface.sample(n, generator=generator)
    if isinstance(surface, TiltedSurface):
        prior = tilted_prior(surface.potential, surface.coupling, latent_dim=d)
        return prior.sample((n,), generator=generator).to(surface.device, torch.float64)
    if d > 3:
        return converged_chains(surface, n, generator=generator)
    pilots = converged_chains(surface, _N_PILOTS, generator=generator, tolerance=None)
    mean = pilots.mean(dim=0)
    # A surface that is very narrow along an axis keeps its scale: a covariance is no density.
    factor = torch.linalg.cholesky(torch.atleast_2d((pilots - mean).T.cov()))

    def excess(y: Tensor) -> Tensor:
        return surface.energy(mean + y @ factor.T) - 0.5 * y.square().sum(dim=1)

    prior = tilted_prior(OneBodyPotential(excess), 1.0, latent_dim=d)
    return mean + prior.sample((n,), generator=generator).to(mean) @ factor.T
