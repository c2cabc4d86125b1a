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
        passes = [x for x in rows if len(x) == CONFIG.batch_size]
        torch.testing.assert_close(context.sum().item(), 2 * passes[len(seen)].sum().item())
        seen.append(progress)
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


class Normalised(MLPVAE):
    """A VAE with batch norm, whose running statistics are buffers that a pass changes in place."""

    def __init__(self, input_dim: int, latent_dim: int, hidden: tuple[int, ...]) -> None:
        super().__init__(input_dim, latent_dim, hidden)
        self.norm = nn.BatchNorm1d(input_dim)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return super().encode(self.norm(x))


class Convolutional(nn.Module):
    """Rows are 4×4 images; logits or values come back."""

    def __init__(self) -> None:
        super().__init__()
        self.inwards = nn.Sequential(
            nn.Unflatten(-1, (1, 4, 4)), nn.Conv2d(1, 3, 3), nn.SiLU(), nn.Flatten(-3)
        )
        self.head = nn.Linear(12, 4)
        self.outwards = nn.Sequential(
            nn.Linear(2, 12), nn.Unflatten(-1, (3, 2, 2)), nn.ConvTranspose2d(3, 1, 3)
        )

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, logvar = self.head(self.inwards(x)).chunk(2, dim=-1)
        return mean, logvar

    def decode(self, z: Tensor) -> Tensor:
        return self.outwards(z).flatten(-3)


class Heteroscedastic(MLPVAE):
    """A VAE that learns one noise variance per feature."""

    def __init__(self, input_dim: int, latent_dim: int, hidden: tuple[int, ...]) -> None:
        super().__init__(input_dim, latent_dim, hidden)
        self.log_noise = nn.Parameter(torch.zeros(input_dim))

    def decode(self, z: Tensor) -> tuple[Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        values = super().decode(z)
        return values, self.log_noise.expand_as(values)


def test_batch_norm_keeps_statistics_of_its_own_for_each_seed(rng, caplog) -> None:
    points, streams = 3 + points_of(rng), spawn_runs(0, 2)
    with caplog.at_level("INFO", logger="topopert"):
        together = train(points, streams, factory=Normalised)
    assert "one by one" not in caplog.text
    assert together.buffers["norm.num_batches_tracked"].tolist() == [12, 12]
    assert not torch.equal(*together.buffers["norm.running_mean"])
    for k, run in enumerate(streams):
        alone = train(points, [run], factory=Normalised)
        for name, value in together.buffers.items():
            torch.testing.assert_close(value[k], alone.buffers[name][0], atol=1e-5, rtol=1e-4)
    # Evaluation uses them, whatever the batch.
    mean, _ = together.encode(points)
    torch.testing.assert_close(together.encode(points[:1])[0], mean[:, :1])


class NormalisedAndStubborn(Normalised):
    """The statistics have changed by the time that vmap has to give up."""

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        answer = super().encode(x)
        assert answer[0].sum().item() < 1e9
        return answer


def test_a_trial_of_vmap_leaves_no_trace_in_the_statistics(rng, caplog) -> None:
    points, streams = 3 + points_of(rng), spawn_runs(0, 2)
    with caplog.at_level("INFO", logger="topopert"):
        slow = train(points, streams, factory=NormalisedAndStubborn)
    assert "one by one" in caplog.text
    assert slow.buffers["norm.num_batches_tracked"].tolist() == [12, 12]
    together = train(points, streams, factory=Normalised)
    for name, value in slow.buffers.items():
        torch.testing.assert_close(value, together.buffers[name], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_convolutions_are_vectorised(rng, caplog, likelihood: str) -> None:
    points, streams = torch.from_numpy(rng.random((40, 16))).float(), spawn_runs(0, 2)
    models = []
    for run in streams:
        with seeded_init(run.init):
            models.append(Convolutional())
    check_model(models[0], points[:2], 2, likelihood=likelihood)
    config = tp.TrainingConfig(n_steps=200, batch_size=16, likelihood=likelihood)
    losses = []
    with caplog.at_level("INFO", logger="topopert"):
        train_ensemble(
            models,
            points,
            noise_variance=0.1,
            config=config,
            streams=streams,
            on_step=lambda record: losses.append(record.loss.mean()),
        )
    assert "one by one" not in caplog.text
    assert torch.stack(losses[-20:]).mean() < torch.stack(losses[:20]).mean()


def test_a_learned_variance_finds_the_noise(rng) -> None:
    """Structureless noise of standard deviations .1 and 1: the optimum is their squares."""
    points = torch.from_numpy(rng.normal(size=(400, 5))).float() * torch.tensor([0.1, 1, 1, 1, 1])
    config = tp.TrainingConfig(n_steps=1500, batch_size=100, learning_rate=1e-2)
    (model,) = models_of(spawn_runs(0, 1), Heteroscedastic)
    check_model(model, points[:2], 2)
    streams = spawn_runs(0, 1)
    trained = train_ensemble([model], points, noise_variance=1.0, config=config, streams=streams)
    learned = trained.parameters["log_noise"][0].exp()
    assert learned[0].item() == pytest.approx(0.01, rel=0.2)
    assert learned[1:].max() <= 1.1


def test_likelihoods_are_torchs_own(rng) -> None:
    x = torch.from_numpy(rng.random((7, 5)))
    decoded = torch.from_numpy(rng.normal(size=(7, 5)))
    logvar = torch.from_numpy(rng.normal(size=(7, 5)))
    learned = tp.models.reconstruction(
        x, (decoded, logvar), likelihood="gaussian", noise_variance=99.0
    ) + tp.models.log_scale((decoded, logvar))
    normal = torch.distributions.Normal(decoded, (0.5 * logvar).exp())
    constant = 2.5 * np.log(2 * np.pi)
    torch.testing.assert_close(learned, -normal.log_prob(x).sum(dim=1) - constant)
    bernoulli = tp.models.reconstruction(
        x.round(), decoded, likelihood="bernoulli", noise_variance=99.0
    )
    p = torch.distributions.Bernoulli(logits=decoded)
    torch.testing.assert_close(bernoulli, -p.log_prob(x.round()).sum(dim=1))


def test_each_seed_is_trained_on_its_own_sample(rng) -> None:
    points, streams = points_of(rng), spawn_runs(0, 2)
    samples = torch.from_numpy(rng.integers(40, size=(2, 30)))
    together = train(points, streams, samples=samples)
    for k, run in enumerate(streams):
        alone = train(points[samples[k]], [run])
        for name, value in together.parameters.items():
            torch.testing.assert_close(value[k], alone.parameters[name][0], atol=1e-5, rtol=1e-4)


def test_an_energy_that_vmap_cannot_follow_leaves_the_pass_as_it_is(rng, caplog) -> None:
    """So that with λ = 0 an arm with any potential is the baseline bit for bit."""
    points, streams = points_of(rng), spawn_runs(0, 2)

    def stubborn(mean: Tensor, logvar: Tensor, context: Tensor, progress: float) -> Tensor:
        return 0.0 * mean.sum(dim=1) * float(mean.detach().norm() > 0)

    with caplog.at_level("INFO", logger="topopert"):
        perturbed = train(points, streams, energy=stubborn)
    assert "energies of the seeds are computed one by one" in caplog.text
    assert "passes" not in caplog.text
    assert_same(train(points, streams), perturbed, atol=0, rtol=0)


def test_models_of_an_ensemble_are_its_seeds(rng) -> None:
    points, streams = points_of(rng), spawn_runs(0, 2)
    ensemble = train(points, streams)
    for k, model in enumerate(ensemble.models()):
        torch.testing.assert_close(model.encode(points)[0], ensemble.encode(points)[0][k])


class NoDecoder(nn.Module):
    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x[:, :2], x[:, :2]


class OneAnswer(nn.Module):
    def encode(self, x: Tensor) -> Tensor:
        return x[:, :2]

    def decode(self, z: Tensor) -> Tensor:
        return z


class TwoAnswers(NoDecoder):
    def decode(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return z.repeat(1, 3)[:, :5], z


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
        (TwoAnswers(), "log-variance of the reconstruction must have shape"),
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
        {"likelihood": "poisson"},
        {"noise_variance": 0.1, "likelihood": "bernoulli"},
    ],
)
def test_bad_settings_are_refused(setting: dict) -> None:
    with pytest.raises(tp.InvalidInputError, match=next(iter(setting))):
        tp.TrainingConfig(**setting)
