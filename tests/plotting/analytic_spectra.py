from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from topopert.hamiltonian.spectra import Spectrum, WeightedNodes
from topopert.hamiltonian.surfaces import FunctionSurface


def harmonic_spectrum(frequencies: Sequence[float], n_levels: int) -> Spectrum:
    """The exact spectrum of U = 2 + ½ Σ a_i z_i²: levels Σ n_i a_i, states Hermite functions."""
    a = torch.tensor(frequencies, dtype=torch.float64)
    d = len(a)
    quanta = sorted(
        itertools.product(range(n_levels), repeat=d),
        key=lambda n: (sum(f * k for f, k in zip(frequencies, n, strict=True)), n),
    )[:n_levels]
    levels = torch.tensor(quanta, dtype=torch.float64) @ a

    def energy(z: Tensor) -> Tensor:
        return 2 + 0.5 * (a * z.square()).sum(dim=1)

    def modes(z: Tensor) -> Tensor:
        hermite = [torch.ones_like(z), a.sqrt() * z]
        for k in range(1, n_levels):
            upper = a.sqrt() * z * hermite[-1] - math.sqrt(k) * hermite[-2]
            hermite.append(upper / math.sqrt(k + 1))
        factors = torch.stack(hermite)  # (n, B, d)
        columns = [factors[list(n), :, range(d)].prod(dim=0) for n in quanta]
        return torch.stack(columns, dim=1)

    def states(z: Tensor) -> Tensor:
        normalization = (a / (2 * math.pi)).prod().sqrt()
        return modes(z) * (normalization * torch.exp(2 - energy(z))).sqrt()[:, None]

    axis = torch.linspace(-5, 5, 41, dtype=torch.float64)
    nodes = torch.cartesian_prod(*[axis] * d).reshape(-1, d)
    weights = torch.exp(-energy(nodes))
    activation_energies = torch.zeros(n_levels, dtype=torch.float64)
    activation_energies[0] = math.nan
    return Spectrum(
        levels=levels,
        degeneracies=torch.isclose(levels[:, None], levels).sum(dim=1),
        errors=torch.full_like(levels, 0.01),
        activation_energies=activation_energies,
        states=states,
        modes=modes,
        sample=WeightedNodes(nodes=nodes, weights=weights / weights.sum(), modes=modes(nodes)),
        surface=FunctionSurface(energy, d),
        temperature=1.0,
        method="exact",
        error_kind="chosen",
        tolerance=1e-6,
    )
