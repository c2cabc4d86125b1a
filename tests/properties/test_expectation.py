"""Expectations are Gaussian averages, whatever the potential, the rule and the dimension."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import topopert as tp

from .scenes import CLOSED_FORMS, data, posterior, potential, smooth

N_DRAWS = 20_000
B = 3


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(7)


def random_rule() -> tp.MonteCarlo:
    return tp.MonteCarlo(n_nodes=N_DRAWS, generator=generator())


RULES: dict[str, Callable[[int], tp.OneBodyPotential]] = {
    "default": lambda d: tp.OneBodyPotential(smooth),
    "product": lambda d: tp.OneBodyPotential(
        smooth, quadrature=tp.GaussHermite({1: 30, 2: 20, 3: 12, 4: 8, 5: 6}.get(d, 5))
    ),
    "quasi": lambda d: tp.OneBodyPotential(smooth, quadrature=tp.QuasiMonteCarlo(2048)),
    "random": lambda d: tp.OneBodyPotential(smooth, quadrature=random_rule()),
}


def drawn(own: tp.Potential, mean: Tensor, logvar: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """The average of V over draws of q, and its standard error, (B,) each."""
    noise = torch.randn(N_DRAWS, *mean.shape, generator=generator(), dtype=mean.dtype)
    z = mean + (0.5 * logvar).exp() * noise  # (n, B, d)
    repeated = x.expand(N_DRAWS, *x.shape).flatten(0, 1)
    values = own(z.flatten(0, 1), repeated).unflatten(0, (N_DRAWS, -1))
    return values.mean(dim=0), values.std(dim=0) / N_DRAWS**0.5


@pytest.mark.parametrize("name", CLOSED_FORMS)
@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 6])
def test_closed_forms_are_the_average_over_draws(name: str, d: int) -> None:
    own, x = potential(name, d), data(B)
    mean, logvar = posterior(d, n=B)
    average, error = drawn(own, mean, logvar, x)
    assert ((own.expectation(mean, logvar, x) - average).abs() < 5 * error).all()


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 6])
def test_every_rule_is_the_average_over_draws(name: str, d: int) -> None:
    own = RULES[name](d)
    mean, logvar = posterior(d, n=B)
    average, error = drawn(own, mean, logvar, data(B))
    # Random nodes err as well, in mirrored pairs by no more than as many draws.
    bound = 5 * error * (2**0.5 if name == "random" else 1)
    assert ((own.expectation(mean, logvar) - average).abs() < bound).all()


@pytest.mark.parametrize("name", [*CLOSED_FORMS, "function"])
@pytest.mark.parametrize("d", [1, 3, 6])
def test_gradients_are_those_of_finite_differences(name: str, d: int) -> None:
    own, x = potential(name, d), data(2)
    inputs = tuple(value.requires_grad_() for value in posterior(d, n=2))
    assert torch.autograd.gradcheck(lambda m, v: own.expectation(m, v, x), inputs)


@pytest.mark.parametrize("d", [1, 4])
def test_gradients_of_random_nodes_are_those_of_finite_differences(d: int) -> None:
    stream = torch.Generator()
    rule = tp.MonteCarlo(n_nodes=64, generator=stream)
    own = tp.OneBodyPotential(smooth, quadrature=rule)

    def expectation(mean: Tensor, logvar: Tensor) -> Tensor:
        stream.manual_seed(3)
        return own.expectation(mean, logvar)

    inputs = tuple(value.requires_grad_() for value in posterior(d, n=2))
    assert torch.autograd.gradcheck(expectation, inputs)


@pytest.mark.parametrize("name", [*CLOSED_FORMS, "function"])
@pytest.mark.parametrize("d", [1, 2, 5])
def test_a_posterior_without_spread_has_the_potentials_own_value(name: str, d: int) -> None:
    own, x = potential(name, d), data()
    mean, logvar = posterior(d)
    narrow = torch.full_like(logvar, -60.0)
    torch.testing.assert_close(own.expectation(mean, narrow, x), own(mean, x))
    torch.testing.assert_close(own.expectation(mean, None, x), own(mean, x))


@pytest.mark.parametrize("name", [*CLOSED_FORMS, "function"])
def test_the_perturbed_excitation_without_coupling_is_the_plain_one(name: str) -> None:
    mean, logvar = posterior(3)
    perturbed = tp.perturbed_excitation_energy(
        mean, logvar, potential(name, 3), coupling=0.0, x=data()
    )
    torch.testing.assert_close(perturbed, tp.excitation_energy(mean, logvar))
