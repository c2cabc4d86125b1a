"""Weighted draws of the density e^{−U/T}/Z in any dimension."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from topopert.errors import InvalidInputError
from topopert.hamiltonian.potentials.one_body_potential import OneBodyPotential
from topopert.hamiltonian.priors.mixture import adapted_mixture
from topopert.hamiltonian.priors.tilt import Term, Tilt
from topopert.hamiltonian.surfaces import (
    EnergySurface,
    MixtureSurface,
    TiltedSurface,
    row_blocks,
)
from topopert.hamiltonian.surfaces.surface import TemperedSurface

from .annealing import ROWS, annealed

__all__ = ["Draws", "check_effective", "surface_draws", "weighted"]

# Kish's effective share of the draws, below which they are not used as they are.
_ENOUGH = 0.2
_MIN_EFFECTIVE = 1000
# Along each principal axis of the draws U/T must have risen by so much so many deviations out.
_FAR, _RISE = 30.0, 10.0
_LOOKED = 1000  # draws at which the least U is sought


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draws:
    """Draws of a known density, weighted to stand for p = e^{−U/T}/Z."""

    nodes: Tensor  # (n, d), in no order
    weights: Tensor  # (n,), sum 1
    log_normalizer: Tensor  # log Z, a number: exact or estimated
    log_proposal: Callable[[Tensor], Tensor]  # log of what was drawn from, (B, d) to (B,)

    @property
    def n_effective(self) -> float:
        """Kish's effective number of draws."""
        return 1 / float(self.weights.square().sum())


def surface_draws(
    surface: EnergySurface, n: int, *, temperature: float, generator: torch.Generator
) -> Draws:
    """Draws of e^{−U/T}/Z.

    Exact ones of a mixture at T = 1; elsewhere importance-weighted ones of a mixture that lies
    close, and where that is not close enough, those annealed to the density by Metropolis steps.

    Args:
        surface: U.
        n: How many.
        temperature: T > 0.
        generator: The stream.

    Raises:
        InvalidInputError: If the draws do not come close to the density: it is not confined, or
            too far from a mixture of Gaussians.
    """
    if isinstance(surface, TemperedSurface):
        both = temperature * surface.temperature
        return surface_draws(surface.surface, n, temperature=both, generator=generator)
    device = surface.device
    if isinstance(surface, MixtureSurface) and temperature == 1.0:
        nodes = surface.sample(n, generator=generator)
        return Draws(
            nodes=nodes,
            weights=nodes.new_full((n,), 1 / n),
            log_normalizer=nodes.new_zeros(()),
            log_proposal=lambda z: -surface.energy(z),
        )
    sample, log_density = _proposal(surface, temperature, generator)
    with torch.no_grad():
        nodes = sample(n)
        even = nodes.new_full((n,), 1 / n)
        _check_confined(surface, nodes, even, temperature)
        draws = weighted(nodes, surface, temperature=temperature, log_proposal=log_density)
        if draws.n_effective >= _ENOUGH * n:
            _check_confined(surface, nodes, draws.weights, temperature)
            return draws
        nodes, log_normalizer = annealed(
            nodes, surface, temperature=temperature, log_proposal=log_density, generator=generator
        )
        _check_confined(surface, nodes, even, temperature)
    return Draws(
        nodes=nodes,
        weights=even,
        log_normalizer=log_normalizer.to(device),
        log_proposal=lambda z: -surface.energy(z) / temperature - log_normalizer,
    )


def weighted(
    nodes: Tensor,
    surface: EnergySurface,
    *,
    temperature: float,
    log_proposal: Callable[[Tensor], Tensor],
) -> Draws:
    """Nodes that were drawn of a density, with the weights that make them stand for p.

    Raises:
        InvalidInputError: If none has a finite weight.
    """
    log_weight = torch.cat(
        [
            -surface.energy(nodes[rows]) / temperature - log_proposal(nodes[rows])
            for rows in row_blocks(len(nodes), ROWS)
        ]
    )
    log_total = log_weight.logsumexp(dim=0)
    if not log_total.isfinite():
        msg = (
            "U/T is not finite at any draw, or −∞ at one: the density has no finite integral. "
            "Check that the energy confines."
        )
        raise InvalidInputError(msg)
    return Draws(
        nodes=nodes,
        weights=(log_weight - log_total).exp(),
        log_normalizer=log_total - math.log(len(nodes)),
        log_proposal=log_proposal,
    )


def check_effective(draws: Draws) -> None:
    """Refuse draws of which too few count.

    Raises:
        InvalidInputError: If they are under 1000.
    """
    if draws.n_effective < _MIN_EFFECTIVE:
        msg = (
            f"Of {len(draws.nodes)} draws of e^{{−U/T}} only {draws.n_effective:.0f} count "
            "effectively, too few for levels. Choose a temperature nearer 1 or a smaller coupling."
        )
        raise InvalidInputError(msg)


def _check_confined(
    surface: EnergySurface, nodes: Tensor, weights: Tensor, temperature: float
) -> None:
    """Refuse an energy that does not rise along the axes in which the draws lie.

    Raises:
        InvalidInputError: If it does not.
    """
    mean = weights @ nodes
    away = nodes - mean
    values, vectors = torch.linalg.eigh(away.T @ (weights[:, None] * away))
    steps = _FAR * values.clamp(min=0).sqrt()[:, None] * vectors.T  # (d, d)
    rise = surface.energy(mean + torch.cat([steps, -steps])) / temperature
    rise = rise - surface.energy(mean + away[:_LOOKED]).min() / temperature
    if float(rise.min()) < _RISE:
        msg = (
            f"The energy does not confine: {_FAR:g} standard deviations out, U/T is only "
            f"{float(rise.min()):.3g} nats above its least value, so e^(−U/T) cannot be "
            "normalised. Add a term that grows, such as the prior's ½∣z∣²."
        )
        raise InvalidInputError(msg)


def _proposal(
    surface: EnergySurface, temperature: float, generator: torch.Generator
) -> tuple[Callable[[int], Tensor], Callable[[Tensor], Tensor]]:
    """A density that lies close to e^{−U/T}: how it is drawn from, and its logarithm."""
    if isinstance(surface, MixtureSurface):
        # Where the components do not overlap, e^{−U/T} is this up to the weights.
        wider = MixtureSurface(
            surface.means.detach(), temperature * surface.covariances.detach(), surface.weights
        )
        return (
            lambda n: wider.sample(n, generator=generator),
            lambda z: -wider.energy(z),
        )
    tilt = _tilt(surface, temperature)
    mixture = adapted_mixture(tilt, generator)
    return (
        lambda n: mixture.sample(n, generator)[:, 0],
        lambda z: mixture.log_density(z[:, None])[:, 0],
    )


def _tilt(surface: EnergySurface, temperature: float) -> Tilt:
    """U/T as a Gaussian's energy and the rest."""
    d, device = surface.latent_dim, surface.device
    none = torch.zeros(0, dtype=torch.float64, device=device)
    if isinstance(surface, TiltedSurface):
        return Tilt(
            loc=none.new_zeros(1, d),
            scale=math.sqrt(temperature),
            centers=surface.centers.detach(),
            depths=surface.depths.detach() / temperature,
            widths=surface.widths.detach(),
            terms=tuple(
                Term(factor=term.factor / temperature, potential=term.potential)
                for term in surface.terms
            ),
            x=None,
            anchors=None,
        )
    features = surface.features
    loc = features.centers.mean(dim=0, keepdim=True)
    square = (features.centers - loc).square() + temperature * features.widths.square()
    scale = float(square.mean().sqrt())

    def rest(z: Tensor) -> Tensor:
        away = (z - loc).square().sum(dim=1) / (2 * scale**2)
        return surface.energy(z.double()) / temperature - away

    return Tilt(
        loc=loc,
        scale=scale,
        centers=none.reshape(0, d),
        depths=none,
        widths=none,
        terms=(Term(factor=1.0, potential=OneBodyPotential(rest)),),
        x=None,
        anchors=None,
    )
