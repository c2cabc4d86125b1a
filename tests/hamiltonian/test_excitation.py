"""The map from the KL term to an energy: Fisher information, dissipation, log-Sobolev."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad_vec, simpson
from scipy.linalg import eigh_tridiagonal
from torch.distributions import Normal

import topopert as tp
from topopert.hamiltonian import TiltedPrior
from topopert.models import kl_divergence


def posterior(rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    mean, logvar = rng.normal(size=(6, 3)), rng.uniform(-3, 1, size=(6, 3))
    return torch.from_numpy(mean), torch.from_numpy(logvar)


def test_energy_is_a_quarter_of_the_fisher_information(rng) -> None:
    """E₀[q] = ¼ ∫ q ∣∇ log(q/p₀)∣², axis by axis on a fine grid."""
    mean, logvar = posterior(rng)
    u = np.linspace(-10, 10, 4001)
    expected = np.zeros(6)
    for k in range(3):
        m, s = mean[:, k, None].numpy(), np.exp(0.5 * logvar[:, k, None].numpy())
        z = m + s * u
        log_ratio = -0.5 * u**2 - np.log(s) + 0.5 * z**2
        slope = np.gradient(log_ratio, u, axis=1, edge_order=2) / s
        weight = np.exp(-0.5 * u**2) / math.sqrt(2 * math.pi)
        expected += 0.25 * simpson(weight * slope**2, x=u, axis=1)
    np.testing.assert_allclose(tp.excitation_energy(mean, logvar), expected, rtol=1e-9)


def test_constants_by_hand() -> None:
    """¼ (μ² + (σ − 1/σ)²): μ = 2 gives 1; σ = 2 gives ¼ · (3/2)² = 9/16."""
    zero = torch.zeros(1, 1)
    assert tp.excitation_energy(torch.full((1, 1), 2.0), zero).item() == 1.0
    four = torch.full((1, 1), math.log(4.0))
    assert tp.excitation_energy(zero, four).item() == pytest.approx(9 / 16)
    assert tp.excitation_energy(zero, -four).item() == pytest.approx(9 / 16)


def test_divergence_is_four_times_the_energy_given_off(rng) -> None:
    """KL(q‖p₀) = 4 ∫ E₀[q_t] dt along μ_t = e^{−t} μ, σ_t² = 1 + e^{−2t}(σ² − 1)."""
    mean, logvar = posterior(rng)

    def energy(t: float) -> np.ndarray:
        logvar_t = torch.log1p(math.exp(-2 * t) * torch.expm1(logvar))
        return tp.excitation_energy(math.exp(-t) * mean, logvar_t).numpy()

    dissipated, _ = quad_vec(energy, 0, 25, epsabs=1e-11)
    np.testing.assert_allclose(4 * dissipated, kl_divergence(mean, logvar), rtol=1e-8)


def test_log_sobolev_bounds_the_divergence(rng) -> None:
    """KL ≤ 2 E₀, with equality for translates of the prior and for nothing else."""
    mean, logvar = posterior(rng)
    bound = 2 * tp.excitation_energy(mean, logvar)
    assert (kl_divergence(mean, logvar) < bound - 1e-3).all()
    translate = torch.zeros_like(logvar)
    torch.testing.assert_close(
        kl_divergence(mean, translate), 2 * tp.excitation_energy(mean, translate)
    )


def double_well() -> TiltedPrior:
    spec = tp.WellSpec(
        centers=np.array([[-1.5], [1.2]]), depths=np.array([2.0, 1.5]), widths=np.array([0.5, 0.6])
    )
    prior = tp.Hamiltonian(tp.WellPotential(spec).double(), 1.3).prior()
    assert isinstance(prior, TiltedPrior)
    return prior


def dissipation(n_cells: int) -> tuple[float, float, float]:
    """KL(q‖p_λ), 4∫E_λ dt and E_λ at the start, q a Gaussian relaxing to the double well.

    Finite volumes for ∂ₜq = ∂(q ∂U_λ) + ∂²q with fluxes √(πᵢπᵢ₊₁) (fᵢ₊₁ − fᵢ)/h² of f = q/π, which
    keep detailed balance; the flow is then exact in the eigenbasis of a symmetric matrix.
    """
    edges = np.linspace(-6, 6, n_cells + 1)
    z, h = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    target = double_well().log_prob(torch.from_numpy(z)[:, None]).exp().numpy() * h
    q = np.exp(-0.5 * ((z - 0.8) / 0.4) ** 2)
    q /= q.sum()
    rates = np.sqrt(target[1:] * target[:-1]) / h**2  # conductance of each face
    outflow = np.append(rates, 0) / target + np.append(0, rates) / target
    levels, states = eigh_tridiagonal(-outflow, rates / np.sqrt(target[1:] * target[:-1]))
    amplitudes = states.T @ (q / np.sqrt(target))

    def energy(t: float) -> float:
        """¼ ∫ q (∂ log(q/p_λ))², discretely ¼ Σ rates Δf Δ(log f)."""
        f = states @ (np.exp(levels * t) * amplitudes) / np.sqrt(target)
        f = np.maximum(f, 1e-300)
        return 0.25 * float(np.sum(rates * np.diff(f) * np.diff(np.log(f))))

    # From a fast start to the slow exchange between the wells: equal steps of log t.
    s = np.linspace(math.log(1e-7), math.log(200.0), 1501)
    dissipated = simpson([energy(t) * t for t in np.exp(s)], x=s) + 1e-7 * energy(0.0)
    divergence = float(np.sum(q * np.log(np.maximum(q, 1e-300) / target)))
    return divergence, 4 * float(dissipated), energy(0.0)


def test_divergence_is_dissipated_in_a_double_well_too() -> None:
    divergence, dissipated, first = dissipation(500)
    assert dissipated == pytest.approx(divergence, rel=1e-6)
    # ¼ ∫ q (∂ log q + ∂U_λ)² at the start, and the constant of the prior, off the grid.
    z = torch.linspace(-3, 4.6, 8001, dtype=torch.float64)[:, None].requires_grad_()
    log_q = Normal(0.8, 0.4).log_prob(z[:, 0])
    log_ratio = log_q - double_well().log_prob(z)
    (score,) = torch.autograd.grad(log_ratio.sum(), z)
    weight = log_q.detach().softmax(dim=0)
    assert first == pytest.approx(0.25 * float(weight @ score[:, 0].square()), rel=1e-3)
    assert divergence == pytest.approx(float(weight @ log_ratio.detach()), rel=1e-4)


def test_energy_keeps_its_digits_near_the_ground_state() -> None:
    logvar = torch.full((1, 2), 1e-6)
    found = tp.excitation_energy(torch.zeros(1, 2), logvar).item()
    assert found == pytest.approx(2 * (0.5e-6) ** 2, rel=1e-6)


def test_half_types_are_computed_in_single_precision(rng) -> None:
    mean, logvar = (t.bfloat16() for t in posterior(rng))
    found = tp.excitation_energy(mean, logvar)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, tp.excitation_energy(mean.float(), logvar.float()))


def test_a_deterministic_code_has_no_finite_energy(rng) -> None:
    mean, logvar = posterior(rng)
    with pytest.raises(tp.InvalidInputError, match="infinite"):
        tp.excitation_energy(mean, None)
    with pytest.raises(tp.InvalidInputError, match="logvar"):
        tp.excitation_energy(mean, logvar[:, :2])
