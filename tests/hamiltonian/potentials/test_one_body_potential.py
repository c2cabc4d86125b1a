"""Expectations of functions against closed forms, and what is refused."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from torch import nn

import topopert as tp


def posterior(
    rng: np.random.Generator, latent_dim: int, *, n: int = 5
) -> tuple[torch.Tensor, torch.Tensor]:
    mean, logvar = rng.normal(size=(n, latent_dim)), rng.uniform(-3, 0.5, size=(n, latent_dim))
    return torch.from_numpy(mean), torch.from_numpy(logvar)


def moment(degree: int, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """E z^degree of N(mean, std²), by the binomial formula and the double factorials."""
    total = torch.zeros_like(mean)
    for k in range(0, degree + 1, 2):
        odd = math.prod(range(1, k, 2))  # E ε^k
        total += float(math.comb(degree, k) * odd) * mean ** (degree - k) * std**k
    return total


@pytest.mark.parametrize(("latent_dim", "degree"), [(1, 63), (2, 21), (3, 9), (1, 4)])
def test_default_is_exact_up_to_the_degree_it_states(rng, latent_dim: int, degree: int) -> None:
    mean, logvar = posterior(rng, latent_dim)
    std = (0.5 * logvar).exp()
    expected = moment(degree, mean[:, 0], std[:, 0]) * moment(degree - 1, mean[:, -1], std[:, -1])
    if latent_dim == 1:
        expected = moment(degree, mean[:, 0], std[:, 0])

    def power(z: torch.Tensor) -> torch.Tensor:
        other = 1 if latent_dim == 1 else z[:, -1] ** (degree - 1)
        return z[:, 0] ** degree * other

    found = tp.OneBodyPotential(power).expectation(mean, logvar)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("latent_dim", [4, 10, 40])
def test_cubic_polynomials_are_exact_in_many_dimensions(rng, latent_dim: int) -> None:
    mean, logvar = posterior(rng, latent_dim)
    a = torch.from_numpy(rng.normal(size=(latent_dim, latent_dim)))
    b = torch.from_numpy(rng.normal(size=latent_dim))

    def cubic(z: torch.Tensor) -> torch.Tensor:
        return (z @ a * z).sum(dim=1) + (z @ b) ** 3

    # E (bᵀz)³ = m³ + 3 m s², m and s² the mean and variance of bᵀz
    variance = logvar.exp()
    m, s2 = mean @ b, variance @ b.square()
    expected = (mean @ a * mean).sum(1) + variance @ a.diagonal() + m**3 + 3 * m * s2
    found = tp.OneBodyPotential(cubic).expectation(mean, logvar)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("latent_dim", "quadrature", "tolerance"),
    [
        (1, None, 1e-6),
        (2, None, 1e-4),
        (3, None, 1e-2),
        (10, None, 2e-2),
        (2, tp.GaussHermite(30), 1e-10),
        (4, tp.QuasiMonteCarlo(4096), 2e-3),
        (10, tp.QuasiMonteCarlo(4096), 2e-3),
    ],
)
def test_wells_come_near_their_closed_form(rng, latent_dim, quadrature, tolerance) -> None:
    spec = tp.WellSpec(
        centers=rng.normal(size=(4, latent_dim)),
        depths=rng.uniform(0.5, 2, size=4),
        widths=rng.uniform(0.8, 1.5, size=4) * math.sqrt(latent_dim),
    )
    wells = tp.WellPotential(spec).double()
    mean, logvar = posterior(rng, latent_dim, n=50)
    expected = wells.expectation(mean, logvar)
    found = tp.OneBodyPotential(wells, quadrature=quadrature).expectation(mean, logvar)
    assert (found - expected).abs().max() <= tolerance * expected.abs().max()


def test_more_nodes_bring_the_sum_nearer(rng) -> None:
    mean, logvar = posterior(rng, 6, n=200)
    expected = -(1 / (1 + logvar.exp()).prod(dim=1).sqrt()) * torch.exp(
        -0.5 * (mean.square() / (1 + logvar.exp())).sum(dim=1)
    )

    def well(z: torch.Tensor) -> torch.Tensor:
        return -torch.exp(-0.5 * z.square().sum(dim=1))

    errors = []
    for n_nodes in (64, 512, 4096):
        potential = tp.OneBodyPotential(well, quadrature=tp.QuasiMonteCarlo(n_nodes))
        errors.append((potential.expectation(mean, logvar) - expected).square().mean().sqrt())
    # Plain Monte Carlo would gain √8 at each step.
    assert errors[0] > 3 * errors[1] > 9 * errors[2]


def test_fixed_nodes_give_the_same_number_twice_and_in_copies(rng) -> None:
    mean, logvar = posterior(rng, 5)
    potential = tp.OneBodyPotential(nn.Sequential(nn.Linear(5, 8), nn.Tanh(), Sum()).double())
    first = potential.expectation(mean, logvar)
    assert torch.equal(potential.expectation(mean, logvar), first)
    for other in (copy.deepcopy(potential), pickle.loads(pickle.dumps(potential))):
        assert torch.equal(other.expectation(mean, logvar), first)


class Sum(nn.Module):
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z.sum(dim=1)


def test_random_nodes_are_unbiased_follow_their_generator_and_mirror(generator, rng) -> None:
    mean, logvar = posterior(rng, 2)
    std = (0.5 * logvar).exp()
    rule = tp.MonteCarlo(n_nodes=20_000, generator=generator)
    fourth = tp.OneBodyPotential(lambda z: (z**4).sum(dim=1), quadrature=rule)
    expected = moment(4, mean, std).sum(dim=1)
    first = fourth.expectation(mean, logvar)
    torch.testing.assert_close(first, expected, rtol=0.1, atol=0.1)
    assert not torch.equal(fourth.expectation(mean, logvar), first)
    generator.manual_seed(0)
    assert torch.equal(fourth.expectation(mean, logvar), first)
    odd = tp.OneBodyPotential(lambda z: z.sum(dim=1), quadrature=rule)
    torch.testing.assert_close(odd.expectation(mean, logvar), mean.sum(dim=1))


@pytest.mark.parametrize("latent_dim", [2, 5])
def test_gradients_are_those_of_finite_differences(rng, latent_dim: int) -> None:
    mean, logvar = posterior(rng, latent_dim, n=2)
    potential = tp.OneBodyPotential(lambda z: torch.cos(z).prod(dim=1))
    inputs = (mean.requires_grad_(), logvar.requires_grad_())
    assert torch.autograd.gradcheck(potential.expectation, inputs)


def test_a_deterministic_code_has_the_functions_own_value(rng) -> None:
    mean, _ = posterior(rng, 3)
    potential = tp.OneBodyPotential(lambda z: z.square().sum(dim=1))
    torch.testing.assert_close(potential.expectation(mean, None), mean.square().sum(dim=1))


def test_a_module_moves_with_its_potential_and_keeps_its_parameters() -> None:
    network = nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 1), nn.Flatten(0))
    hamiltonian = tp.Hamiltonian(network, 2.0).double()
    assert network[0].weight.dtype == torch.float64
    assert "potential.function.0.weight" in hamiltonian.state_dict()
    assert all(p.requires_grad for p in hamiltonian.parameters())


def test_a_bare_callable_is_taken_as_a_potential_and_adds(rng) -> None:
    mean, logvar = posterior(rng, 2)

    def bowl(z: torch.Tensor) -> torch.Tensor:
        return z.square().sum(dim=1)

    expected = mean.square().sum(dim=1) + logvar.exp().sum(dim=1)
    torch.testing.assert_close(tp.Hamiltonian(bowl, 3.0).energy(mean, logvar), 3 * expected)
    spring = tp.AnchorPotential(
        tp.AnchorSpec(landmarks=rng.normal(size=(4, 3)), values=np.zeros((4, 2)), radius=1.0)
    )
    both = tp.OneBodyPotential(bowl) + spring  # anchors 0: the spring is half a bowl
    torch.testing.assert_close(
        both.expectation(mean, logvar, anchors=torch.zeros_like(mean)), 1.5 * expected
    )
    assert tp.OneBodyPotential(bowl).scope == "code"


def test_energies_follow_the_posteriors_type(rng) -> None:
    mean, logvar = posterior(rng, 2)
    potential = tp.OneBodyPotential(lambda z: z.sum(dim=1))
    for dtype, expected in ((torch.float64,) * 2, (torch.bfloat16, torch.float32)):
        assert potential.expectation(mean.to(dtype), logvar.to(dtype)).dtype == expected
    # A function's own constants may be in double precision.
    widened = tp.OneBodyPotential(lambda z: z.double().sum(dim=1))
    assert widened.expectation(mean.float(), logvar.float()).dtype == torch.float32


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda z: z, r"\(605, 2\)"),
        (lambda z: z.sum(), r"shape \(\)"),
        (lambda z: z.sum(dim=1, keepdim=True), r"\(605, 1\)"),
        (lambda z: z.argmax(dim=1), "int64"),
        (lambda z: torch.complex(z[:, 0], z[:, 1]), "complex"),
        (lambda z: z.sum(dim=1).tolist(), "list"),
        (lambda z: None, "NoneType"),
        (lambda z: torch.zeros(len(z), device="meta"), "meta"),
        (lambda z: z[:, 0] / 0, "divides by 0"),
        (lambda z: z[:, 0].abs().neg().log(), "not finite"),
    ],
)
def test_functions_that_answer_something_else_are_refused_at_the_first_step(
    rng, function, message
) -> None:
    mean, logvar = posterior(rng, 2)  # 5 rows at 11² nodes
    with pytest.raises(tp.InvalidInputError, match=message):
        tp.Hamiltonian(function).energy(mean, logvar)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tp.OneBodyPotential(3), "function"),
        (lambda: tp.OneBodyPotential(tp.WellPotential), "WellPotential"),
        (lambda: tp.Hamiltonian(tp.WellPotential), "WellPotential"),
        (lambda: tp.OneBodyPotential(torch.sum, quadrature=5), "GaussHermite"),
        (lambda: tp.GaussHermite(0), "n_nodes"),
        (lambda: tp.GaussHermite(10).nodes(1, 6), "QuasiMonteCarlo"),
        (lambda: tp.QuasiMonteCarlo(100), "128"),
        (lambda: tp.QuasiMonteCarlo(16).nodes(1, 10), "64"),
        (lambda: tp.MonteCarlo(n_nodes=3, generator=torch.Generator()), "even"),
        (lambda: tp.MonteCarlo(n_nodes=4, generator=0), "Generator"),
    ],
)
def test_wrong_settings_are_refused(make, message: str) -> None:
    with pytest.raises(tp.InvalidInputError, match=message):
        make()
