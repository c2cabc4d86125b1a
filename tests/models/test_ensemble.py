"""Many seeds at once are what each would be alone."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import topopert as tp
from topopert.models import MLPVAE, Ensemble, check_model, train_ensemble
from topopert.rng import RunStreams, seeded_init, spawn_runs

CONFIG = tp.TrainingConfig(n_steps=12, batch_size=16)


class Stubborn(MLPVAE):
    """A VAE with data-dependent control flow, which vmap cannot follow."""

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if x.sum().item() > 1e9:
            x = x / x.norm()
        return super().encode(x)


def points_of(rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.normal(size=(40, 5))).float()


def models_of(streams: list[RunStreams], factory=MLPVAE) -> list[nn.Module]:
    models = []
    for run in streams:
        with seeded_init(run.init):
            models.append(factory(5, 2, hidden=(8,)))
    return models


def train(points, streams, *, factory=MLPVAE, models=None, **kwargs) -> Ensemble:
    models = models_of(streams, factory) if models is None else models
    return train_ensemble(
        models, points, noise_variance=0.1, config=CONFIG, streams=streams, **kwargs
    )


def assert_same(a: Ensemble, b: Ensemble, **tolerance: float) -> None:
    for name in a.parameters:
        torch.testing.assert_close(a.parameters[name], b.parameters[name], **tolerance)


def test_each_seed_is_what_it_is_alone(rng) -> None:
    points, streams = points_of(rng), spawn_runs(0, 3)
    together = train(points, streams)
    for k, run in enumerate(streams):
        alone = train(points, [run])
        for name, value in together.parameters.items():
            torch.testing.assert_close(value[k], alone.parameters[name][0], atol=1e-5, rtol=1e-4)


def test_the_same_arguments_give_the_same_bits(rng) -> None:
    points, streams = points_of(rng), spawn_runs(0, 3)
    assert_same(train(points, streams), train(points, streams), atol=0, rtol=0)


def test_a_vanishing_coupling_leaves_every_bit_of_the_baseline(rng) -> None:
    points, streams = points_of(rng), spawn_runs(0, 3)
    anchors = torch.from_numpy(rng.normal(size=(40, 2))).float()

    def nothing(mean: Tensor, logvar: Tensor, context: Tensor, progress: float) -> Tensor:
        return 0.0 * (mean - context).square().sum(dim=1)

    perturbed = train(points, streams, energy=nothing, context=anchors)
    assert_same(train(points, streams), perturbed, atol=0, rtol=0)


def test_energy_gets_the_context_of_its_batch(rng) -> None:
    points, streams = points_of(rng), spawn_runs(0, 2)
    seen, rows = [], []

    class Watched(Stubborn):  # trained seed by seed, so that values can be looked at
        def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
            answer = super().encode(x)
            rows.append(x.detach().clone())
            return answer

    def energy(mean: Tensor, logvar: Tensor, context: Tensor, progress: float) -> Tensor:
        seen.append(progress)
        torch.testing.assert_close(context, 2 * rows[-1])
        return 0 * mean.sum(dim=1)

    train(points, streams, factory=Watched, energy=energy, context=2 * points)
    assert seen == [step / 12 for step in range(12) for _ in streams]


def test_a_model_that_vmap_cannot_follow_is_trained_seed_by_seed(rng, caplog) -> None:
    points, streams = points_of(rng), spawn_runs(0, 2)
    with caplog.at_level("INFO", logger="topopert"):
        slow = train(points, streams, factory=Stubborn)
    assert "one by one" in caplog.text
    assert_same(slow, train(points, streams), atol=1e-5, rtol=1e-4)


def test_initial_models_stay_as_they_are(rng) -> None:
    points, streams = points_of(rng), spawn_runs(0, 2)
    models = models_of(streams)
    before = copy.deepcopy(models[0].state_dict())
    train(points, streams, models=models)
    for name, value in models[0].state_dict().items():
        torch.testing.assert_close(value, before[name], atol=0, rtol=0)


def test_state_of_one_seed_loads_into_a_model(rng) -> None:
    points, streams = points_of(rng), spawn_runs(0, 2)
    ensemble = train(points, streams)
    model = MLPVAE(5, 2, hidden=(8,))
    model.load_state_dict(ensemble.model_state(1))
    mean, logvar = model.encode(points)
    means, logvars = ensemble.encode(points)
    torch.testing.assert_close(mean, means[1])
    torch.testing.assert_close(logvar, logvars[1])
    torch.testing.assert_close(model.decode(mean), ensemble.decode(means)[1])


def test_a_diverging_seed_does_not_touch_the_others(rng) -> None:
    points, streams = points_of(rng), spawn_runs(0, 3)
    models = models_of(streams)
    with torch.no_grad():
        next(iter(models[1].parameters())).fill_(torch.nan)
    broken, whole = train(points, streams, models=models), train(points, streams)
    assert not torch.isfinite(broken.encode(points)[0][1]).any()
    for k in (0, 2):
        torch.testing.assert_close(broken.encode(points)[0][k], whole.encode(points)[0][k])


def test_training_lowers_the_loss(rng) -> None:
    points, _ = tp.datasets.circle(200, ambient_dim=5, rng=rng)
    streams, losses = spawn_runs(0, 2), []
    train_ensemble(
        models_of(streams),
        torch.from_numpy(points).float(),
        noise_variance=0.05,
        config=tp.TrainingConfig(n_steps=150, batch_size=64),
        streams=streams,
        on_step=lambda record: losses.append(record.loss),
    )
    assert len(losses) == 150
    assert (torch.stack(losses[-20:]).mean(dim=0) < 0.9 * losses[0]).all()


class NoDecoder(nn.Module):
    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x[:, :2], x[:, :2]


class OneAnswer(nn.Module):
    def encode(self, x: Tensor) -> Tensor:
        return x[:, :2]

    def decode(self, z: Tensor) -> Tensor:
        return z


class WrongShape(NoDecoder):
    def decode(self, z: Tensor) -> Tensor:
        return z


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Linear(5, 2), "no method `encode`"),
        (NoDecoder(), "no method `decode`"),
        (OneAnswer(), r"\(mean, logvar\)"),
        (WrongShape(), "reconstruction must have shape"),
        (MLPVAE(5, 3), "mean must have shape"),
        ("model", "nn.Module"),
    ],
)
def test_models_of_another_form_are_refused(model, message: str) -> None:
    with pytest.raises(tp.InvalidInputError, match=message):
        check_model(model, torch.zeros(2, 5), latent_dim=2)


@pytest.mark.parametrize(
    "setting",
    [
        {"n_steps": 0},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"noise_variance": -1.0},
        {"n_steps": 10.5},
    ],
)
def test_bad_settings_are_refused(setting: dict) -> None:
    with pytest.raises(tp.InvalidInputError, match=next(iter(setting))):
        tp.TrainingConfig(**setting)
