"""Descent to minima and ascent to saddles: the flow of a surface, followed to its rests."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from topopert.hamiltonian.surfaces import EnergySurface

__all__ = ["StationaryPoints", "flow_step", "follow_flow", "joined"]

# A point rests where its gradient is so small in thermal units, √nats.
_REST = 1e-8
# So near to a rest, a step that fails does so by the rounding of U (single precision).
_STALL = 1e-4
# A direction softer than this, relative to the stiffest, counts as flat.
_FLAT = 1e-6
# Along a direction that bends down a step may grow by e² at most: the model holds no farther.
_GROWTH = 2.0
# A descent always ends; a climb that has not by then goes in circles.
_MAX_STEPS, _MAX_CLIMB = 300, 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StationaryPoints:
    """Where walkers came to rest, and how U bends there."""

    points: Tensor  # (B, d)
    energies: Tensor  # (B,), nats
    curvatures: Tensor  # eigenvalues of ∇²U, ascending, (B, d)
    axes: Tensor  # their eigenvectors, in columns, (B, d, d)
    at_rest: Tensor  # bool, (B,); else it ran away or has not come to rest

    def __getitem__(self, rows: Tensor) -> StationaryPoints:
        return StationaryPoints(
            points=self.points[rows],
            energies=self.energies[rows],
            curvatures=self.curvatures[rows],
            axes=self.axes[rows],
            at_rest=self.at_rest[rows],
        )

    def __len__(self) -> int:
        return len(self.points)

    @property
    def index(self) -> Tensor:
        """How many directions bend down, (B,)."""
        stiffest = self.curvatures.abs().amax(dim=1, keepdim=True)
        return (self.curvatures < -_FLAT * stiffest).sum(dim=1)


def flow_step(
    curvatures: Tensor, axes: Tensor, gradient: Tensor, time: Tensor, climbs: Tensor | None = None
) -> Tensor:
    """The flow dz/dt = −∇U of the parabola that touches U, after a time: −(1 − e^{−Ht})H⁻¹g.

    Args:
        curvatures: Eigenvalues of H, shape (B, d).
        axes: Its eigenvectors, in columns, (B, d, d).
        gradient: g, (B, d).
        time: t, (B,).
        climbs: True for a mode along which the flow is turned round, (B, d).

    Returns:
        Shape (B, d).
    """
    slope = (axes.mT @ gradient[..., None]).squeeze(-1)
    if climbs is not None:
        curvatures = torch.where(climbs, -curvatures, curvatures)
        slope = torch.where(climbs, -slope, slope)
    growth = _GROWTH / curvatures.abs().clamp_min(1e-300)
    own_time = torch.where(curvatures < 0, torch.minimum(time[:, None], growth), time[:, None])
    exponent = -curvatures * own_time
    # (eˣ − 1)/x, which is 1 at 0.
    tiny = exponent.abs() < 1e-12
    factor = torch.where(tiny, 1.0, torch.expm1(exponent) / torch.where(tiny, 1.0, exponent))
    return -(axes @ (slope * factor * own_time)[..., None]).squeeze(-1)


def follow_flow(
    surface: EnergySurface,
    starts: Tensor,
    *,
    tolerance: float,
    directions: Tensor | None = None,
    reach: float = float("inf"),
    n_steps: int | None = None,
) -> StationaryPoints:
    """Follows dz/dt = −∇U from each start until it rests; with directions, to a saddle.

    The step is the exponential Euler (Rosenbrock) step, exact where U is a parabola: a large step
    is Newton's, so it ends quadratically, and a small one follows the flow line, stiff or not. Its
    length is set by how well the gradient at its end was foreseen. For a saddle the flow is turned
    round along one mode of ∇²U: at first that which overlaps most with the direction, then that
    which overlaps most with the one before.

    Args:
        surface: U.
        starts: z, shape (B, d).
        tolerance: Largest error of the foreseen gradient, relative to the gradient: .1 stays near
            the flow line, .5 only hurries down.
        directions: The directions along which to climb, shape (B, d); None goes down.
        reach: A walker farther than this from its start has run away.
        n_steps: Where to stop, whether at rest or not; None takes as many as are of use.

    Returns:
        One rest for each start.

    References:
        Hochbruck & Ostermann, Exponential integrators, Acta Numerica 19 (2010), section 2.4;
        Cerjan & Miller, On finding transition states, J. Chem. Phys. 75 (1981); E & Zhou, The
        gentlest ascent dynamics, Nonlinearity 24 (2011).
    """
    z = starts.clone()
    if not len(z):
        return _empty(z)
    here = surface.derivatives(z)
    energy, gradient = here.energy.clone(), here.gradient.clone()
    lost = ~(torch.isfinite(energy) & torch.isfinite(here.hessian).all(dim=2).all(dim=1))
    curvatures, axes = _eigen(here.hessian)
    followed = None if directions is None else _nearest_mode(axes, directions)  # (B,)
    time = curvatures.abs().amax(dim=1).clamp_min(1e-12).reciprocal()
    at_rest = ~lost & (_distance_to_rest(curvatures, axes, gradient) < _REST)
    if n_steps is None:
        n_steps = _MAX_STEPS if directions is None else _MAX_CLIMB
    for _ in range(n_steps):
        active = (~at_rest & ~lost).nonzero().squeeze(1)
        if not len(active):
            break
        modes, slope = axes[active], gradient[active]
        climbs = None if followed is None else _one_hot(followed[active], z.shape[1])
        step = flow_step(curvatures[active], modes, slope, time[active], climbs)
        trial = surface.derivatives(z[active] + step)
        bent = (modes.mT @ step[..., None]).squeeze(-1) * curvatures[active]
        foreseen = slope + (modes @ bent[..., None]).squeeze(-1)
        error = (trial.gradient - foreseen).norm(dim=1) / slope.norm(dim=1).clamp_min(1e-300)
        finite = torch.isfinite(trial.hessian).all(dim=2).all(dim=1) & torch.isfinite(error)
        error = torch.where(finite & torch.isfinite(trial.energy), error, 1e4)
        good = error <= tolerance
        if directions is None:
            # The slack is the rounding of U: the last digits of a rest would else be refused.
            good &= trial.energy <= energy[active] + 1e-12 * (1 + energy[active].abs())
        longer = (tolerance / error.clamp_min(1e-12)).sqrt()
        time[active] *= torch.where(good, longer.clamp(0.5, 8.0), (0.8 * longer).clamp(0.1, 0.5))
        moved = active[good]
        z[moved] += step[good]
        energy[moved], gradient[moved] = trial.energy[good], trial.gradient[good]
        lam, v = _eigen(trial.hessian[good])
        if followed is not None:
            before = modes[good].gather(
                2, followed[moved][:, None, None].expand(-1, z.shape[1], 1)
            )
            followed[moved] = _nearest_mode(v, before.squeeze(-1))
        curvatures[moved], axes[moved] = lam, v
        left = _distance_to_rest(curvatures[active], axes[active], gradient[active])
        at_rest[active] = (left < _REST) | (~good & (left < _STALL))
        lost[active] = (z[active] - starts[active]).norm(dim=1) > reach
    return StationaryPoints(
        points=z, energies=energy, curvatures=curvatures, axes=axes, at_rest=at_rest & ~lost
    )


def joined(first: StationaryPoints, second: StationaryPoints) -> StationaryPoints:
    """The points of both, in this order."""
    parts = {
        f.name: torch.cat([getattr(first, f.name), getattr(second, f.name)])
        for f in fields(StationaryPoints)
    }
    return StationaryPoints(**parts)


def _distance_to_rest(curvatures: Tensor, axes: Tensor, gradient: Tensor) -> Tensor:
    """√(gᵀ∣H∣⁻¹g): how far the rest is, in thermal units at T = 1."""
    floor = (_FLAT * curvatures.abs().amax(dim=1, keepdim=True)).clamp_min(1e-300)
    slope = (axes.mT @ gradient[..., None]).squeeze(-1)
    return (slope.square() / torch.maximum(curvatures.abs(), floor)).sum(dim=1).sqrt()


def _eigen(hessian: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues and vectors; a matrix that is not finite belongs to a walker that is lost."""
    return torch.linalg.eigh(torch.nan_to_num(hessian, nan=0.0, posinf=0.0, neginf=0.0))


def _nearest_mode(axes: Tensor, directions: Tensor) -> Tensor:
    return (axes.mT @ directions[..., None]).squeeze(-1).abs().argmax(dim=1)


def _one_hot(modes: Tensor, n: int) -> Tensor:
    return torch.nn.functional.one_hot(modes, n).bool()


def _empty(z: Tensor) -> StationaryPoints:
    d = z.shape[1]
    return StationaryPoints(
        points=z,
        energies=z.new_zeros(0),
        curvatures=z.new_zeros(0, d),
        axes=z.new_zeros(0, d, d),
        at_rest=torch.zeros(0, dtype=torch.bool, device=z.device),
    )
