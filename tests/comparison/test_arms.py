"""Every arm shares with the baseline all that its perturbation does not change."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import topopert as tp
from tests.comparison.quick import quick, setup_of
from topopert.hamiltonian import SignaturePotential, WellPotential

CONTROLS = ("shuffled", "pca", "constant", "landscape", "signature")


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    rng = np.random.default_rng(0)
    return tp.datasets.circle(150, ambient_dim=6, noise=0.05, rng=rng).points


def test_arms_share_initial_weights_order_and_noise(points) -> None:
    tasks = setup_of(points, controls=(*CONTROLS, "finetuned")).tasks()
    baseline = tasks[0]
    for task in tasks[1:]:
        assert task.train is baseline.train or torch.equal(task.train, baseline.train)
        for one, two, run, own in zip(
            task.models, baseline.models, task.streams, baseline.streams, strict=True
        ):
            for a, b in zip(one.parameters(), two.parameters(), strict=True):
                assert torch.equal(a, b)
            assert run == own or (run.init, run.order_seed, run.noise_seed) == (
                own.init,
                own.order_seed,
                own.noise_seed,
            )


@pytest.mark.parametrize("coupling", [0.0, tp.Adiabatic(0.0)])
def test_without_coupling_every_arm_is_the_baseline_bit_for_bit(points, coupling) -> None:
    report = quick(points, coupling=coupling, controls=CONTROLS)
    baseline = report.arms["baseline"]
    for name in ("perturbed", *CONTROLS):
        np.testing.assert_array_equal(report.arms[name].latents, baseline.latents)
        np.testing.assert_array_equal(report.arms[name].neg_elbo, baseline.neg_elbo)
        np.testing.assert_array_equal(report.arms[name].learning_curve, baseline.learning_curve)


def test_every_control_is_its_own(points) -> None:
    report = quick(points, controls=(*CONTROLS, "finetuned"))
    latents = [arm.latents for arm in report.arms.values()]
    for k, one in enumerate(latents):
        assert not any(np.array_equal(one, other) for other in latents[:k])


def test_finetuning_starts_from_the_trained_baseline(points) -> None:
    """Without coupling it is the baseline, trained on for a quarter of the steps."""
    report = quick(points, coupling=0.0, controls=("finetuned",))

    def trained_on(model: torch.nn.Module, run: tp.TrainingRun) -> torch.nn.Module:
        config = run.config
        for stretch in (config, tp.TrainingConfig(n_steps=config.n_steps // 4, batch_size=32)):
            model = tp.models.train_ensemble(
                [model],
                run.points,
                noise_variance=run.noise_variance,
                config=stretch,
                streams=[run.streams],
            ).models()[0]
        return model

    by_hand = quick(points, coupling=0.0, train=trained_on)
    np.testing.assert_allclose(
        report.arms["finetuned"].latents, by_hand.arms["baseline"].latents, atol=1e-4
    )
    assert len(report.arms["finetuned"].learning_curve) == 6


def test_finetuning_is_of_each_seed_its_own(points) -> None:
    """Two architectures: a chunk of each, put back in the order of the seeds."""
    settings = {"vary": "architecture", "controls": ("finetuned",), "n_seeds": 5}
    report = quick(points, coupling=0.0, **settings)
    baseline, tuned = report.arms["baseline"].latents, report.arms["finetuned"].latents
    apart = ((baseline[:, None] - tuned) ** 2).mean(axis=(2, 3))
    assert (apart.argmin(axis=1) == np.arange(5)).all()


def test_landscape_has_the_wells_of_the_topology(points) -> None:
    setup = setup_of(points, controls=("landscape",))
    potential = setup.plans[2].energy.hamiltonian.potential
    assert isinstance(potential, WellPotential)
    wells = setup.topology.wells()
    np.testing.assert_allclose(potential.centers, wells.centers, rtol=1e-6)


def test_signature_weighs_what_a_topological_autoencoder_gives_it(points) -> None:
    """MSE + V/B of Moor et al., in nats: the mean square times D/2σ²."""
    setup = setup_of(points, controls=("signature",), coupling=tp.Adiabatic(7.0, off_at=0.5))
    hamiltonian = setup.plans[2].energy.hamiltonian
    assert isinstance(hamiltonian.potential, SignaturePotential)
    wanted = 6 / (2 * setup.units.noise_variance_inside)
    assert hamiltonian.coupling_at(0.0) == pytest.approx(wanted)
    assert hamiltonian.coupling_at(0.25) == pytest.approx(wanted / 2)
    assert hamiltonian.coupling_at(0.5) == 0


def test_a_landscape_needs_a_topology_fitted_here(points) -> None:
    wells = tp.WellSpec(centers=np.eye(2), depths=np.ones(2), widths=np.ones(2))
    with pytest.raises(tp.InvalidInputError, match="'landscape' has the wells"):
        quick(points, tp.Hamiltonian(tp.WellPotential(wells), 1.0), controls=("landscape",))


def test_an_interaction_can_be_perturbed_with_and_finetuned(points) -> None:
    own = tp.Hamiltonian(tp.SignaturePotential(), 1.0)
    report = quick(points, own, controls=("constant", "signature", "finetuned"))
    assert list(report.arms)[2:] == ["constant", "signature", "finetuned"]
    np.testing.assert_array_equal(
        report.arms["constant"].latents, report.arms["perturbed"].latents
    )
