"""Potentials form a vector space, and travel as modules do."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from functools import reduce
from operator import add

import numpy as np
import pytest
import torch
from torch import nn

import topopert as tp
from topopert.hamiltonian import SumPotential


@pytest.fixture
def terms(rng) -> list[tp.Potential]:
    wells = [
        tp.WellPotential(
            tp.WellSpec(
                centers=rng.normal(size=(3, 2)), depths=rng.uniform(1, 2, 3), widths=np.ones(3)
            )
        )
        for _ in range(2)
    ]
    return [*wells, tp.OneBodyPotential(nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)))]


@pytest.fixture
def posterior(rng) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(rng.normal(size=(6, 2))).float(), torch.zeros(6, 2)


def test_combinations_are_linear_in_energy_and_expectation(terms, posterior) -> None:
    a, b, c = terms
    mean, logvar = posterior
    cases = [
        (2 * a + b, (2, 1, 0)),
        (a - b, (1, -1, 0)),
        (-a, (-1, 0, 0)),
        (a / 4 - (b - 3 * c) * 2, (0.25, -2, 6)),
        (-(a - (b - (c - 2 * a))), (1, 1, -1)),
        (sum([a, b, c]), (1, 1, 1)),
        (reduce(add, [a] * 5), (5, 0, 0)),
        (np.float64(3) * a + 0 * b, (3, 0, 0)),
    ]
    for potential, factors in cases:
        pairs = list(zip(factors, terms, strict=True))
        for found, expected in (
            (potential(mean), sum(f * t(mean) for f, t in pairs)),
            (
                potential.expectation(mean, logvar),
                sum(f * t.expectation(mean, logvar) for f, t in pairs),
            ),
        ):
            torch.testing.assert_close(found, expected)


def test_sums_of_sums_are_flat(terms) -> None:
    a, b, c = terms
    nested = 2 * (a + 3 * (b - c))
    assert isinstance(nested, SumPotential)
    assert list(nested.terms) == [a, b, c]
    assert nested.factors == (2, 6, -6)
    assert "factors=(2.0, 6.0, -6.0)" in repr(nested)


def test_a_potential_that_is_added_twice_is_held_once(terms) -> None:
    a, b, _ = terms
    twice = a + b + 2 * a - b
    assert list(twice.terms) == [a, b]
    assert twice.factors == (3, 0)


def test_a_sum_knows_what_its_energy_depends_on(terms) -> None:
    a, b, _ = terms
    assert (a + b).scope == "code"
    assert (a - 2 * tp.SignaturePotential()).scope == "batch"


@pytest.mark.parametrize("factor", [float("nan"), float("inf"), "2", None, True, 1j])
def test_factors_that_are_no_numbers_are_refused(terms, factor) -> None:
    with pytest.raises(tp.InvalidInputError, match="factor"):
        _ = factor * terms[0]


def test_division_by_zero_is_refused(terms) -> None:
    with pytest.raises(tp.InvalidInputError, match="divisor"):
        _ = terms[0] / 0


def test_what_is_no_potential_does_not_add(terms) -> None:
    for other in (1, 0.0, None, torch.zeros(2)):
        with pytest.raises(TypeError):
            _ = terms[0] + other
    with pytest.raises(TypeError):
        _ = 1 + terms[0]
    with pytest.raises(TypeError):
        _ = terms[0] - 1


def test_a_hamiltonian_survives_copies_and_types(terms, posterior) -> None:
    a, b, c = terms
    mean, logvar = posterior
    original = tp.Hamiltonian(a - 2 * b + c, tp.Adiabatic(3.0))
    expected = original.energy(mean, logvar, progress=0.1)
    other = tp.Hamiltonian(copy.deepcopy(b) - 2 * copy.deepcopy(a) + copy.deepcopy(c), 1.0)
    other.load_state_dict(original.state_dict())
    torch.testing.assert_close(2.4 * other.energy(mean, logvar), expected)
    for twin in (copy.deepcopy(original), pickle.loads(pickle.dumps(original))):
        torch.testing.assert_close(twin.energy(mean, logvar, progress=0.1), expected)
    double = copy.deepcopy(original).double()
    assert {t.dtype for t in double.state_dict().values()} == {torch.float64}
    widened = double.energy(mean.double(), logvar.double(), progress=0.1)
    torch.testing.assert_close(widened.float(), expected)


@pytest.mark.parametrize("name", ["wells", "field", "function", "signature"])
def test_posteriors_elsewhere_than_the_potential_are_refused(rng, terms, name: str) -> None:
    anchors = tp.AnchorSpec(
        landmarks=rng.normal(size=(5, 3)), values=rng.normal(size=(5, 2)), radius=1.0
    )
    potential = {
        "wells": terms[0],
        "field": tp.AnchorPotential(anchors),
        "function": terms[2],
        "signature": tp.SignaturePotential(),
    }[name]
    mean, x = torch.zeros(4, 2), torch.zeros(4, 3)
    with pytest.raises(tp.InvalidInputError, match="meta"):
        potential.expectation(mean, mean.to("meta"), x)
    with pytest.raises(tp.InvalidInputError, match="Take its real part"):
        potential.expectation(torch.zeros(4, 2, dtype=torch.complex64), None, x)
    with pytest.raises(tp.InvalidInputError, match=r"logvar\.float"):
        potential.expectation(mean, mean.long(), x)
    if name in ("wells", "field"):
        with pytest.raises(tp.InvalidInputError, match=r"hamiltonian\.to\('meta'\)"):
            potential.expectation(mean.to("meta"), None, x.to("meta"))


DISTRIBUTED = """
import os, sys
import numpy as np, torch
from torch import nn
import topopert as tp

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(2, 2)
        wells = tp.WellSpec(centers=np.eye(2), depths=np.ones(2), widths=np.ones(2))
        field = tp.AnchorSpec(landmarks=np.eye(2), values=np.eye(2), radius=1.0)
        potential = tp.AnchorPotential(field) + 2 * tp.WellPotential(wells)
        self.hamiltonian = tp.Hamiltonian(potential, 0.5)

    def forward(self, x):
        return self.hamiltonian.energy(self.encoder(x), None, x).mean()

store = f"file://{sys.argv[1]}/store"
torch.distributed.init_process_group("gloo", init_method=store, rank=0, world_size=1)
model = nn.parallel.DistributedDataParallel(Model())
model(torch.eye(2)).backward()
assert model.module.encoder.weight.grad.any()
print("trained", flush=True)
os._exit(0)  # gloo's threads and the interpreter may wait for each other for ever
"""


@pytest.mark.slow
def test_distributed_training_broadcasts_the_buffers(tmp_path) -> None:
    command = [sys.executable, "-c", DISTRIBUTED, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.stdout == "trained\n", result.stderr
