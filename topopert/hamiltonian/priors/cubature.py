"""Integrals of positive functions over R^d, d ≤ 3, by adaptive Gauss–Legendre cubature."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from topopert.errors import InvalidInputError

__all__ = ["LogIntegral", "log_integral"]

_N_NODES = 6  # per axis: exact for polynomials of degree 11
_BOXES_PER_AXIS = 12  # at most, before features are resolved
_MAX_GROWTHS = 14  # the domain grows 300-fold before it is given up
_MARGIN = 9.0  # widths of a feature on either side of its centre


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogIntegral:
    """The logarithm of an integral."""

    value: Tensor  # (b,), nats
    error: Tensor  # bound on the error of the value, (b,), nats


def log_integral(
    log_density: Callable[[Tensor], Tensor],
    *,
    centers: Tensor,
    widths: Tensor,
    inner: Tensor,
    rtol: float,
    max_nodes: int,
    block: int,
) -> LogIntegral:
    """Log ∫ exp(log_density) over R^d for b densities at once.

    Boxes are halved along every axis until a box and its children agree. As the children are
    believed and the difference to their parent is counted as their error, the error is a bound in
    practice. The domain grows until its rim holds nothing.

    Args:
        log_density: Maps nodes (n, d) to (n, b), in nats.
        centers: Where the densities have features, (F, d): there the first boxes are as small as
            the features, so that none is missed.
        widths: The features' widths, (F,).
        inner: Which features span the domain, boolean (F,).
        rtol: The error aimed at, relative.
        max_nodes: Number of evaluations after which the error is as it is.
        block: Number of nodes that are evaluated at once.

    Raises:
        InvalidInputError: If the integral seems infinite.

    References:
        Davis & Rabinowitz, Methods of Numerical Integration, 2nd ed. (1984), sections 5.6, 6.
    """
    reach = _MARGIN * widths[inner, None]
    lower = torch.minimum((centers[inner] - reach).amin(dim=0), centers.amin(dim=0))
    upper = torch.maximum((centers[inner] + reach).amax(dim=0), centers.amax(dim=0))
    rule = _Rule(log_density, lower, block)
    side = _MARGIN / 3 * float(widths[inner].min())
    for _ in range(_MAX_GROWTHS):
        corners, sides = _grid(lower, upper, side)
        corners, sides = _resolve(corners, sides, centers, widths, max_nodes // rule.n_nodes)
        parents = rule(corners, sides)  # (n, b)
        total = parents.logsumexp(dim=0)
        if (total == -torch.inf).any():
            msg = "A potential is +∞ wherever the prior has mass. Check its energies."
            raise InvalidInputError(msg)
        hair = 1e-9 * (upper - lower)
        rim = ((corners <= lower + hair) | (corners + sides >= upper - hair)).any(dim=1)
        on_rim = (parents[rim].logsumexp(dim=0) - total).exp()  # (b,), share of the mass
        if float(on_rim.max()) <= rtol:
            inside = _refine(rule, corners, sides, parents, rtol=rtol, max_nodes=max_nodes)
            # What lies beyond the rim is less than what lies on it.
            return LogIntegral(value=inside.value, error=inside.error + on_rim)
        lower, upper = lower - 0.25 * (upper - lower), upper + 0.25 * (upper - lower)
    msg = (
        "e^{−λV} p₀ seems to have no finite integral: its mass moves outwards with the domain, "
        f"up to {float(upper.max()):.3g}. Choose a smaller coupling or a potential that "
        "does not fall faster than ½∣z∣²/λ."
    )
    raise InvalidInputError(msg)


def _refine(
    rule: _Rule,
    corners: Tensor,
    sides: Tensor,
    parents: Tensor,
    *,
    rtol: float,
    max_nodes: int,
) -> LogIntegral:
    done = torch.full_like(parents[0], -torch.inf)  # (b,), log of the mass that is settled
    error = torch.zeros_like(done)  # relative to the total
    while True:
        small, halves = _halved(corners, sides)  # (n, 2^d, d), (n, 1, d)
        d = small.shape[-1]
        halves = halves.expand_as(small)
        children = rule(small.reshape(-1, d), halves.reshape(-1, d))
        children = children.reshape(len(small), -1, children.shape[-1])  # (n, 2^d, b)
        sums = children.logsumexp(dim=1)  # (n, b)
        total = torch.logaddexp(done, sums.logsumexp(dim=0))
        difference = ((sums - total).exp() - (parents - total).exp()).abs()  # (n, b)
        worst, order = difference.amax(dim=1).sort()
        # Half of what the error may still be goes to this round: the smallest differences.
        budget = 0.5 * (rtol - float(error.max()))
        n_settled = int((worst.cumsum(dim=0) <= budget).sum())
        if rule.evaluated + len(worst[n_settled:]) * 4**d * rule.n_nodes > max_nodes:
            n_settled = len(worst)
        settled, rest = order[:n_settled], order[n_settled:]
        done = torch.logaddexp(done, sums[settled].logsumexp(dim=0))
        error = error + difference[settled].sum(dim=0)
        if not len(rest):
            return LogIntegral(value=done, error=error)
        corners, sides = small[rest].reshape(-1, d), halves[rest].reshape(-1, d)
        parents = children[rest].reshape(-1, children.shape[-1])


class _Rule:
    """The tensor product of Gauss–Legendre rules on boxes, in logarithms."""

    def __init__(self, log_density: Callable[[Tensor], Tensor], like: Tensor, block: int) -> None:
        nodes, weights = np.polynomial.legendre.leggauss(_N_NODES)
        grid = list(itertools.product((nodes + 1) / 2, repeat=len(like)))
        product = [np.prod(w) for w in itertools.product(weights / 2, repeat=len(like))]
        self.nodes = like.new_tensor(grid)  # on the unit box, (P, d)
        self.log_weights = like.new_tensor(np.log(product))[:, None]  # (P, 1)
        self.log_density = log_density
        self.n_boxes = max(1, block // len(product))
        self.evaluated = 0

    @property
    def n_nodes(self) -> int:
        """Nodes per box."""
        return len(self.nodes)

    def __call__(self, corners: Tensor, sides: Tensor) -> Tensor:
        """The logarithms of the integrals over the boxes, (n, b)."""
        parts = zip(corners.split(self.n_boxes), sides.split(self.n_boxes), strict=True)
        return torch.cat([self._boxes(corner, side) for corner, side in parts])

    def _boxes(self, corners: Tensor, sides: Tensor) -> Tensor:
        nodes = corners[:, None] + sides[:, None] * self.nodes  # (n, P, d)
        values = self.log_density(nodes.reshape(-1, nodes.shape[-1]))  # (n · P, b)
        self.evaluated += len(values)
        if (values == torch.inf).any():
            msg = "A potential is −∞ somewhere, so its prior cannot be normalised. Bound it below."
            raise InvalidInputError(msg)
        values = values.reshape(*nodes.shape[:2], -1)  # (n, P, b)
        log_volume = sides.log().sum(dim=1, keepdim=True)  # (n, 1)
        return (values + self.log_weights).logsumexp(dim=1) + log_volume


def _grid(lower: Tensor, upper: Tensor, side: float) -> tuple[Tensor, Tensor]:
    """Boxes of about the given side that fill the domain: corners and sides, (n, d) each."""
    axes, steps = [], []
    for low, high in zip(lower.tolist(), upper.tolist(), strict=True):
        n = min(_BOXES_PER_AXIS, max(1, int(np.ceil((high - low) / side))))
        axes.append(low + (high - low) / n * torch.arange(n, dtype=lower.dtype))
        steps.append((high - low) / n)
    corners = torch.cartesian_prod(*axes).reshape(-1, len(axes)).to(lower.device)
    return corners, lower.new_tensor(steps).expand_as(corners)


def _halved(corners: Tensor, sides: Tensor) -> tuple[Tensor, Tensor]:
    """The 2^d children of each box: corners (n, 2^d, d), sides (n, 1, d)."""
    halves = sides[:, None] / 2
    offsets = list(itertools.product((0.0, 1.0), repeat=corners.shape[1]))
    return corners[:, None] + halves * corners.new_tensor(offsets), halves


def _resolve(
    corners: Tensor, sides: Tensor, centers: Tensor, widths: Tensor, max_boxes: int
) -> tuple[Tensor, Tensor]:
    """Boxes halved within three widths of a feature until they span at most four of them."""
    settled_corners, settled_sides = [], []
    while len(corners):
        middle = corners + sides / 2
        coarse = torch.zeros(len(corners), dtype=torch.bool, device=corners.device)
        for center, width in zip(centers, widths, strict=True):
            if float(sides.max()) <= 4.001 * width:
                continue
            away = ((middle - center).abs() - sides / 2).clamp(min=0).square().sum(dim=1).sqrt()
            coarse |= (away < 3 * width) & (sides.amax(dim=1) > 4.001 * width)
        if len(corners) + len(settled_corners) > max_boxes:
            coarse[:] = False
        settled_corners.append(corners[~coarse])
        settled_sides.append(sides[~coarse])
        small, halves = _halved(corners[coarse], sides[coarse])
        corners = small.reshape(-1, corners.shape[1])
        sides = halves.expand_as(small).reshape(-1, corners.shape[1])
    return torch.cat(settled_corners), torch.cat(settled_sides)
