"""E_λ[q] = ¼ I(q‖p_λ) in closed form against quadrature, Gaussians and the Hamiltonian itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad_vec
from torch import Tensor
from torch.distributions import Independent, Normal, kl_divergence

import topopert as tp
from topopert.hamiltonian.perturbed_excitation import perturbed_excitation_energy
from topopert.hamiltonian.surfaces import TiltedSurface


def posterior(rng: np.random.Generator, d: int, n: int = 6) -> tuple[Tensor, Tensor]:
    mean, logvar = rng.normal(size=(n, d)), rng.uniform(-3, 0.5, size=(n, d))
    return torch.from_numpy(mean), torch.from_numpy(logvar)


def wells(rng: np.random.Generator, d: int) -> tp.WellPotential:
    spec = tp.WellSpec(
        centers=rng.normal(size=(5, d)),
        depths=rng.uniform(0.5, 2, 5),
        widths=rng.uniform(0.8, 1.3, 5),
    )
    return tp.WellPotential(spec).double()


def fields(rng: np.random.Generator, d: int) -> tp.AnchorPotential:
    points = rng.normal(size=(60, 3))
    return tp.AnchorPotential(
        tp.PersistentTopology(latent_dim=d, n_landmarks=20).fit(points).anchors()
    ).double()


@pytest.mark.parametrize("d", [1, 2])
def test_the_closed_form_of_wells_is_the_fisher_information(rng, d: int) -> None:
    """A dense quadrature of ¼ E_q∣∇log q + ∇U_λ∣²."""
    mean, logvar = posterior(rng, d)
    potential = wells(rng, d)
    both = potential + 0.5 * wells(rng, d)
    for some, coupling in ((potential, 0.7), (both, 1.9)):
        closed = perturbed_excitation_energy(mean, logvar, some, coupling=coupling)
        quadrature = perturbed_excitation_energy(
            mean,
            logvar,
            lambda z, some=some: some(z),
            coupling=coupling,
            quadrature=tp.GaussHermite({1: 200, 2: 100}[d]),
        )
        torch.testing.assert_close(closed, quadrature, rtol={1: 5e-14, 2: 1e-12}[d], atol=0)


def test_the_closed_form_is_the_expectation_of_the_hamiltonian(rng) -> None:
    """⟨√q∣H∣√q⟩ with H = −Δ + ¼∣∇U∣² − ½ΔU, where no Fisher information is in sight."""
    mean, logvar = posterior(rng, 1)
    potential = wells(rng, 1)
    closed = perturbed_excitation_energy(mean, logvar, potential, coupling=1.5)
    surface = TiltedSurface(potential, 1.5, 1)
    z = torch.linspace(-14, 14, 60_001, dtype=torch.float64)
    u = surface.derivatives(z[:, None])
    effective = 0.25 * u.gradient[:, 0] ** 2 - 0.5 * u.hessian[:, 0, 0]
    std = (0.5 * logvar).exp()  # (6, 1)
    log_q = Normal(mean, std).log_prob(z)  # (6, G)
    root = (0.5 * log_q).exp()
    kinetic = (-0.5 * (z - mean) / std**2 * root).square()  # φ'²
    # Equidistant nodes are exact to rounding for analytic functions that vanish at the ends.
    found = (kinetic + effective * root**2).sum(dim=1) * (28 / 60_000)
    torch.testing.assert_close(closed, found, rtol=1e-12, atol=0)


def test_without_coupling_it_is_the_energy_over_the_prior(rng) -> None:
    mean, logvar = posterior(rng, 3)
    found = perturbed_excitation_energy(mean, logvar, wells(rng, 3), coupling=0.0)
    torch.testing.assert_close(found, tp.excitation_energy(mean, logvar), rtol=1e-15, atol=0)
    found = perturbed_excitation_energy(
        mean, logvar, lambda z: z.sum(dim=1), coupling=tp.Constant(0.0)
    )
    torch.testing.assert_close(found, tp.excitation_energy(mean, logvar), rtol=1e-12, atol=0)


def test_it_is_a_polynomial_of_second_degree_in_the_coupling(rng) -> None:
    mean, logvar = posterior(rng, 4)
    potential = wells(rng, 4)
    energy = [
        perturbed_excitation_energy(mean, logvar, potential, coupling=c) for c in (0.0, 1, 2, 3)
    ]
    third_difference = energy[3] - 3 * energy[2] + 3 * energy[1] - energy[0]
    assert float((third_difference / energy[3]).abs().max()) < 1e-14
    assert float(torch.stack(energy).min()) > 0


def test_a_field_alone_leaves_the_energy_over_its_gaussian(rng) -> None:
    """p_λ is N(λT/(1 + λ), 1/(1 + λ)); the ground state itself has no energy."""
    potential = fields(rng, 2)
    mean, logvar = posterior(rng, 2)
    anchors = torch.from_numpy(rng.normal(size=(6, 2)))
    coupling = 2.5
    precision, place = 1 + coupling, coupling * anchors / (1 + coupling)
    std = (0.5 * logvar).exp()
    expected = (precision * (mean - place)).square() + (precision * std - 1 / std).square()
    found = perturbed_excitation_energy(
        mean, logvar, potential, coupling=coupling, anchors=anchors
    )
    torch.testing.assert_close(found, 0.25 * expected.sum(dim=1))
    ground = torch.full_like(mean, -math.log(precision))
    none = perturbed_excitation_energy(
        place, ground, potential, coupling=coupling, anchors=anchors
    )
    torch.testing.assert_close(none, torch.zeros_like(none), rtol=0, atol=1e-25)


def test_fields_and_wells_in_one_sum_against_quadrature(rng) -> None:
    mean, logvar = posterior(rng, 2)
    x = torch.from_numpy(rng.normal(size=(6, 3)))
    field = fields(rng, 2)
    potential = 0.6 * field + wells(rng, 2)
    closed = perturbed_excitation_energy(mean, logvar, potential, coupling=1.2, x=x)
    # A third kind of potential, here one that is 0, sends all of it to the quadrature.
    rest = tp.OneBodyPotential(lambda z: 0 * z[:, 0])
    numeric = perturbed_excitation_energy(
        mean, logvar, potential + rest, coupling=1.2, x=x, quadrature=tp.GaussHermite(80)
    )
    torch.testing.assert_close(closed, numeric, rtol=1e-10, atol=0)
    given = perturbed_excitation_energy(
        mean, logvar, potential, coupling=1.2, anchors=field.anchors(x)
    )
    torch.testing.assert_close(given, closed)


def test_divergence_is_four_times_the_energy_given_off_to_a_field(rng) -> None:
    """KL(q‖p_λ) = 4 ∫ E_λ[q_t] dt along the Ornstein–Uhlenbeck flow of precision P = 1 + λ."""
    potential = fields(rng, 2)
    mean, logvar = posterior(rng, 2)
    anchors = torch.from_numpy(rng.normal(size=(6, 2)))
    coupling = 1.5
    precision, place = 1 + coupling, coupling * anchors / (1 + coupling)

    def energy(t: float) -> np.ndarray:
        decay = math.exp(-precision * t)
        variance = 1 / precision + decay**2 * (logvar.exp() - 1 / precision)
        return perturbed_excitation_energy(
            place + decay * (mean - place),
            variance.log(),
            potential,
            coupling=coupling,
            anchors=anchors,
        ).numpy()

    dissipated, _ = quad_vec(energy, 0, 12, epsabs=1e-11)
    prior = tp.Hamiltonian(potential, coupling).prior(anchors=anchors)
    q = Independent(Normal(mean, (0.5 * logvar).exp()), 1)
    np.testing.assert_allclose(4 * dissipated, kl_divergence(q, prior), rtol=1e-8)


def test_the_energy_is_differentiable_both_ways(rng) -> None:
    mean, logvar = (t.requires_grad_() for t in posterior(rng, 2, n=3))
    potential = wells(rng, 2)

    def closed(mean: Tensor, logvar: Tensor) -> Tensor:
        return perturbed_excitation_energy(mean, logvar, potential, coupling=1.3)

    def numeric(mean: Tensor, logvar: Tensor) -> Tensor:
        return perturbed_excitation_energy(mean, logvar, lambda z: potential(z), coupling=1.3)

    assert torch.autograd.gradcheck(closed, (mean, logvar))
    assert torch.autograd.gradcheck(numeric, (mean, logvar))
    with torch.no_grad():
        assert not numeric(mean, logvar).requires_grad
    assert not numeric(mean.detach(), logvar.detach()).requires_grad
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    energy = perturbed_excitation_energy(
        mean.detach(), logvar.detach(), lambda z: weight * potential(z), coupling=1.3
    )
    energy.sum().backward()
    assert weight.grad.abs() > 0


def test_many_wells_are_taken_in_parts(rng) -> None:
    """300 wells are 45 150 pairs; wells of half the depth, twice, are the same potential."""
    d, n = 2, 40
    spec = {"centers": rng.normal(size=(150, d)), "widths": rng.uniform(0.5, 1, 150)}
    once = tp.WellPotential(tp.WellSpec(depths=np.ones(150), **spec)).double()
    halves = tp.WellPotential(tp.WellSpec(depths=np.full(150, 0.5), **spec)).double()
    twice = halves + tp.WellPotential(tp.WellSpec(depths=np.full(150, 0.5), **spec)).double()
    mean, logvar = posterior(rng, d, n=n)
    torch.testing.assert_close(
        perturbed_excitation_energy(mean, logvar, twice, coupling=1.0),
        perturbed_excitation_energy(mean, logvar, once, coupling=1.0),
    )


def test_half_types_are_computed_in_single_precision(rng) -> None:
    mean, logvar = (t.bfloat16() for t in posterior(rng, 2))
    potential = wells(rng, 2)
    found = perturbed_excitation_energy(mean, logvar, potential, coupling=1.0)
    assert found.dtype == torch.float32


def test_what_has_no_energy_is_refused(rng) -> None:
    mean, logvar = posterior(rng, 2)
    potential = wells(rng, 2)
    with pytest.raises(tp.InvalidInputError, match="infinite"):
        perturbed_excitation_energy(mean, None, potential, coupling=1.0)
    with pytest.raises(tp.InvalidInputError, match="interaction"):
        perturbed_excitation_energy(mean, logvar, tp.SignaturePotential(), coupling=1.0)
    with pytest.raises(tp.InvalidInputError, match="coupling"):
        perturbed_excitation_energy(mean, logvar, potential, coupling=-1.0)
    with pytest.raises(tp.InvalidInputError, match="2 dimensions"):
        perturbed_excitation_energy(mean[:, :1], logvar[:, :1], potential, coupling=1.0)
    with pytest.raises(tp.InvalidInputError, match="`x` or `anchors`"):
        perturbed_excitation_energy(mean, logvar, fields(rng, 2), coupling=1.0)
