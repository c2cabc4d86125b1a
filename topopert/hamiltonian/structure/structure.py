"""Levels of a potential in many dimensions that depends on few of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from topopert._checks import check_count, check_real
from topopert.hamiltonian.grids.interpolation import GridSpline
from topopert.hamiltonian.spectra.degeneracy import degeneracies, level_groups
from topopert.hamiltonian.spectra.functions import Modes, States
from topopert.hamiltonian.spectra.mode_signs import mode_signs
from topopert.hamiltonian.spectra.record import Spectrum, WeightedNodes
from topopert.hamiltonian.surfaces import TiltedSurface

from .harmonics import HarmonicPolynomials
from .product import product_spectrum
from .radial import RadialFamily, radial_families
from .symmetry import Subspace, active_subspace, axis_subspace

__all__ = ["structured_spectrum"]

_MAX_PRODUCT_RANK = 3
_MAX_AXIS_RANK = 2
_TOLERANCE = 1e-3
_N_NODES = 40_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Unsigned:
    """Modes g(z∥, ρ)Y(z⊥), their signs as they come."""

    space: Subspace
    radial: list[GridSpline]  # g of each family
    angular: list[HarmonicPolynomials]  # Y of each family
    columns: list[int]  # where the modes stand among all products

    def __call__(self, z: Tensor) -> Tensor:
        """The modes at z (B, d), shape (B, n_levels)."""
        off = z @ self.space.complement
        # Differentiable where the radius is 0: the modes are even in it.
        radius = (off.square().sum(dim=1, keepdim=True) + 1e-18).sqrt()
        y = torch.cat([z @ self.space.parallel, radius], dim=1)
        parts = [
            (g(y)[:, :, None] * harmonics(off)[:, None]).flatten(1)
            for g, harmonics in zip(self.radial, self.angular, strict=True)
        ]
        return torch.cat(parts, dim=1)[:, self.columns]


@dataclass(frozen=True, slots=True, eq=False)
class _Signed:
    """Modes with the signs that all spectra give theirs."""

    unsigned: _Unsigned
    signs: Tensor  # ±1, (n_levels,)

    def __call__(self, z: Tensor) -> Tensor:
        """The modes at z (B, d), shape (B, n_levels)."""
        return self.unsigned(z) * self.signs


def structured_spectrum(
    surface: TiltedSurface, *, n_levels: int, temperature: float = 1.0
) -> Spectrum | None:
    """The lowest levels in any dimension, to a grid's accuracy, where U depends on few variables.

    Without wells: where λV depends on r ≤ 3 directions, those are solved on a grid, and the other
    d − r are oscillators, which add whole numbers.

    With wells that is never so: exp(−∣z − c∣²/2s²) falls off in all directions. But it depends on
    those off the span of the centres through their length ρ alone. So states are g(z∥, ρ)Y(z⊥), Y
    a harmonic polynomial of degree l, and for each l there are r + 1 variables: a grid for r ≤ 2.
    The same holds for other terms with such a symmetry, as those of ∣z∣.

    Args:
        surface: ½∣z∣² + λV.
        n_levels: How many levels, the ground level included.
        temperature: T > 0.

    Returns:
        None where there is no such structure, or its grid would have too many nodes.

    Raises:
        InvalidInputError: If an argument is out of range or the energy does not confine.
        BackendError: If an eigensolve did not converge.
    """
    n_levels = check_count(n_levels, name="n_levels")
    temperature = check_real(temperature, name="temperature", low=0.0, low_open=True)
    if not (surface.depths.detach() != 0).any():
        active = active_subspace(surface)
        if active is not None and active.rank <= _MAX_PRODUCT_RANK:
            return product_spectrum(surface, active, n_levels=n_levels, temperature=temperature)
    space = axis_subspace(surface)
    if space is None or space.rank > _MAX_AXIS_RANK or space.rank == surface.latent_dim:
        return None
    families = radial_families(
        surface.tempered(temperature),
        space,
        width=_width(surface, temperature),
        n_levels=n_levels,
    )
    if families is None:
        return None
    return _record(surface, space, families, n_levels, temperature)


def _width(surface: TiltedSurface, temperature: float) -> float:
    """The least standard deviation that the density has at a well, roughly."""
    stiffness = 1 + surface.depths.detach().abs() / surface.widths.detach().square()
    return math.sqrt(temperature / max([1.0, *stiffness.tolist()]))


def _record(
    surface: TiltedSurface,
    space: Subspace,
    families: list[RadialFamily],
    n_levels: int,
    temperature: float,
) -> Spectrum:
    device = surface.device
    harmonics = [HarmonicPolynomials(space.complement.shape[1], own.degree) for own in families]
    rows = [
        (level, error, heat, number, k, a)
        for number, own in enumerate(families)
        for k, (level, error, heat) in enumerate(
            zip(own.levels.tolist(), own.errors.tolist(), own.heating.tolist(), strict=True)
        )
        for a in range(own.multiplicity)
    ]
    rows.sort(key=lambda row: row[0])
    levels, errors, heating = (np.array([row[i] for row in rows]) for i in range(3))
    # The last multiplets are whole, though not all of them are returned.
    groups = level_groups(levels, errors, _TOLERANCE)
    levels, errors, heating = levels[:n_levels], errors[:n_levels], heating[:n_levels]
    with np.errstate(divide="ignore", invalid="ignore"):
        activation = 1.0 - heating / levels
    activation[0] = math.nan
    columns = _columns(families, [(row[3], row[4], row[5]) for row in rows[:n_levels]])
    used = max(row[3] for row in rows[:n_levels]) + 1

    unsigned = _Unsigned(
        space=space,
        radial=[own.modes for own in families[:used]],
        angular=harmonics[:used],
        columns=columns,
    )
    nodes, weights = _nodes(families[0], space)
    with torch.no_grad():
        sampled = unsigned(nodes)
    signs = torch.from_numpy(
        mode_signs(*(part.cpu().numpy() for part in (nodes, weights, sampled)))
    ).to(device)

    modes = Modes(surface, _Signed(unsigned, signs))
    return Spectrum(
        levels=torch.from_numpy(temperature * levels).to(device),
        degeneracies=torch.from_numpy(degeneracies(groups)[:n_levels]).to(device),
        errors=torch.from_numpy(temperature * errors).to(device),
        activation_energies=torch.from_numpy(temperature * activation).to(device),
        states=States(
            modes=modes, temperature=temperature, log_normalizer=families[0].log_normalizer
        ),
        modes=modes,
        sample=WeightedNodes(nodes=nodes, weights=weights, modes=sampled * signs),
        surface=surface,
        temperature=temperature,
        method="structure",
        error_kind="grid of other spacing",
        tolerance=_TOLERANCE,
    )


def _columns(families: list[RadialFamily], places: list[tuple[int, int, int]]) -> list[int]:
    """Where the states stand in the list over families, their levels and their harmonics."""
    sizes = [len(own.levels) * own.multiplicity for own in families]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    return [int(starts[number]) + k * families[number].multiplicity + a for number, k, a in places]


def _nodes(ground: RadialFamily, space: Subspace) -> tuple[Tensor, Tensor]:
    """The grid's nodes, turned about the axes: each in frames of directions, drawn evenly."""
    m = space.complement.shape[1]
    n_places = _N_NODES // (2 * m)
    # What is left out weighs 1e-6 at most.
    heavy = ground.weights > 1e-6 / len(ground.weights)
    weights = torch.from_numpy(ground.weights[heavy])
    places = torch.from_numpy(ground.nodes[heavy])
    if len(places) > n_places:
        levels = (torch.arange(n_places, dtype=torch.float64) + 0.5) / n_places
        index = torch.searchsorted((weights / weights.sum()).cumsum(dim=0), levels)
        places = places[index.clamp(max=len(places) - 1)]
        weights = torch.ones(n_places, dtype=torch.float64)
    n_frames = max(1, n_places // len(places))
    stream = torch.Generator().manual_seed(0)
    draw = torch.randn(len(places), n_frames, m, m, dtype=torch.float64, generator=stream)
    # Orthonormal frames with both signs are exact for squares of harmonics of degree 1.
    frames = torch.linalg.qr(draw).Q.flatten(1, 2)  # (G, ·, m)
    directions = torch.cat([frames, -frames], dim=1)
    off = directions * places[:, -1:, None]
    parallel, complement = space.parallel.cpu(), space.complement.cpu()
    nodes = (places[:, :-1] @ parallel.T)[:, None] + off @ complement.T
    each = weights / weights.sum() / directions.shape[1]
    device = space.parallel.device
    return nodes.flatten(0, 1).to(device), each.repeat_interleave(directions.shape[1]).to(device)
