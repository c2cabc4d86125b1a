from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

import topopert as tp

SCHEDULE = tp.Adiabatic(4.0, off_at=0.5)


def hamiltonian(rng: np.random.Generator, coupling=SCHEDULE) -> tp.Hamiltonian:
    spec = tp.AnchorSpec(
        landmarks=rng.normal(size=(10, 3)), values=rng.normal(size=(10, 2)), radius=2.0
    )
    return tp.Hamiltonian(tp.AnchorPotential(spec), coupling)


def posterior(rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    mean, logvar, anchors = (torch.from_numpy(rng.normal(size=(5, 2))) for _ in range(3))
    return mean, logvar, anchors


def test_energy_is_coupling_times_expectation(rng) -> None:
    h = hamiltonian(rng)
    mean, logvar, anchors = posterior(rng)
    expected = 2.0 * h.potential.expectation(mean, logvar, anchors=anchors)  # 4 · (1 − .25/.5)
    found = h.energy(mean, logvar, anchors=anchors, progress=0.25)
    assert found.shape == (5,)
    torch.testing.assert_close(found, expected)
    assert not h.energy(mean, logvar, anchors=anchors, progress=0.5).any()


@pytest.mark.parametrize("coupling", [0.3, 1.0, 7.0])
def test_perturbed_objective_is_the_elbo_of_the_tilted_prior(rng, coupling: float) -> None:
    """KL(q‖p_λ) = KL(q‖p₀) + λ E_q[V] + log Z_λ/Z₀, the field's closed forms on both sides."""
    mean, logvar, anchors = posterior(rng)
    q = Independent(Normal(mean, (0.5 * logvar).exp()), 1)
    p0 = Independent(Normal(torch.zeros_like(mean), 1.0), 1)
    tilted = Independent(
        Normal(coupling * anchors / (1 + coupling), 1 / math.sqrt(1 + coupling)), 1
    )
    sq_anchor = anchors.square().sum(dim=1)
    log_ratio = -math.log1p(coupling) - 0.5 * coupling * sq_anchor / (1 + coupling)  # d/2 = 1
    energy = hamiltonian(rng, coupling).energy(mean, logvar, anchors=anchors)
    torch.testing.assert_close(kl_divergence(q, tilted), kl_divergence(q, p0) + energy + log_ratio)


def test_any_callable_couples(rng) -> None:
    h = hamiltonian(rng, lambda progress: 3 * (1 - progress))
    assert h.coupling_at(0.5) == 1.5


@pytest.mark.parametrize("progress", [-0.1, 1.1, math.nan, None, "half"])
def test_progress_must_be_in_the_unit_interval(rng, progress) -> None:
    mean, logvar, anchors = posterior(rng)
    with pytest.raises(tp.InvalidInputError, match="progress"):
        hamiltonian(rng).energy(mean, logvar, anchors=anchors, progress=progress)


@pytest.mark.parametrize("coupling", [-1.0, math.nan, "strong", lambda p: -1.0, lambda p: None])
def test_bad_couplings_are_refused_when_built(rng, coupling) -> None:
    with pytest.raises(tp.InvalidInputError, match="coupling"):
        hamiltonian(rng, coupling)


def test_a_potential_is_needed(rng) -> None:
    with pytest.raises(tp.InvalidInputError, match="potential"):
        tp.Hamiltonian(rng, 1.0)
    with pytest.raises(tp.InvalidInputError, match=r"topology\.anchors"):
        tp.AnchorPotential(np.zeros((3, 2)))
    with pytest.raises(tp.InvalidInputError, match=r"topology\.wells"):
        tp.WellPotential(np.zeros((3, 2)))


def test_a_potential_without_an_expectation_cannot_be_built() -> None:
    class Half(tp.Potential):
        def forward(self, z, x=None, *, anchors=None):
            return z.sum(dim=1)

    build: Any = Half
    with pytest.raises(TypeError, match="expectation"):
        build()
