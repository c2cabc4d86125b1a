"""Weighted and annealed draws of a density against each other and against exact moments."""

from __future__ import annotations

import math

import pytest
import torch

from topopert.hamiltonian.draws.draws import Draws, surface_draws
from topopert.hamiltonian.surfaces import FunctionSurface, MixtureSurface


def blobs() -> MixtureSurface:
    stream = torch.Generator().manual_seed(0)
    means = torch.randn(40, 6, dtype=torch.float64, generator=stream)
    return MixtureSurface(means, torch.full_like(means, 0.3))


def drawn(surface, temperature: float) -> Draws:
    stream = torch.Generator().manual_seed(0)
    return surface_draws(surface, 6000, temperature=temperature, generator=stream)


def test_a_mixture_is_drawn_exactly() -> None:
    surface = blobs()
    draws = drawn(surface, 1.0)
    assert draws.n_effective == pytest.approx(6000)
    mean = surface.means.mean(dim=0)
    torch.testing.assert_close(draws.weights @ draws.nodes, mean, rtol=0, atol=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.4, 2.5])
def test_weights_and_annealing_agree(temperature: float) -> None:
    """The same surface as a mixture and as a function, whose proposals know nothing in common."""
    surface = blobs()
    weighted = drawn(surface, temperature)
    annealed = drawn(FunctionSurface(surface.energy, 6), temperature)
    assert float(weighted.log_normalizer - annealed.log_normalizer) == pytest.approx(0, abs=0.12)
    for draws in (weighted, annealed):
        assert draws.n_effective > 1000
    squares = [d.weights @ d.nodes.square() for d in (weighted, annealed)]
    torch.testing.assert_close(*squares, rtol=0.12, atol=0.03)


@pytest.mark.slow
def test_annealing_finds_the_constant_of_a_narrow_shell() -> None:
    """Z = ∫ e^{−(|z| − 4)²/2s²} = 4π (4² + s²) √(2π) s in space; no Gaussian lies near."""
    surface = FunctionSurface(lambda z: (z.norm(dim=1) - 4).square() / (2 * 0.1**2), 3)
    draws = drawn(surface, 1.0)
    exact = math.log(4 * math.pi * (16 + 0.01) * math.sqrt(2 * math.pi) * 0.1)
    assert float(draws.log_normalizer) == pytest.approx(exact, abs=0.08)
    assert draws.n_effective > 1000
    radius = draws.nodes.norm(dim=1)
    assert float(draws.weights @ radius) == pytest.approx(4.0, abs=0.02)
    spread = draws.weights @ (draws.nodes - draws.weights @ draws.nodes).square()
    torch.testing.assert_close(spread, torch.full_like(spread, 16 / 3), rtol=0.1, atol=0)
