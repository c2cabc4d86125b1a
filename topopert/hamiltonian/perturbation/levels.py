"""The lowest levels of H by degenerate perturbation theory about the prior's oscillator."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from numbers import Integral

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topopert._checks import check_count
from topopert.errors import InvalidInputError, TopopertWarning
from topopert.hamiltonian.couplings import Constant
from topopert.hamiltonian.potentials.potential import Potential
from topopert.hamiltonian.spectra.functions import Modes, States
from topopert.hamiltonian.spectra.mode_signs import mode_signs
from topopert.hamiltonian.spectra.record import Spectrum, WeightedNodes
from topopert.hamiltonian.surfaces import TiltedSurface

from .modes import HermiteModes
from .prior_nodes import PriorNodes, prior_nodes
from .shells import TOLERANCE, solve_shells

__all__ = ["perturbation_levels"]

# Standard deviation of λV under the prior beyond which second order misses a tenth of the shifts.
_RANGE = 0.5
_ERROR_KIND = {
    1: "second order and estimated third, degrees cut off, quadrature",
    2: "estimated third order, degrees cut off, quadrature",
}


def perturbation_levels(
    potential: Potential | Callable[[Tensor], Tensor],
    *,
    coupling: float | Constant,
    latent_dim: int,
    n_levels: int,
    order: int,
) -> Spectrum:
    """The levels of H_λ to first or second order in λ, each level of H₀ = 0, 1, 2, … by itself.

    Level n of H₀ has C(n + d − 1, n) states; an effective Hamiltonian of that size is diagonalised
    in each, n ≤ 12. It is made of elements E₀[h_a h_b V], in closed form for wells and polynomials
    in any d, for other functions by quadrature in d ≤ 3. Intermediate states go up to the degree
    that memory allows, over 40 in d ≤ 3; with all of level 1, 10 in d = 8 and 3 in d = 20.

    The ground level is exactly 0. Modes f_k are polynomials: φ_k/√p_λ to first order in λ, in the
    basis of each level of H₀ that the order asked for singles out, of norm 1 on the sample. States
    are f_k √p_λ. The activation energies are the exact derivatives of these levels.

    The estimated errors are a third order, (‖second‖ + ¼E₀∣∇λV∣²) times the standard deviation of
    λV under the prior, the norm taken within each level of H₀, and in first order ‖second‖ more;
    then what the highest degree cuts off, by its decay, and by how much a quadrature with fewer
    nodes differs.

    Args:
        potential: V, which depends on the code alone; a function of codes (B, d) is one.
        coupling: λ ≥ 0.
        latent_dim: d.
        n_levels: How many levels, the ground level included.
        order: 1 or 2.

    Raises:
        InvalidInputError: If V depends on data or the batch or has no elements, e^{−U_λ} has no
            finite integral, so many levels need too much memory, or λ is so large that a level
            comes out negative.

    Warns:
        TopopertWarning: If the standard deviation of λV under the prior is above 0.5, which for
            wells of about the prior's width is λ·depth of about 2: second order then misses a
            tenth of the shifts and more, and soon all of them.

    References:
        Kato, Perturbation Theory for Linear Operators, 2nd ed. (1976), chapter II.
    """
    if not isinstance(order, Integral) or isinstance(order, bool) or order not in (1, 2):
        msg = f"`order` must be 1 or 2, got {order!r:.80}. Else use topopert.spectrum."
        raise InvalidInputError(msg)
    n_levels = check_count(n_levels, name="n_levels")
    surface = TiltedSurface(potential, coupling, latent_dim)
    nodes = prior_nodes(surface)
    shells = solve_shells(surface, n_levels, order)
    _check_range(shells.spread, shells.levels)
    device = surface.device
    hermite = HermiteModes(
        shells.indices, shells.modes, first_order=shells.first_order, device=device
    )
    on_nodes = hermite(nodes.nodes)
    norms = (nodes.weights @ on_nodes.square()).sqrt()  # (n_levels,)
    norms = norms * _signs(nodes, on_nodes)
    norms[0] = 1.0  # the mode of the ground state is 1 as it stands
    modes = Modes(surface, hermite.divided(norms))
    return Spectrum(
        levels=torch.from_numpy(shells.levels).to(device),
        degeneracies=torch.from_numpy(shells.degeneracies).to(device),
        errors=torch.from_numpy(shells.errors).to(device),
        activation_energies=torch.from_numpy(shells.activation).to(device),
        states=States(modes=modes, temperature=1.0, log_normalizer=nodes.log_normalizer),
        modes=modes,
        sample=WeightedNodes(nodes=nodes.nodes, weights=nodes.weights, modes=on_nodes / norms),
        surface=surface,
        temperature=1.0,
        method="perturbation",
        error_kind=_ERROR_KIND[order],
        tolerance=TOLERANCE,
    )


def _check_range(spread: float, levels: NDArray[np.float64]) -> None:
    """Warn of, or refuse, a coupling beyond the range of the series."""
    if levels[0] < 0 or (levels[1:] <= 0).any():
        msg = (
            f"A level comes out at {levels.min():.3g}, but none of H is below 0: the coupling is "
            f"beyond the range of perturbation theory (standard deviation of λV {spread:.3g}, "
            f"limit about {_RANGE:g}). Choose a smaller one or topopert.spectrum."
        )
        raise InvalidInputError(msg)
    if spread > _RANGE:
        msg = (
            f"λV has a standard deviation of {spread:.3g} nats under the prior; above {_RANGE:g} "
            "perturbation theory misses a tenth of a level's shift and more. Use a smaller "
            "coupling, or topopert.spectrum."
        )
        warnings.warn(msg, TopopertWarning, stacklevel=3)


def _signs(nodes: PriorNodes, modes: Tensor) -> Tensor:
    """±1 for each mode, by the rule of all spectra, (n_levels,)."""
    arrays = (value.cpu().numpy() for value in (nodes.nodes, nodes.weights, modes))
    return torch.from_numpy(mode_signs(*arrays)).to(modes.device)
