"""Compiled models are perturbed like others, whenever they were compiled."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import topopert as tp

# Over 2 s: compiling. The warning is PyTorch's own, at graph breaks after which a tensor goes on.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf"),
]


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mean, self.logvar = nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.mean(x), self.logvar(x)


class VAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(), nn.Linear(2, 3)

    def forward(self, x: Tensor) -> Tensor:
        mean, logvar = self.encoder(x)
        return self.decoder(mean + (0.5 * logvar).exp())


def wrapped(model: nn.Module) -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    compiled: Any = torch.compile(model, backend="aot_eager")
    return compiled, compiled


def held_elsewhere(model: nn.Module) -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    return model, torch.compile(model, backend="aot_eager")


def in_place(model: nn.Module) -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    model.compile(backend="aot_eager")
    return model, model


def inside_a_function(model: nn.Module) -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    return model, torch.compile(lambda x: model(x).tanh().atanh(), backend="aot_eager")


def gradients(model: nn.Module, call: Callable[[Tensor], Tensor], x: Tensor) -> list[Tensor]:
    model.zero_grad()
    (call(x) - x).square().sum(1).mean().backward()
    return [p.grad.clone() for p in model.parameters()]


def assert_same(found: list[Tensor], expected: list[Tensor]) -> None:
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("compiled", [wrapped, held_elsewhere, in_place, inside_a_function])
def test_hooks_that_come_late_are_not_skipped(compiled, rng, generator) -> None:
    wells = tp.WellSpec(centers=rng.normal(size=(2, 2)), depths=[3.0, 2.0], widths=[1.0, 2.0])
    hamiltonian = tp.Hamiltonian(tp.WellPotential(wells), tp.Adiabatic(4.0, off_at=1.0))
    x = torch.randn(5, 3, generator=generator)
    with tp.rng.seeded_init(0):
        plain = VAE()
    expected, unperturbed = [], gradients(plain, plain, x)
    with tp.attach(plain, hamiltonian, encoder="encoder", n_steps=20):
        expected = [gradients(plain, plain, x) for _ in range(12)]
    torch.compiler.reset()
    _, older = compiled(copy.deepcopy(plain))  # its code would be used again
    older(x)
    model, call = compiled(copy.deepcopy(plain))
    call(x)
    for _ in range(2):
        # More steps than dynamo would compile anew, were the count of steps in the graph.
        with tp.attach(model, hamiltonian, encoder="encoder", n_steps=20) as handle:
            for k in range(12):
                assert_same(gradients(model, call, x), expected[k])
        assert len(handle.energies) == 12
        assert_same(gradients(model, call, x), unperturbed)
        assert len(handle.energies) == 12
    torch.compiler.reset()


def test_a_graph_that_must_not_break_is_an_error(rng) -> None:
    wells = tp.WellSpec(centers=rng.normal(size=(2, 2)), depths=[3.0, 2.0], widths=[1.0, 2.0])
    hamiltonian = tp.Hamiltonian(tp.WellPotential(wells), 1.0)
    model = torch.compile(VAE(), backend="eager", fullgraph=True)
    with pytest.raises(torch._dynamo.exc.Unsupported):  # noqa: SIM117
        with tp.attach(model, hamiltonian, encoder="encoder", n_steps=20):
            model(torch.zeros(5, 3))
    torch.compiler.reset()
