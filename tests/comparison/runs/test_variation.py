"""What may vary between the runs of an arm."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import topopert as tp
from tests.comparison.quick import quick, setup_of
from topopert.comparison.runs.variation import bootstrap_samples, initial_models, model_factories
from topopert.rng import spawn_runs


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    rng = np.random.default_rng(0)
    return tp.datasets.circle(150, ambient_dim=6, noise=0.05, rng=rng).points


def test_bootstrap_draws_rows_with_replacement() -> None:
    streams = spawn_runs(0, 200)
    samples = bootstrap_samples(50, streams)
    assert samples.shape == (200, 50)
    assert (samples.min(), samples.max()) == (0, 49)
    distinct = np.mean([len(np.unique(own)) for own in samples.numpy()])
    assert distinct / 50 == pytest.approx(1 - (1 - 1 / 50) ** 50, abs=0.01)
    for own, run in zip(samples, streams, strict=True):
        np.testing.assert_array_equal(own, run.sample().integers(50, size=50))
    assert len({run.sample_seed for run in streams} | {run.order_seed for run in streams}) == 400


def test_bootstrap_shares_its_sample_between_the_arms(points) -> None:
    setup = setup_of(points, vary="bootstrap")
    one, two = (task.samples for task in setup.tasks())
    assert one is not None
    assert two is not None
    assert torch.equal(one, two)
    assert not torch.equal(*one[:2])
    assert setup_of(points).samples is None


def test_bootstrap_changes_the_runs_and_not_the_rows_held_out(points) -> None:
    plain, resampled = quick(points), quick(points, vary="bootstrap")
    np.testing.assert_array_equal(plain.test_rows, resampled.test_rows)
    assert not np.array_equal(plain.arms["baseline"].latents, resampled.arms["baseline"].latents)


def test_architectures_are_taken_in_turn() -> None:
    factories = model_factories(None, "architecture")
    streams = spawn_runs(0, 5)
    models = initial_models(factories, torch.zeros(2, 6), 2, streams, likelihood="gaussian")
    widths = [len(next(model.parameters())) for model in models]
    assert widths == [32, 64, 128, 32, 64]


def test_seeds_of_varying_architecture_are_in_order(points) -> None:
    report = quick(points, vary="architecture", n_seeds=5)
    # Seed 1 has the widths that every seed has by default.
    alone = quick(points, n_seeds=3)
    for name, arm in alone.arms.items():
        np.testing.assert_allclose(report.arms[name].latents[1], arm.latents[1], atol=1e-4)
        np.testing.assert_allclose(report.arms[name].neg_elbo[1], arm.neg_elbo[1], rtol=1e-3)
        np.testing.assert_allclose(
            report.arms[name].learning_curve[:, 1], arm.learning_curve[:, 1], rtol=1e-3
        )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"vary": "data"}, "'bootstrap'"),
        ({"vary": "architecture", "model": tp.models.MLPVAE}, "at least two factories"),
        ({"vary": "architecture", "model": [tp.models.MLPVAE]}, "at least two factories"),
        ({"vary": "architecture", "model": [tp.models.MLPVAE, 3]}, "factory"),
        ({"vary": "seed", "model": [tp.models.MLPVAE, tp.models.MLPVAE]}, "factory"),
    ],
)
def test_bad_variations_are_refused(points, settings: dict, message: str) -> None:
    with pytest.raises(tp.InvalidInputError, match=message):
        quick(points, **settings)
