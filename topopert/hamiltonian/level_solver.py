"""The spectrum of any surface, potential or posterior: which solver, and with what."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from topopert._checks import check_choice, check_count, check_real
from topopert.errors import InvalidInputError

from .couplings import Constant
from .draws import ritz_spectrum
from .grids import MAX_GRID_DIM, grid_spectrum, marginal_spectrum
from .landscape import kramers_spectrum
from .perturbation import perturbation_levels
from .potentials.potential import Potential
from .spectra import Spectrum
from .structure import structured_spectrum
from .surfaces import EnergySurface, MixtureSurface, TiltedSurface, posterior_surface
from .tiny_levels import with_tiny_levels

__all__ = ["posterior_spectrum", "spectrum", "surface_spectrum"]

_METHODS = ("auto", "grid", "marginal", "structure", "ritz", "perturbation", "kramers")
# Below that λ·depth second order beats what draws give.
_WEAK = 1.0


def surface_spectrum(
    surface: EnergySurface,
    *,
    n_levels: int,
    temperature: float = 1.0,
    method: str = "auto",
    generator: torch.Generator | None = None,
) -> Spectrum:
    """The lowest levels and states of H on any energy surface.

    "auto" takes a grid for d ≤ 3; for a mixture the exact marginals on its principal axes; for
    ½∣z∣² + λV the structure of V, else second-order perturbation theory where V is made of wells
    and λ·depth < 1, as far as its matrix elements fit into memory; a variational basis on draws
    where there is nothing else. Levels below 1e-6 that these cannot tell from rounding are taken
    from the landscape's barriers. The number of threads may move what `Spectrum` says it may.

    Args:
        surface: U.
        n_levels: How many levels, the ground level included.
        temperature: T > 0; "marginal" and "perturbation" need T = 1.
        method: "auto", "grid", "marginal", "structure", "ritz", "perturbation" or "kramers".
        generator: The stream of "ritz" and of the sample of "marginal"; None takes a fresh one of
            fixed seed.

    Raises:
        InvalidInputError: If the method does not fit the surface, the surface does not confine or
            is NaN somewhere, or an argument is out of range.
        BackendError: If an eigensolve did not converge.

    Warns:
        TopopertWarning: If levels are too small for the solver and barriers do not give them.
    """
    n_levels = check_count(n_levels, name="n_levels")
    temperature = check_real(temperature, name="temperature", low=0.0, low_open=True)
    chosen = check_choice(method, _METHODS, name="method")
    if chosen == "auto":
        found = _automatic(surface, n_levels, temperature, generator)
        return found if found.method == "kramers" else with_tiny_levels(found)
    return _forced(chosen, surface, n_levels, temperature, generator)


def spectrum(
    potential: Potential | Callable[[Tensor], Tensor],
    *,
    coupling: float | Constant,
    latent_dim: int,
    n_levels: int,
    temperature: float = 1.0,
    method: str = "auto",
    generator: torch.Generator | None = None,
) -> Spectrum:
    """The lowest levels and states of H = −Δ + ¼∣∇U∣² − ½ΔU, U = ½∣z∣² + λV.

    Args:
        potential: V, which depends on the code alone; a function of codes (B, d) is one.
        coupling: λ ≥ 0.
        latent_dim: d.
        n_levels: How many levels, the ground level included.
        temperature: As in `surface_spectrum`.
        method: As in `surface_spectrum`.
        generator: As in `surface_spectrum`.

    Raises:
        InvalidInputError: If V depends on data or the batch, or as `surface_spectrum` does.
        BackendError: If an eigensolve did not converge.
    """
    surface = TiltedSurface(potential, coupling, latent_dim)
    return surface_spectrum(
        surface, n_levels=n_levels, temperature=temperature, method=method, generator=generator
    )


def posterior_spectrum(
    mean: Any,
    logvar: Any | None,
    *,
    n_levels: int,
    temperature: float = 1.0,
    method: str = "auto",
    bandwidth: float | None = None,
    generator: torch.Generator | None = None,
) -> Spectrum:
    """The lowest levels and states of H on −log q̄ of the aggregated posterior q̄.

    Args:
        mean: μ of each datum, shape (N, d).
        logvar: log σ², shape (N, d); None for a deterministic code, which takes a bandwidth.
        n_levels: How many levels, the ground level included.
        temperature: As in `surface_spectrum`.
        method: As in `surface_spectrum`.
        bandwidth: σ of a deterministic code; None takes Silverman's rule and says so.
        generator: As in `surface_spectrum`.

    Raises:
        InvalidInputError: If a value is not finite or a shape wrong, or as `surface_spectrum`
            does.
        BackendError: If an eigensolve did not converge.

    Warns:
        TopopertWarning: If the bandwidth was chosen here.
    """
    surface = posterior_surface(mean, logvar, bandwidth=bandwidth)
    return surface_spectrum(
        surface, n_levels=n_levels, temperature=temperature, method=method, generator=generator
    )


def _automatic(
    surface: EnergySurface,
    n_levels: int,
    temperature: float,
    generator: torch.Generator | None,
) -> Spectrum:
    if surface.latent_dim <= MAX_GRID_DIM:
        return grid_spectrum(surface, n_levels=n_levels, temperature=temperature)
    if isinstance(surface, MixtureSurface) and temperature == 1.0:
        return marginal_spectrum(surface, n_levels=n_levels, generator=generator)
    if isinstance(surface, TiltedSurface):
        found = structured_spectrum(surface, n_levels=n_levels, temperature=temperature)
        if found is not None:
            return found
        weak = not surface.terms and float(surface.depths.detach().abs().sum()) < _WEAK
        if weak and temperature == 1.0:
            # What refuses is the size, in d > 40 or so; draws know no such limit.
            with suppress(InvalidInputError):
                return _perturbed(surface, n_levels)
    return ritz_spectrum(surface, n_levels=n_levels, temperature=temperature, generator=generator)


def _forced(
    method: str,
    surface: EnergySurface,
    n_levels: int,
    temperature: float,
    generator: torch.Generator | None,
) -> Spectrum:
    if method == "grid":
        return grid_spectrum(surface, n_levels=n_levels, temperature=temperature)
    if method == "ritz":
        return ritz_spectrum(
            surface, n_levels=n_levels, temperature=temperature, generator=generator
        )
    if method == "kramers":
        return kramers_spectrum(surface, n_levels=n_levels, temperature=temperature)
    if method == "structure" and isinstance(surface, TiltedSurface):
        found = structured_spectrum(surface, n_levels=n_levels, temperature=temperature)
        if found is not None:
            return found
        msg = (
            "The potential has no structure that a grid of three dimensions could hold. Take "
            "method='ritz'."
        )
        raise InvalidInputError(msg)
    if temperature != 1.0 and method in ("marginal", "perturbation"):
        msg = f"method={method!r} is for temperature 1, got {temperature:g}. Take method='ritz'."
        raise InvalidInputError(msg)
    if method == "marginal" and isinstance(surface, MixtureSurface):
        return marginal_spectrum(surface, n_levels=n_levels, generator=generator)
    if method == "perturbation" and isinstance(surface, TiltedSurface):
        return _perturbed(surface, n_levels)
    wanted = "a posterior" if method == "marginal" else "a potential, U = ½∣z∣² + λV"
    msg = (
        f"method={method!r} is for {wanted}, got {type(surface).__name__}. Take method='grid' "
        f"for d ≤ {MAX_GRID_DIM}, else 'ritz'."
    )
    raise InvalidInputError(msg)


def _perturbed(surface: TiltedSurface, n_levels: int) -> Spectrum:
    return perturbation_levels(
        surface.potential,
        coupling=surface.coupling,
        latent_dim=surface.latent_dim,
        n_levels=n_levels,
        order=2,
    )
