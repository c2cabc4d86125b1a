"""Kramers' rates: how fast Langevin dynamics crosses the barriers between states."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.linalg import get_lapack_funcs
from torch import Tensor

from topopert.errors import BackendError, InvalidInputError

from .network import TransitionNetwork
from .stationary import StationaryPoints

__all__ = ["KramersModes", "Links", "kramers_links", "kramers_modes", "rate_matrix"]

# Beyond so many nats over T, e^{−U/T} leaves double precision.
_RANGE = 650.0
# A minimum so much softer along one axis than along another has no harmonic weight.
_FLAT = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Links:
    """Minima as nodes of a reversible Markov chain, saddles as the links between them.

    The rate from i to j is the sum of the conductances of their links over the mass of i: detailed
    balance holds by construction.
    """

    masses: Tensor  # harmonic weight of each minimum, (m,), sum 1
    conductances: Tensor  # of each saddle, (s,)
    ends: Tensor  # the two minima of each, (s, 2), int64
    states: Tensor  # the state that each minimum belongs to, (m,), int64, 0 … M−1
    mass_energies: Tensor  # −d log mass/d(1/T), up to a constant: energies of the minima, (m,)
    link_energies: Tensor  # the same of conductances: energies of the saddles, (s,)

    @property
    def state_masses(self) -> Tensor:
        """Weight of each state: of all minima that belong to it, (M,)."""
        total = self.masses.new_zeros(int(self.states.max()) + 1)
        return total.index_add(0, self.states, self.masses)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KramersModes:
    """Eigenvalues and modes of a rate matrix."""

    levels: Tensor  # rates of relaxation, (M,), ascending; the 0 of equilibrium first
    modes: Tensor  # f_k on the states, (M, M), Σ_i mass_i f_ik² = 1
    activation_energies: Tensor  # −d log E_k/d(1/T), (M,), nats; NaN for the ground level


def kramers_links(network: TransitionNetwork, states: Tensor, temperature: float) -> Links:
    """Masses and conductances of a network for dz = −∇U dt + √(2T) dW.

    A minimum weighs e^{−U/T}/√det ∇²U; a saddle of unstable curvature μ₋ conducts
    ∣μ₋∣/2π · e^{−U/T}/√∣det ∇²U∣; their ratio is the Eyring–Kramers rate.

    Args:
        network: Minima and saddles.
        states: The state 0 … M−1 that each minimum belongs to, (m,).
        temperature: T > 0, nats.

    Raises:
        InvalidInputError: If a minimum is flat along a line or T is too low for the barriers.

    References:
        Kramers, Physica 7 (1940); Hänggi, Talkner & Borkovec, Rev. Mod. Phys. 62 (1990), eq. 4.55;
        Bovier, Eckhoff, Gayrard & Klein, J. Eur. Math. Soc. 6 (2004), theorem 1.2.
    """
    minima, saddles = network.minima, network.saddles
    ratio = minima.curvatures[:, 0] / minima.curvatures.abs().amax(dim=1).clamp_min(1e-300)
    if bool((ratio < _FLAT).any()) and len(minima) > 1:
        flat = minima.points[int(ratio.argmin())]
        msg = (
            f"The minimum at ({', '.join(f'{x:.3g}' for x in flat.tolist())}) is flat along a "
            "line, so it has no harmonic weight and Kramers' formula does not hold. Take the "
            "levels from `topopert.spectrum`."
        )
        raise InvalidInputError(msg)
    bottom = float(minima.energies[0])
    highest = float(torch.cat([minima.energies, saddles.energies]).max()) - bottom
    if highest > _RANGE * temperature:
        msg = (
            f"`temperature` is {temperature:g}, but a saddle lies {highest:.4g} nats above the "
            f"lowest minimum: e^(−{highest / temperature:.4g}) is out of range. Take a "
            f"temperature of at least {highest / _RANGE:.2g}."
        )
        raise InvalidInputError(msg)
    log_masses = _log_weight(minima, bottom, temperature)
    total = log_masses.logsumexp(dim=0)
    down = saddles.curvatures[:, 0].abs().log() - math.log(2 * math.pi)
    return Links(
        masses=(log_masses - total).exp(),
        conductances=(down + _log_weight(saddles, bottom, temperature) - total).exp(),
        ends=network.ends,
        states=states,
        mass_energies=minima.energies - bottom,
        link_energies=saddles.energies - bottom,
    )


def rate_matrix(links: Links) -> Tensor:
    """The generator Q between states, (M, M): Q_ij ≥ 0 is the rate from i to j, rows sum to 0.

    Populations p follow dp/dt = pQ; πQ = 0 and π_i Q_ij = π_j Q_ji for the weights π. Minima that
    are no states of their own carry the current between those that are: they are eliminated from
    the circuit, as in a chain of resistors, not left out.
    """
    conductances = _reduced(links)[0]
    rates = conductances / links.state_masses[:, None]
    return rates - torch.diag(rates.sum(dim=1))


def kramers_modes(links: Links) -> KramersModes:
    """All eigenvalues of −Q to full *relative* accuracy, however small, with their modes.

    The Laplacian of the circuit is factored by elimination without a subtraction, and its factor's
    singular values are found by a one-sided Jacobi method.

    Raises:
        BackendError: If LAPACK's does not converge.

    References:
        Demmel, Gu, Eisenstat, Slapničar, Veselić & Drmač, Computing the singular value
        decomposition with high relative accuracy, Linear Algebra Appl. 299 (1999); O'Cinneide,
        Numer. Math. 65 (1993).
    """
    conductances, extension = _reduced(links)
    masses = links.state_masses
    n = len(masses)
    levels, modes = masses.new_zeros(n), masses.new_ones(n, n)
    activation = torch.full_like(levels, math.nan)
    if n == 1:
        return KramersModes(levels=levels, modes=modes, activation_energies=activation)
    factor = _laplacian_factor(conductances)  # L = FFᵀ, (M, M−1)
    scaled = (factor / masses.sqrt()[:, None]).cpu().numpy()
    # LAPACK's job "F" is for rows and columns of any scale; "N" for jobr drops no small column.
    (jacobi,) = get_lapack_funcs(("gejsv",), (scaled,))
    values, left, _, work, _, info = jacobi(scaled, joba=2, jobu=0, jobv=3, jobr=0)
    if info != 0:
        msg = f"LAPACK's dgejsv did not diagonalise the rate matrix of {n} states (info={info})."
        raise BackendError(msg)
    values = values * (work[0] / work[1])
    up = np.argsort(values, kind="stable")
    levels[1:] = torch.from_numpy(values[up].copy()).to(levels).square()
    vectors = torch.from_numpy(left[:, : n - 1][:, up].copy()).to(modes)
    modes[:, 1:] = vectors / masses.sqrt()[:, None]
    # Signs follow the state of largest share, so that they do not depend on the factorisation.
    strongest = vectors.abs().argmax(dim=0)
    modes[:, 1:] *= vectors.gather(0, strongest[None]).sign()
    full = extension @ modes  # on all minima, (m, M)
    drops = full[links.ends[:, 0]] - full[links.ends[:, 1]]  # (s, M)
    current = links.conductances[:, None] * drops[:, 1:].square()
    weight = links.masses[:, None] * modes[links.states][:, 1:].square()
    activation[1:] = (current * links.link_energies[:, None]).sum(dim=0) / current.sum(dim=0)
    activation[1:] -= (weight * links.mass_energies[:, None]).sum(dim=0)
    return KramersModes(levels=levels, modes=modes, activation_energies=activation)


def _log_weight(rests: StationaryPoints, bottom: float, temperature: float) -> Tensor:
    log_det = rests.curvatures.abs().log().sum(dim=1)
    return -(rests.energies - bottom) / temperature - 0.5 * log_det


def _reduced(links: Links) -> tuple[Tensor, Tensor]:
    """Conductances between states, (M, M), and the harmonic extension to all minima, (m, M).

    Row x of the extension holds the probability that each state is the first reached from x.
    """
    m = len(links.masses)
    own = torch.arange(m, device=links.states.device)
    first = torch.full((int(links.states.max()) + 1,), m, device=own.device)
    first = first.scatter_reduce(0, links.states, own, reduce="amin")  # a state's lowest minimum
    neighbours: list[dict[int, float]] = [{} for _ in range(m)]
    for (i, j), value in zip(links.ends.tolist(), links.conductances.tolist(), strict=True):
        if i != j:
            neighbours[i][j] = neighbours[j][i] = neighbours[i].get(j, 0.0) + value
    kept = set(first.tolist())
    passed: list[tuple[int, dict[int, float]]] = []
    # Those of few neighbours first, so that a star becomes a small mesh.
    waiting = [(len(neighbours[node]), node) for node in range(m) if node not in kept]
    heapq.heapify(waiting)
    while waiting:
        degree, node = heapq.heappop(waiting)
        if degree != len(neighbours[node]):
            heapq.heappush(waiting, (len(neighbours[node]), node))
            continue
        total = sum(neighbours[node].values())
        shares = {other: value / total for other, value in neighbours[node].items()}
        passed.append((node, shares))
        for i, share in shares.items():
            del neighbours[i][node]
            for j, value in neighbours[node].items():
                if i != j:
                    # Only sums of positive numbers, so no digit is lost.
                    neighbours[i][j] = neighbours[i].get(j, 0.0) + share * value
    number = {node: state for state, node in enumerate(first.tolist())}
    extension = links.masses.new_zeros(m, len(number))
    for node, state in number.items():
        extension[node, state] = 1.0
    for node, shares in reversed(passed):
        for other, share in shares.items():
            extension[node] += share * extension[other]
    reduced = links.masses.new_zeros(len(number), len(number))
    for node, state in number.items():
        for other, value in neighbours[node].items():
            reduced[state, number[other]] = value
    return reduced, extension


def _laplacian_factor(conductances: Tensor) -> Tensor:
    """F with FFᵀ the Laplacian of a connected circuit, (M, M−1), by the same elimination."""
    left = conductances.clone()
    n = len(left)
    factor = left.new_zeros(n, n - 1)
    pending = torch.ones(n, dtype=torch.bool, device=left.device)
    for k in range(n - 1):
        total = torch.where(pending, left.sum(dim=1), -1.0)
        node = int(total.argmax())  # the largest pivot keeps the factor well conditioned
        pending[node] = False
        row = torch.where(pending, left[node], 0.0)
        degree = row.sum()
        root = degree.sqrt()
        factor[node, k] = root
        factor[:, k] -= row / root
        left = left + row[:, None] * (row / degree)
        left[node], left[:, node] = 0.0, 0.0
        left.fill_diagonal_(0)
    return factor
