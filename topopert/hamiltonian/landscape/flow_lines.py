"""Flow lines of an energy surface as smooth curves."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from topopert.hamiltonian.surfaces import EnergySurface

from .stationary import StationaryPoints, flow_step

__all__ = ["Line", "descending_lines", "saddle_lines", "straight_line"]

# The error of the foreseen gradient that a step may make, relative to the gradient.
_TOLERANCE = 0.01
# The direction of flow may turn by so many radians in a step, about.
_TURN = 0.15
# A step goes at most this share of the way along the softest axis to the minimum.
_SHARE = 0.3
# Of a minimum this near, in thermal units at T = 1, the line goes straight to it.
_NEAR = 0.02
# A saddle is left by so many thermal widths of its unstable direction.
_PUSH = 0.03
_MAX_STEPS = 2000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """A curve through knots with given directions, cubic in between (Hermite's)."""

    knots: Tensor  # (K, d), K ≥ 2
    tangents: Tensor  # unit vectors along the line, (K, d)

    @property
    def length(self) -> float:
        """Length of the polygon of the knots."""
        return float((self.knots[1:] - self.knots[:-1]).norm(dim=1).sum())

    def reversed(self) -> Line:
        """The same line from its end to its beginning."""
        return Line(knots=self.knots.flip(0), tangents=-self.tangents.flip(0))

    def sampled(self, n_intervals: int) -> Tensor:
        """Points at equal spacing, both ends included, (n_intervals + 1, d)."""
        pieces = (self.knots[1:] - self.knots[:-1]).norm(dim=1)
        along = torch.cat([pieces.new_zeros(1), pieces.cumsum(dim=0)])
        wanted = torch.linspace(0, 1, n_intervals + 1).to(along) * along[-1]
        k = (torch.searchsorted(along, wanted, right=True) - 1).clamp(0, len(pieces) - 1)
        chord = pieces[k, None].clamp_min(1e-300)
        t = ((wanted - along[k])[:, None] / chord).clamp(0, 1)
        begin, end = self.knots[k], self.knots[k + 1]
        out, into = chord * self.tangents[k], chord * self.tangents[k + 1]
        return (
            (1 + 2 * t) * (1 - t) ** 2 * begin
            + t * (1 - t) ** 2 * out
            + t**2 * (3 - 2 * t) * end
            - t**2 * (1 - t) * into
        )


def straight_line(begin: Tensor, end: Tensor) -> Line:
    """The segment between two points (d,)."""
    direction = end - begin
    direction = direction / direction.norm().clamp_min(1e-300)
    return Line(knots=torch.stack([begin, end]), tangents=torch.stack([direction, direction]))


def saddle_lines(
    surface: EnergySurface, saddles: StationaryPoints, minima: Tensor
) -> list[tuple[Line, Line]]:
    """The two flow lines that leave each saddle, each from the saddle to its minimum.

    Args:
        surface: U.
        saddles: S saddles of index 1.
        minima: Where the line along the unstable axis ends and where the one against it does,
            shape (S, 2, d).
    """
    axes = torch.cat([saddles.axes[:, :, 0], -saddles.axes[:, :, 0]])
    push = _PUSH * saddles.curvatures[:, :1].abs().rsqrt().repeat(2, 1)
    sources = saddles.points.repeat(2, 1)
    ends = torch.cat([minima[:, 0], minima[:, 1]])
    lines = [
        Line(
            knots=torch.cat([source[None], line.knots]),
            tangents=torch.cat([axis[None], line.tangents]),
        )
        for source, axis, line in zip(
            sources, axes, descending_lines(surface, sources + push * axes, ends), strict=True
        )
    ]
    n = len(saddles)
    return list(zip(lines[:n], lines[n:], strict=True))


def descending_lines(surface: EnergySurface, starts: Tensor, minima: Tensor) -> list[Line]:
    """The flow lines from starts (B, d) to the minima (B, d) that they lead to."""
    if not len(starts):
        return []
    z = starts.clone()
    here = surface.derivatives(z)
    gradient = here.gradient.clone()
    curvatures, axes = torch.linalg.eigh(here.hessian)
    time = 0.1 / curvatures.abs().amax(dim=1).clamp_min(1e-12)
    knots = [[start] for start in starts]
    tangents = [[-g / g.norm().clamp_min(1e-300)] for g in gradient]
    arrived = _is_near(curvatures, axes, gradient)
    for _ in range(_MAX_STEPS):
        active = (~arrived).nonzero().squeeze(1)
        if not len(active):
            break
        slope, modes, lam = gradient[active], axes[active], curvatures[active]
        softest = lam[:, 0].clamp_min(1e-12)
        time[active] = torch.where(
            lam[:, 0] > 0, torch.minimum(time[active], _SHARE / softest), time[active]
        )
        step = flow_step(lam, modes, slope, time[active])
        trial = surface.derivatives(z[active] + step)
        bent = (modes.mT @ step[..., None]).squeeze(-1) * lam
        foreseen = slope + (modes @ bent[..., None]).squeeze(-1)
        steepness = slope.norm(dim=1).clamp_min(1e-300)
        error = (trial.gradient - foreseen).norm(dim=1) / steepness / _TOLERANCE
        new = trial.gradient / trial.gradient.norm(dim=1, keepdim=True).clamp_min(1e-300)
        turn = (new - slope / steepness[:, None]).norm(dim=1) / _TURN
        excess = torch.nan_to_num(torch.maximum(error, turn.square()), nan=1e4, posinf=1e4)
        good = excess <= 1
        time[active] *= (0.8 * excess.clamp_min(1e-12).rsqrt()).clamp(0.2, 2.0)
        moved = active[good]
        z[moved] += step[good]
        gradient[moved] = trial.gradient[good]
        curvatures[moved], axes[moved] = torch.linalg.eigh(trial.hessian[good])
        arrived[moved] = _is_near(curvatures[moved], axes[moved], gradient[moved])
        for row in moved.tolist():
            knots[row].append(z[row].clone())
            tangents[row].append(-gradient[row] / gradient[row].norm().clamp_min(1e-300))
    return [_ended(k, t, end) for k, t, end in zip(knots, tangents, minima, strict=True)]


def _is_near(curvatures: Tensor, axes: Tensor, gradient: Tensor) -> Tensor:
    slope = (axes.mT @ gradient[..., None]).squeeze(-1)
    stiffest = curvatures.abs().amax(dim=1, keepdim=True).clamp_min(1e-300)
    way = slope.square() / torch.maximum(curvatures.abs(), 1e-6 * stiffest)
    return (way.sum(dim=1).sqrt() < _NEAR) & (curvatures[:, 0] > -1e-6 * stiffest[:, 0])


def _ended(knots: list[Tensor], tangents: list[Tensor], end: Tensor) -> Line:
    """The line and the last piece, straight to its minimum."""
    rest = end - knots[-1]
    rest = rest / rest.norm().clamp_min(1e-300)
    return Line(knots=torch.stack([*knots, end]), tangents=torch.stack([*tangents, rest]))
