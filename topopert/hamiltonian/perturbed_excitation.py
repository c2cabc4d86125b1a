"""The excitation energy of a posterior over the ground state of H_λ."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from topopert._checks import check_real
from topopert.errors import InvalidInputError

from .couplings import Constant
from .posterior import check_excitation, check_posterior, compute_dtype
from .potentials.anchor_potential import AnchorPotential
from .potentials.one_body_potential import OneBodyPotential
from .potentials.potential import Potential, leaves
from .potentials.quadrature import Quadrature, default_quadrature
from .potentials.well_potential import WellPotential

__all__ = ["perturbed_excitation_energy", "well_field"]

# Rows times pairs of wells times dimensions that are worked on at once: 16 MB in double precision.
_BLOCK = 1 << 21


def perturbed_excitation_energy(
    mean: Tensor,
    logvar: Tensor | None,
    potential: Potential | Callable[[Tensor], Tensor],
    *,
    coupling: float | Constant,
    x: Tensor | None = None,
    anchors: Tensor | None = None,
    quadrature: Quadrature | None = None,
) -> Tensor:
    """E_λ[q] = ⟨√q∣H_λ∣√q⟩ = ¼ ∫q∣∇log(q/p_λ)∣², shape (B,): `excitation_energy` for λ ≥ 0.

    The rate at which q relaxes to the tilted prior p_λ: KL(q‖p_λ) is 4 ∫E_λ dt along the flow
    (theory, section 2). In closed form for wells, external fields and their sums; any other
    potential puts the whole energy on a quadrature.

    The wells' share is ½E_q[(∇log q + z)·∇λV] + ¼E_q∣∇λV∣². With W = E_q[λV] as a function of μ
    the first is ½Σₖ[μₖ ∂ₖW + (σₖ² − 1) ∂ₖ²W], by partial integration; the second is a sum over
    pairs of wells, of Gaussian integrals.

    Args:
        mean: μ, shape (B, d).
        logvar: log σ², shape (B, d). A deterministic code (None) is refused.
        potential: V, a one-body potential or a sum of some; a function of codes (B, d) is one.
        coupling: λ ≥ 0.
        x: The data that V depends on, shape (B, D).
        anchors: T(x), shape (B, d), in place of x.
        quadrature: For potentials without a closed form; None takes that of `OneBodyPotential`.

    Raises:
        InvalidInputError: If the log-variance is missing, a shape or type is wrong, data are
            missing, V is an interaction, or the energy is not finite.
    """
    if logvar is None:
        msg = (
            "`logvar` is None, but the excitation energy of a deterministic code is infinite. "
            "Pass the posterior's log-variance."
        )
        raise InvalidInputError(msg)
    check_posterior(mean, logvar)
    strength = coupling.value if isinstance(coupling, Constant) else coupling
    strength = check_real(strength, name="coupling", low=0.0)
    if not isinstance(potential, Potential):
        potential = OneBodyPotential(potential)
    if potential.scope == "batch":
        msg = (
            "The potential is an interaction: the energy of a code depends on the rest of its "
            "batch, so no posterior has an excitation energy of its own. Leave it out of the sum."
        )
        raise InvalidInputError(msg)
    # What the expectation refuses is refused here too: dimension, device, missing data.
    potential.expectation(mean, logvar, x, anchors=anchors)
    dtype = compute_dtype(mean.dtype)
    mean, logvar = mean.to(dtype), logvar.to(dtype)
    parts = [(strength * f, leaf) for f, leaf in leaves(potential) if strength * f != 0]
    if all(isinstance(leaf, WellPotential | AnchorPotential) for _, leaf in parts):
        energy = _closed_form(mean, logvar, parts, x, anchors)
    else:
        rule = quadrature or default_quadrature(mean.shape[1])
        energy = _by_quadrature(mean, logvar, (potential, strength), x, anchors, rule)
    check_excitation(energy, mean, logvar)
    return energy


def _closed_form(
    mean: Tensor,
    logvar: Tensor,
    parts: list[tuple[float, Potential]],
    x: Tensor | None,
    anchors: Tensor | None,
) -> Tensor:
    # p₀ and the fields make one Gaussian of precision P = 1 + Σλκ about its centre.
    precision, pull = 1.0, torch.zeros_like(mean)
    for factor, leaf in parts:
        if isinstance(leaf, AnchorPotential):
            place = anchors if anchors is not None else leaf.anchors(_given(x))
            precision, pull = precision + factor, pull + factor * place.to(mean.dtype)
    slope = precision * mean - pull  # of the Gaussian's energy, at μ
    # P σ² − 1, which for P = 1 keeps its digits near σ = 1.
    excess = precision * logvar.expm1() + (precision - 1)
    # ¼[∣P(μ − c)∣² + Σ(Pσ − 1/σ)²]
    energy = 0.25 * (slope.square() + (excess * (-0.5 * logvar).exp()).square()).sum(dim=1)
    wells = [(f, leaf) for f, leaf in parts if isinstance(leaf, WellPotential)]
    if not wells:
        return energy
    centers = torch.cat([leaf.centers.to(mean.dtype) for _, leaf in wells])
    depths = torch.cat([f * leaf.depths.to(mean.dtype) for f, leaf in wells])
    sq_widths = torch.cat([leaf.widths.to(mean.dtype) for _, leaf in wells]).square()
    variance = logvar.exp()
    first, second = well_field(mean, variance, centers, depths, sq_widths)
    cross = 0.5 * (slope * first + excess * second).sum(dim=1)
    return energy + cross + 0.25 * _sq_slope(mean, variance, centers, depths, sq_widths)


def well_field(
    mean: Tensor, variance: Tensor, centers: Tensor, depths: Tensor, sq_widths: Tensor
) -> tuple[Tensor, Tensor]:
    """E_q[∂ₖV] and E_q[∂ₖ²V] of wells for q = N(mean, diag variance), (B, d) each, in nats.

    Args:
        mean: μ, shape (B, d).
        variance: σ², shape (B, d).
        centers: c, shape (M, d).
        depths: a, shape (M,), in nats.
        sq_widths: s², shape (M,).
    """
    spread = sq_widths[:, None] + variance[:, None]  # (B, M, d)
    away = mean[:, None] - centers
    exponent = away.square() / spread + (spread / sq_widths[:, None]).log()
    wells = (depths * torch.exp(-0.5 * exponent.sum(dim=2)))[..., None]  # (B, M, 1)
    first = wells * away / spread
    return first.sum(dim=1), (wells / spread - first * away / spread).sum(dim=1)


def _sq_slope(
    mean: Tensor, variance: Tensor, centers: Tensor, depths: Tensor, sq_widths: Tensor
) -> Tensor:
    """E_q∣∇V∣² of wells, shape (B,): over pairs i ≤ j, whose product is again a Gaussian."""
    n_wells = len(depths)
    i, j = torch.triu_indices(n_wells, n_wells, device=mean.device)
    total = mean.new_zeros(len(mean))
    for pair in torch.arange(len(i), device=i.device).split(
        max(1, _BLOCK // max(1, mean.numel()))
    ):
        a, b = i[pair], j[pair]
        both = sq_widths[a] + sq_widths[b]  # (P,)
        sq_width = (sq_widths[a] * sq_widths[b] / both)[:, None]
        center = (centers[a] * sq_widths[b, None] + centers[b] * sq_widths[a, None]) / both[
            :, None
        ]
        overlap = (centers[a] - centers[b]).square().sum(dim=1) / both
        spread = sq_width + variance[:, None]  # (B, P, d)
        exponent = (mean[:, None] - center).square() / spread + (spread / sq_width).log()
        weight = torch.exp(-0.5 * (overlap + exponent.sum(dim=2)))  # E_q of the product, (B, P)
        # Under q times the product z has this mean and variance.
        middle = (mean[:, None] * sq_width + center * variance[:, None]) / spread
        moments = (middle - centers[a]) * (middle - centers[b])
        moments = (moments + sq_width * variance[:, None] / spread).sum(dim=2)
        factor = depths[a] * depths[b] / (sq_widths[a] * sq_widths[b])
        total = total + (weight * moments) @ (factor * torch.where(a == b, 1.0, 2.0))
    return total


def _by_quadrature(
    mean: Tensor,
    logvar: Tensor,
    term: tuple[Potential, float],
    x: Tensor | None,
    anchors: Tensor | None,
    quadrature: Quadrature,
) -> Tensor:
    """¼ Σ wᵢ ∣∇U_λ(μ + σεᵢ) − εᵢ/σ∣², differentiable where gradients are on."""
    potential, strength = term
    nodes, weights = (t.to(mean) for t in quadrature.nodes(*mean.shape))
    std = (0.5 * logvar).exp()
    repeated = (
        None if t is None else t.expand(len(nodes), *t.shape).flatten(0, 1) for t in (x, anchors)
    )
    data = next(repeated), next(repeated)
    z = (mean + std * nodes).flatten(0, 1)  # (n · B, d)
    rows = tuple(None if t is None else t[:1] for t in data)
    # Whether anybody asks for a gradient: the code, or whatever the potential is made of.
    wants_graph = torch.is_grad_enabled() and (
        z.requires_grad or potential(z[:1], rows[0], anchors=rows[1]).requires_grad
    )
    with torch.enable_grad():
        z = z if z.requires_grad else z.requires_grad_()
        values = potential(z, data[0], anchors=data[1]).sum()
        # A potential that is constant has no graph.
        (slope,) = (
            torch.autograd.grad(values, z, create_graph=wants_graph, allow_unused=True)
            if values.requires_grad
            else (None,)
        )
    field = z if slope is None else z + strength * slope
    score = field.unflatten(0, (len(nodes), -1)) - nodes / std  # (n, B, d)
    energy = 0.25 * weights @ score.square().sum(dim=2)
    return energy if wants_graph else energy.detach()


def _given(x: Tensor | None) -> Tensor:
    if x is None:
        msg = "Pass `x` or `anchors`, got neither: the field depends on the data."
        raise InvalidInputError(msg)
    return x
