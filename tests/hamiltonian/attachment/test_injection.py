"""The energy's gradient reaches the posterior whatever the encoder wraps it in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Independent, MultivariateNormal, Normal

import topopert as tp


class Pair(NamedTuple):
    mean: Tensor
    logvar: Tensor


@dataclass(frozen=True, slots=True)
class Record:
    mean: Tensor
    logvar: Tensor
    label: str = "posterior"

    def __post_init__(self) -> None:
        if self.label != "posterior":
            raise ValueError


@dataclass
class Output(OrderedDict):
    """As the outputs of Hugging Face's models: a mapping and a dataclass at once."""

    mean: Tensor
    logvar: Tensor

    def __post_init__(self) -> None:
        self["mean"], self["logvar"] = self.mean, self.logvar

    def __setitem__(self, key: str, value: Tensor) -> None:
        super().__setitem__(key, value)
        super().__setattr__(key, value)

    def __reduce__(self) -> Any:
        return Output, (self.mean, self.logvar)


def by_name(out: Any) -> tuple[Tensor, Tensor]:
    return out.mean, out.logvar


def of_normal(q: Normal) -> tuple[Tensor, Tensor]:
    return q.mean, 2 * q.stddev.log()


# What the encoder returns, how the posterior is read from it, and whether that must be said.
KINDS: dict[str, tuple[Callable[[Tensor, Tensor], Any], Callable[[Any], Any], bool]] = {
    "tuple": (lambda m, v: (m, v), tuple, False),
    "list": (lambda m, v: [m, v], tuple, False),
    "named tuple": (Pair, by_name, False),
    "dict": (lambda m, v: {"m": m, "v": v}, lambda out: (out["m"], out["v"]), True),
    "dataclass": (Record, by_name, True),
    "model output": (Output, by_name, True),
    "nested": (
        lambda m, v: ({"q": [m, Record(m, v)]}, 3, None),
        lambda out: by_name(out[0]["q"][1]),
        True,
    ),
    "side by side": (
        lambda m, v: torch.cat([m, v], dim=1),
        lambda out: out.chunk(2, dim=1),
        True,
    ),
    "normal": (lambda m, v: Normal(m, (0.5 * v).exp()), of_normal, True),
    "independent": (lambda m, v: Independent(Normal(m, (0.5 * v).exp()), 1), of_normal, True),
    "multivariate": (
        lambda m, v: MultivariateNormal(m, scale_tril=torch.diag_embed((0.5 * v).exp())),
        of_normal,
        True,
    ),
}


class Encoder(nn.Module):
    def __init__(self, wrap: Callable[[Tensor, Tensor], Any]) -> None:
        super().__init__()
        self.wrap, self.mean, self.logvar = wrap, nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Any:
        self.last = self.wrap(self.mean(x), self.logvar(x))
        return self.last


@pytest.fixture
def hamiltonian() -> tp.Hamiltonian:
    ones = torch.ones(2, 2).double().numpy()
    wells = tp.WellSpec(centers=ones * [[1], [-2]], depths=ones[0], widths=2 * ones[0])
    return tp.Hamiltonian(tp.WellPotential(wells), 2.0)


def gradients(module: nn.Module) -> list[Tensor]:
    found = [p.grad.clone() for p in module.parameters()]
    module.zero_grad()
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_the_term_added_by_hand(kind: str, hamiltonian, generator) -> None:
    wrap, read, needed = KINDS[kind]
    x = torch.randn(6, 3, generator=generator)
    with tp.rng.seeded_init(0):
        encoder = Encoder(wrap)

    def loss(out: Any) -> Tensor:
        mean, logvar = read(out)
        return (mean.square() + logvar.exp() * mean).sum(1)

    plain = encoder(x)
    energy = hamiltonian.energy(*read(plain))
    (loss(plain) + energy).mean().backward()
    expected = gradients(encoder)
    with tp.attach(encoder, hamiltonian, n_steps=5, posterior=read if needed else None) as handle:
        out = encoder(x)
        loss(out).mean().backward()
    found = gradients(encoder)
    assert type(out) is type(plain)
    assert all(torch.equal(a, b) for a, b in zip(read(out), read(plain), strict=True))
    assert handle.energies == pytest.approx([energy.mean().item()])
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


def test_what_the_module_keeps_of_its_output_is_not_written_to(hamiltonian, generator) -> None:
    encoder = Encoder(lambda m, v: {"m": m, "v": v})
    with tp.attach(encoder, hamiltonian, n_steps=5, posterior=lambda out: (out["m"], out["v"])):
        out = encoder(torch.randn(6, 3, generator=generator))
    assert out is not encoder.last
    assert out["m"] is not encoder.last["m"]


def test_one_tensor_in_two_places_stays_one(hamiltonian, generator) -> None:
    encoder = Encoder(lambda m, v: {"m": m, "again": m, "v": v})
    with tp.attach(encoder, hamiltonian, n_steps=5, posterior=lambda out: (out["m"], out["v"])):
        out = encoder(torch.randn(6, 3, generator=generator))
    assert out["m"] is out["again"]


def test_the_model_may_change_the_output_in_place(hamiltonian, generator) -> None:
    encoder = Encoder(lambda m, v: (m, v))
    x = torch.randn(6, 3, generator=generator)
    mean, logvar = encoder(x)
    energy = hamiltonian.energy(mean, logvar)
    (mean.square().sum(1) + logvar.clamp(-0.1, 0.1).sum(1) + energy).mean().backward()
    expected = gradients(encoder)
    with tp.attach(encoder, hamiltonian, n_steps=5):
        mean, logvar = encoder(x)
        logvar.clamp_(-0.1, 0.1)
        (mean.square().sum(1) + logvar.sum(1)).mean().backward()
    for a, b in zip(gradients(encoder), expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


def test_a_deterministic_code_is_a_posterior_without_variance(hamiltonian, generator) -> None:
    encoder, x = nn.Linear(3, 2), torch.randn(6, 3, generator=generator)
    z = encoder(x)
    (z.square().sum(1) + hamiltonian.energy(z, None)).mean().backward()
    expected = gradients(encoder)
    with tp.attach(encoder, hamiltonian, n_steps=5, posterior=lambda z: (z, None)):
        encoder(x).square().sum(1).mean().backward()
    for a, b in zip(gradients(encoder), expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)
