"""A quadrature of the tilted prior, from one of the prior by weights e^{−λV}."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from topopert.errors import InvalidInputError
from topopert.hamiltonian.potentials.quadrature import GaussHermite, QuasiMonteCarlo
from topopert.hamiltonian.surfaces import TiltedSurface, row_blocks

__all__ = ["PriorNodes", "prior_nodes"]

_N_NODES = {1: 280, 2: 80, 3: 30}  # per axis
_N_SOBOL = 1 << 12
_ROWS = 1 << 16
# How far out a potential is asked whether it confines, in standard deviations of the prior.
_FAR = (30.0, 100.0)
_RIM_SHARE = 1e-9
_LEFT_OUT = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PriorNodes:
    """Nodes and their weights under p_λ."""

    nodes: Tensor  # (G, d)
    weights: Tensor  # (G,), sum 1
    log_normalizer: float  # log ∫ e^{−U_λ}


@torch.no_grad()
def prior_nodes(surface: TiltedSurface) -> PriorNodes:
    """A Gauss–Hermite product in d ≤ 3, Sobol points beyond.

    Raises:
        InvalidInputError: If e^{−U_λ} seems to have no finite integral.
    """
    d = surface.latent_dim
    rule = GaussHermite(_N_NODES[d]) if d in _N_NODES else QuasiMonteCarlo(_N_SOBOL)
    grid, prior_weights = rule.nodes(1, d)
    nodes, prior_weights = grid[:, 0].to(surface.device), prior_weights.to(surface.device)
    total = torch.cat([surface.energy(nodes[rows]) for rows in row_blocks(len(nodes), _ROWS)])
    log_weights = prior_weights.log() + 0.5 * nodes.square().sum(dim=1) - total
    weights = log_weights.softmax(dim=0)
    rim = (nodes.abs() >= nodes.abs().amax()).any(dim=1)
    if (d in _N_NODES and float(weights[rim].sum()) > _RIM_SHARE) or not _confines(surface):
        msg = (
            "e^{−λV} p₀ seems to have no finite integral: U_λ = ½∣z∣² + λV does not rise far out. "
            "Choose a smaller coupling or a potential that does not fall faster than ½∣z∣²/λ."
        )
        raise InvalidInputError(msg)
    log_mean = float(log_weights.logsumexp(dim=0))  # log E₀[e^{−λV}]
    # Most corners of a product weigh nothing: what is left out weighs 1e-12 in all.
    ascending, order = weights.sort()
    kept = order[ascending.cumsum(dim=0) > _LEFT_OUT].sort().values
    return PriorNodes(
        nodes=nodes[kept],
        weights=weights[kept] / weights[kept].sum(),
        log_normalizer=log_mean + 0.5 * d * math.log(2 * math.pi),
    )


def _confines(surface: TiltedSurface) -> bool:
    """Whether U_λ rises along the axes and the diagonal, both ways."""
    d = surface.latent_dim
    eye = torch.eye(d, dtype=torch.float64, device=surface.device)
    ways = torch.cat([eye, eye.new_full((1, d), d**-0.5)])
    ways = torch.cat([ways, -ways])
    lowest = [float(surface.energy(radius * ways).min()) for radius in _FAR]
    return float(surface.energy(0 * ways[:1])) < lowest[0] < lowest[1]
