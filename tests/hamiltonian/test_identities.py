"""Identities between divergence, excitation energy and levels, each side by means of its own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.integrate import simpson
from scipy.linalg import eigh_tridiagonal
from torch import Tensor
from torch.distributions import Independent, Normal, kl_divergence

import topopert as tp
from topopert.hamiltonian.grids import grid_spectrum
from topopert.hamiltonian.perturbed_excitation import perturbed_excitation_energy
from topopert.hamiltonian.surfaces import TiltedSurface
from topopert.models import kl_divergence as divergence_from_prior

COUPLING = 1.3


def double_well() -> tp.WellPotential:
    spec = tp.WellSpec(
        centers=np.array([[-1.5], [1.2]]), depths=np.array([2.0, 1.5]), widths=np.array([0.5, 0.6])
    )
    return tp.WellPotential(spec).double()


def start() -> tuple[Tensor, Tensor]:
    return torch.full((1, 1), 0.8, dtype=torch.float64), torch.full(
        (1, 1), 2 * math.log(0.4), dtype=torch.float64
    )


class Flow:
    """∂ₜq = ∂(q ∂U) + ∂²q on a grid, in the eigenbasis of −H by finite differences.

    Between nodes i and i+1 flows √(πᵢπᵢ₊₁)(fᵢ₊₁ − fᵢ)/h², f = q/π.
    """

    def __init__(self, h: float) -> None:
        self.z = np.arange(-6, 6 + h / 2, h)
        surface = TiltedSurface(double_well(), COUPLING, 1)
        u = surface.energy(torch.from_numpy(self.z)[:, None]).numpy()
        self.weight = np.exp(-u) / np.exp(-u).sum()
        self.conductance = np.sqrt(self.weight[1:] * self.weight[:-1]) / h**2
        outflow = np.append(self.conductance, 0) + np.append(0, self.conductance)
        coupling = self.conductance / np.sqrt(self.weight[1:] * self.weight[:-1])
        self.levels, self.states = eigh_tridiagonal(outflow / self.weight, -coupling)
        q = np.exp(-0.5 * ((self.z - 0.8) / 0.4) ** 2)
        self.first = q / q.sum() / self.weight
        self.amplitudes = self.states.T @ (np.sqrt(self.weight) * self.first)

    def ratio(self, t: float) -> NDArray[np.float64]:
        """f at time t."""
        decayed = self.states @ (np.exp(-self.levels * t) * self.amplitudes)
        return np.maximum(decayed / np.sqrt(self.weight), 1e-300)

    def energy(self, t: float) -> float:
        """⟨√q∣H∣√q⟩: the quadratic form of H at φ = √(fπ)."""
        return float(self.conductance @ np.diff(np.sqrt(self.ratio(t))) ** 2)

    def dissipated(self) -> float:
        """4 ∫E dt, in equal steps of log t from the fast start to the slow exchange."""
        s = np.linspace(math.log(1e-8), math.log(200.0), 1201)
        integral = simpson([self.energy(t) * t for t in np.exp(s)], x=s) + 1e-8 * self.energy(0.0)
        return 4 * float(integral)

    def divergence(self) -> float:
        """KL on the grid."""
        return float(np.sum(self.weight * self.first * np.log(np.maximum(self.first, 1e-300))))


def exact_divergence() -> float:
    """KL(q‖p_λ) = KL(q‖p₀) + λE_q[V] + log(Z_λ/Z₀), each in closed form or by cubature."""
    mean, logvar = start()
    prior = tp.Hamiltonian(double_well(), COUPLING).prior()
    return float(kl_divergence(Independent(Normal(mean[0], (0.5 * logvar[0]).exp()), 1), prior))


def test_dissipation_is_the_divergence_to_the_second_order_and_by_richardson_exactly() -> None:
    exact = exact_divergence()
    coarse, fine = (Flow(h).dissipated() for h in (0.04, 0.02))
    assert 3.9 < (exact - coarse) / (exact - fine) < 4.1
    # The integral over time and the cubature of Z_λ are good to that.
    assert (4 * fine - coarse) / 3 == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("h", [0.3, 0.1, 0.04])
def test_on_a_grid_the_form_of_h_never_gives_off_more_than_the_divergence(h: float) -> None:
    """4(√a − √b)² ≤ (a − b)(log a − log b): one-sided at any spacing."""
    flow = Flow(h)
    shortfall = flow.divergence() - flow.dissipated()
    assert 0 < shortfall < 3 * h**2


def test_the_energy_of_the_flow_starts_at_the_closed_form() -> None:
    closed = float(perturbed_excitation_energy(*start(), double_well(), coupling=COUPLING))
    coarse, fine = (Flow(h).energy(0.0) for h in (0.02, 0.01))
    assert (4 * fine - coarse) / 3 == pytest.approx(closed, rel=1e-6)


def test_ornstein_and_uhlenbeck_on_a_case_by_hand() -> None:
    """μ = 1, σ = ½: KL = ½(1 + ¼ − 1 + log 4) and 4∫E dt with u = e^{−2t}.

    4E = μ²u + (σₜ − 1/σₜ)² with σₜ² = 1 − ¾u, and dt = −du/2u: ½∫₀¹ [1 + (¾)² u/(1 − ¾u)] du
    = ½[1 − ¾ − log ¼].
    """
    one, quarter = torch.ones(1, 1), torch.full((1, 1), math.log(0.25))
    by_hand = 0.5 * (1 - 0.75 + math.log(4))
    assert float(divergence_from_prior(one, quarter)) == pytest.approx(by_hand)
    u = np.linspace(1e-12, 1, 4001)
    logvar = torch.from_numpy(np.log1p(-0.75 * u))[:, None]
    energy = tp.excitation_energy(torch.from_numpy(np.sqrt(u))[:, None], logvar).numpy()
    assert simpson(4 * energy / (2 * u), x=u) == pytest.approx(by_hand, rel=1e-9)


def random_case(seed: int) -> tuple[tp.WellPotential, Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 4))
    spec = tp.WellSpec(
        centers=1.5 * rng.normal(size=(n, 1)),
        depths=rng.uniform(0.2, 2.5, n),
        widths=rng.uniform(0.3, 1.0, n),
    )
    mean, logvar = 1.5 * rng.normal(size=(200, 1)), rng.uniform(-4, 1, size=(200, 1))
    return tp.WellPotential(spec).double(), torch.from_numpy(mean), torch.from_numpy(logvar)


@pytest.mark.parametrize("seed", range(4))
def test_log_sobolev_holds_with_the_oscillation_of_the_potential(seed: int) -> None:
    """KL(q‖p_λ) ≤ (2/ρ) E with ρ = exp(−osc λV), and level 1 is at least that ρ.

    Holley & Stroock, Logarithmic Sobolev inequalities and stochastic Ising models (1987).
    """
    potential, mean, logvar = random_case(seed)
    z = torch.linspace(-12, 12, 4001, dtype=torch.float64)[:, None]
    values = potential(z)
    rho = math.exp(-float(values.max() - values.min()))
    energy = perturbed_excitation_energy(mean, logvar, potential, coupling=1.0)
    prior = tp.Hamiltonian(potential, 1.0).prior()
    divergence = kl_divergence(Independent(Normal(mean, (0.5 * logvar).exp()), 1), prior)
    assert (divergence <= 2 / rho * energy).all()
    level = float(grid_spectrum(TiltedSurface(potential, 1.0, 1), n_levels=2).levels[1])
    assert rho <= level


def test_twice_the_energy_over_level_one_is_no_bound() -> None:
    """√q = cos ϑ φ₀ + sin ϑ φ₁ has E = sin²ϑ E₁ and sits in the well that p_λ hardly visits."""
    spec = tp.WellSpec(
        centers=np.array([[-2.0], [2.0]]), depths=np.array([2.0, 6.0]), widths=np.array([0.7, 0.7])
    )
    surface = TiltedSurface(tp.WellPotential(spec).double(), 1.0, 1)
    spectrum = grid_spectrum(surface, n_levels=2)
    weights, mode = spectrum.sample.weights, spectrum.sample.modes[:, 1]
    angle = torch.linspace(-1.5, 1.5, 61, dtype=torch.float64)[:, None]
    ratio = (angle.cos() + angle.sin() * mode).square()  # q/p_λ, (61, G)
    divergence = torch.special.xlogy(ratio, ratio) @ weights
    quotient = divergence / (2 * angle[:, 0].sin().square()).clamp(min=1e-300)
    assert float(quotient[angle[:, 0] != 0].max()) > 1.2
