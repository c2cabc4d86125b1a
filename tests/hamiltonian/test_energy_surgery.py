"""Misfit and information of a model's energy, where both are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import ndtri

import topopert as tp
from topopert.hamiltonian.energy_surgery import EnergySurgery, Share, energy_surgery
from topopert.hamiltonian.perturbed_excitation import perturbed_excitation_energy
from topopert.models import kl_divergence


def agrees(share: Share, expected: float, *, atol: float = 0.0) -> bool:
    return abs(share.value - expected) <= 4 * share.error + atol


def closes(found: EnergySurgery) -> bool:
    return agrees(found.residual, 0.0) and agrees(found.kl_residual, 0.0)


def test_totals_are_the_mean_energy_and_divergence(rng) -> None:
    mean, logvar = (
        torch.from_numpy(a) for a in (rng.normal(size=(9, 3)), rng.normal(size=(9, 3)))
    )
    found = energy_surgery(mean, logvar, n_samples=64)
    assert found.total == pytest.approx(
        float(tp.excitation_energy(mean, logvar).mean()), rel=1e-12
    )
    assert found.kl_total == pytest.approx(float(kl_divergence(mean, logvar).mean()), rel=1e-12)


def test_one_posterior_holds_no_information() -> None:
    mean, logvar = torch.tensor([[1.0, -0.5]]), torch.tensor([[-1.0, 0.3]])
    found = energy_surgery(mean, logvar)
    assert found.information.value == pytest.approx(0.0, abs=1e-12)
    assert found.mutual_information.value == pytest.approx(0.0, abs=1e-12)
    assert found.information_fraction == pytest.approx(0.0, abs=1e-12)
    assert agrees(found.misfit, found.total, atol=1e-9)
    assert agrees(found.kl_misfit, found.kl_total)


def test_a_collapsed_posterior_has_no_energy_at_all() -> None:
    found = energy_surgery(np.zeros((5, 3)), np.zeros((5, 3)))
    assert found.total == found.misfit.value == found.information.value == 0
    assert found.information_fraction == 0
    for share in (found.residual, found.kl_misfit, found.mutual_information, found.kl_residual):
        assert share.value == pytest.approx(0.0, abs=1e-12)


def test_two_posteriors_far_apart_hold_one_bit_and_no_fisher_information() -> None:
    """Around each mean q̄ is ½q_i, whose gradient of the logarithm is that of q_i."""
    mean = torch.tensor([[-4.0, 0.0], [4.0, 0.0]], dtype=torch.float64)
    logvar = torch.full_like(mean, math.log(0.04))
    found = energy_surgery(mean, logvar)
    assert found.information.value == pytest.approx(0.0, abs=1e-12)
    assert found.mutual_information.value == pytest.approx(math.log(2), abs=1e-12)
    assert agrees(found.misfit, found.total, atol=1e-9)
    assert closes(found)


def test_a_linear_gaussian_model_in_closed_form() -> None:
    """μ ~ N(0, v), σ² = w: q̄ = N(0, v + w), I(q_i‖q̄) and KL(q_i‖q̄) by hand, in three axes."""
    v, w, d, n = 0.5, 0.4, 3, 2048
    mean = normal_scores(n, d) * math.sqrt(v)
    found = energy_surgery(mean, np.full((n, d), math.log(w)), n_samples=1 << 12)
    s = v + w
    misfit = d * 0.25 * (math.sqrt(s) - 1 / math.sqrt(s)) ** 2
    information = d * 0.25 * (v / s**2 + (math.sqrt(w) / s - 1 / math.sqrt(w)) ** 2)
    # A finite cloud of means is no Gaussian: 2 % of the information.
    assert found.misfit.value == pytest.approx(misfit, abs=0.02)
    assert found.information.value == pytest.approx(information, rel=0.02)
    assert found.mutual_information.value == pytest.approx(0.5 * d * math.log(s / w), rel=0.02)
    assert found.information_fraction > 0.95
    assert closes(found)


def normal_scores(n: int, d: int) -> np.ndarray:
    """Evenly spread points whose distribution is nearly N(0, I)."""
    primes = np.sqrt([2.0, 3.0, 5.0, 7.0])[:d]
    return ndtri((np.arange(1, n + 1)[:, None] * primes + 0.5 / n) % 1)


@pytest.mark.parametrize("coupling", [0.0, 1.3])
def test_both_parts_against_quadrature_on_a_line(rng, coupling: float) -> None:
    mean, logvar = rng.normal(size=(6, 1)), rng.uniform(-3, 0, size=(6, 1))
    spec = tp.WellSpec(
        centers=np.array([[-1.0], [0.8]]), depths=np.array([1.0, 2.0]), widths=np.array([0.5, 0.7])
    )
    wells = tp.WellPotential(spec).double()
    found = energy_surgery(mean, logvar, potential=wells, coupling=coupling)

    z = torch.linspace(-9, 9, 40001, dtype=torch.float64)[:, None].requires_grad_()
    cell = 18 / 40000
    log_q = torch.distributions.Normal(
        torch.from_numpy(mean[:, 0]), torch.from_numpy(np.exp(0.5 * logvar[:, 0]))
    ).log_prob(z)  # (n, 6)
    log_mixture = log_q.logsumexp(dim=1) - math.log(6)
    log_prior = tp.Hamiltonian(wells, coupling).prior().log_prob(z)

    def slope(values: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad(values.sum(), z, retain_graph=True)[0][:, 0]

    def fisher(a: torch.Tensor, b: torch.Tensor) -> float:
        return 0.25 * float(a.detach().exp() @ (slope(a) - slope(b)).square()) * cell

    def divergence(a: torch.Tensor, b: torch.Tensor) -> float:
        return float((a.exp() @ (a - b)).detach()) * cell

    rows = log_q.unbind(dim=1)
    assert found.total == pytest.approx(np.mean([fisher(q, log_prior) for q in rows]), rel=1e-6)
    assert agrees(found.misfit, fisher(log_mixture, log_prior))
    assert agrees(found.information, np.mean([fisher(q, log_mixture) for q in rows]))
    assert found.kl_total == pytest.approx(
        np.mean([divergence(q, log_prior) for q in rows]), rel=1e-6
    )
    assert agrees(found.kl_misfit, divergence(log_mixture, log_prior))
    assert agrees(found.mutual_information, np.mean([divergence(q, log_mixture) for q in rows]))
    assert closes(found)
    for share in (found.misfit, found.information):
        assert share.error < 0.005 * found.total


def test_the_prior_changes_the_misfit_and_never_the_information(rng) -> None:
    mean, logvar = rng.normal(size=(30, 2)), rng.uniform(-3, 0, size=(30, 2))

    def potential(z: torch.Tensor) -> torch.Tensor:
        return (2 * z[:, 0]).cos()

    plain = energy_surgery(mean, logvar)
    tilted = energy_surgery(mean, logvar, potential=potential, coupling=0.5)
    assert closes(plain)
    assert closes(tilted)
    both = math.hypot(plain.information.error, tilted.information.error)
    assert abs(tilted.information.value - plain.information.value) < 4 * both
    assert tilted.mutual_information == plain.mutual_information
    assert abs(tilted.misfit.value - plain.misfit.value) > 0.05
    total = perturbed_excitation_energy(
        torch.from_numpy(mean), torch.from_numpy(logvar), potential, coupling=0.5
    )
    assert tilted.total == pytest.approx(float(total.mean()))


def test_errors_are_those_of_independent_repetitions(rng) -> None:
    mean, logvar = rng.normal(size=(40, 2)), rng.uniform(-3, 0, size=(40, 2))
    runs = [
        energy_surgery(mean, logvar, n_samples=256, generator=torch.Generator().manual_seed(seed))
        for seed in range(20)
    ]
    for name in ("misfit", "information", "residual", "kl_misfit", "mutual_information"):
        values = np.array([getattr(run, name).value for run in runs])
        error = np.sqrt(np.mean([getattr(run, name).error ** 2 for run in runs]))
        assert 0.6 < values.std(ddof=1) / error < 1.6
    residuals = np.array([run.residual.value for run in runs])
    assert abs(residuals.mean()) < 3 * residuals.std() / math.sqrt(20)


def test_the_same_points_are_taken_unless_a_generator_is_given(rng) -> None:
    mean, logvar = rng.normal(size=(10, 2)), rng.normal(size=(10, 2))
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = energy_surgery(mean, logvar, n_samples=256)
    assert energy_surgery(mean, logvar, n_samples=256).misfit == first.misfit
    other = energy_surgery(mean, logvar, n_samples=256, generator=torch.Generator().manual_seed(9))
    assert other.misfit != first.misfit
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()  # noqa: NPY002


def test_copies_of_the_data_change_nothing(rng) -> None:
    mean, logvar = rng.normal(size=(10, 2)), rng.normal(size=(10, 2))
    once = energy_surgery(mean, logvar, n_samples=256)
    twice = energy_surgery(np.vstack([mean, mean]), np.vstack([logvar, logvar]), n_samples=256)
    assert twice.total == pytest.approx(once.total)
    assert twice.information.value == pytest.approx(once.information.value)


def test_each_posterior_counts_as_often_as_it_occurs(rng) -> None:
    mean, logvar = 2 * rng.normal(size=(10, 2)), rng.uniform(-3, 1, size=(10, 2))
    rows = np.repeat(np.arange(10), rng.integers(1, 30, size=10))
    found = energy_surgery(mean[rows], logvar[rows])
    assert closes(found)
    assert found.residual.error < 0.01 * found.total


@pytest.mark.slow
def test_twenty_thousand_posteriors(rng) -> None:
    mean, logvar = rng.normal(size=(20_000, 2)), rng.uniform(-4, -1, size=(20_000, 2))
    found = energy_surgery(mean, logvar, n_samples=1024)
    assert closes(found)
    assert found.information_fraction > 0.9


def test_a_deterministic_code_wants_a_bandwidth(rng) -> None:
    mean = rng.normal(size=(10, 2))
    with pytest.raises(tp.InvalidInputError, match="`bandwidth="):
        energy_surgery(mean, None)
    found = energy_surgery(mean, None, bandwidth=0.3, n_samples=256)
    same = energy_surgery(mean, np.full_like(mean, 2 * math.log(0.3)), n_samples=256)
    assert found == same


@pytest.mark.parametrize(
    ("mean", "logvar", "options", "match"),
    [
        (np.eye(2), np.zeros((2, 3)), {}, "shape of `mean`"),
        (np.eye(2), np.full((2, 2), -np.inf), {}, "σ = 0"),
        (np.full((2, 2), np.nan), np.zeros((2, 2)), {}, "mean"),
        (np.eye(2), np.zeros((2, 2)), {"n_samples": 3}, "n_samples"),
        (np.eye(2), np.zeros((2, 2)), {"potential": 3.0, "coupling": 1.0}, "must map codes"),
        (np.eye(2), np.zeros((2, 2)), {"coupling": 1.0}, "without `potential`"),
        (np.eye(2), np.zeros((2, 2)), {"potential": torch.sum}, "without `coupling`"),
        (np.eye(2), np.zeros((2, 2)), {"potential": torch.sum, "coupling": -1.0}, "coupling"),
        (
            np.eye(2),
            np.zeros((2, 2)),
            {"potential": tp.SignaturePotential(), "coupling": 1.0},
            "interaction",
        ),
    ],
)
def test_bad_input_is_refused(mean, logvar, options: dict, match: str) -> None:
    with pytest.raises(tp.InvalidInputError, match=match):
        energy_surgery(mean, logvar, **options)
