"""Models and training functions of the user's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import topopert as tp
from tests.comparison.quick import QUICK, quick, setup_of
from topopert.models import MLPVAE, gaussian_reconstruction, kl_divergence, reparameterize


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    rng = np.random.default_rng(0)
    return tp.datasets.circle(150, ambient_dim=6, noise=0.05, rng=rng).points


def plain_loop(model: nn.Module, run: tp.TrainingRun) -> None:
    """The reference training, written by hand: batches of whole epochs, Adam, a cosine."""
    order, noise = run.streams.order(), run.streams.noise()
    optimizer = torch.optim.Adam(model.parameters(), lr=run.config.learning_rate)
    rest = np.empty(0, dtype=np.int64)
    for step in range(run.config.n_steps):
        while len(rest) < run.config.batch_size:
            rest = np.concatenate([rest, order.permutation(len(run.points))])
        rows, rest = torch.from_numpy(rest[: run.config.batch_size]), rest[run.config.batch_size :]
        x = run.points[rows]
        mean, logvar = model.encode(x)
        z = reparameterize(mean, logvar, torch.randn(mean.shape, generator=noise))
        loss = gaussian_reconstruction(x, model.decode(z), run.noise_variance)
        progress = step / run.config.n_steps
        loss = loss + kl_divergence(mean, logvar) + run.energy(mean, logvar, rows, progress)
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.param_groups[0]["lr"] = (
            run.config.learning_rate * 0.5 * (1 + np.cos(np.pi * progress))
        )
        optimizer.step()
        run.record(loss.mean().item())


@pytest.mark.parametrize("vary", ["seed", "bootstrap"])
def test_the_reference_training_by_hand_gives_the_reference(points, vary: str) -> None:
    by_hand = quick(points, train=plain_loop, controls=("shuffled",), vary=vary)
    reference = quick(points, controls=("shuffled",), vary=vary)
    for name, arm in reference.arms.items():
        np.testing.assert_allclose(by_hand.arms[name].latents, arm.latents, atol=1e-3)
        np.testing.assert_allclose(by_hand.arms[name].neg_elbo, arm.neg_elbo, rtol=1e-3)
        np.testing.assert_allclose(
            by_hand.arms[name].learning_curve, arm.learning_curve, rtol=1e-3
        )


def test_a_trained_model_may_be_returned(points) -> None:
    def elsewhere(model: nn.Module, run: tp.TrainingRun) -> nn.Module:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.zero_()
        other = MLPVAE(6, 2)
        for parameter in other.parameters():
            nn.init.constant_(parameter, 0.1)
        return other

    report = quick(points, train=elsewhere)
    assert np.ptp(report.arms["baseline"].latents, axis=0).max() == 0
    assert np.ptp(report.arms["baseline"].latents, axis=1).max() > 0
    assert report.arms["baseline"].learning_curve.shape == (0, 3)


def test_what_a_training_function_returns_is_checked(points) -> None:
    with pytest.raises(tp.InvalidTypeError, match="must return the trained"):
        quick(points, train=lambda model, run: 3)
    with pytest.raises(tp.InvalidTypeError, match="`train` must be callable"):
        quick(points, train=3)


class Heteroscedastic(MLPVAE):
    def __init__(self, input_dim: int, latent_dim: int) -> None:
        super().__init__(input_dim, latent_dim, (16,))
        self.log_noise = nn.Parameter(torch.zeros(input_dim))

    def decode(self, z: Tensor) -> tuple[Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        values = super().decode(z)
        return values, self.log_noise.expand_as(values)


def test_a_learned_variance_is_part_of_the_elbo(points) -> None:
    config = tp.TrainingConfig(n_steps=300, learning_rate=1e-2)
    report = quick(points, model=Heteroscedastic, training=config)
    for arm in report.arms.values():
        rest = arm.neg_elbo - arm.reconstruction - arm.kl_per_axis.sum(axis=1)
        assert (rest < -1).all()  # ½ Σ log σ²: the noise is far below 1
        assert (arm.reconstruction > 0).all()


def test_with_a_given_variance_the_elbo_is_misfit_and_divergence(points) -> None:
    arm = quick(points).arms["baseline"]
    np.testing.assert_allclose(arm.neg_elbo, arm.reconstruction + arm.kl_per_axis.sum(axis=1))


def test_a_bernoulli_likelihood_takes_the_data_as_they_are(rng) -> None:
    p = 1 / (1 + np.exp(-3 * tp.datasets.circle(150, ambient_dim=6, rng=rng).points))
    images = (rng.random(p.shape) < p).astype(float)
    config = tp.TrainingConfig(n_steps=100, likelihood="bernoulli")
    setup = setup_of(images, training=config)
    assert torch.equal(setup.train, torch.from_numpy(images[setup.train_rows]).float())
    report = quick(images, training=config)
    entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p)).sum(axis=1).mean()
    for arm in report.arms.values():
        assert (arm.neg_elbo > entropy * 0.9).all()
        assert (arm.neg_elbo < 6 * np.log(2) * 1.1).all()
    assert report.settings["noise_variance"] is None


def test_a_bernoulli_likelihood_needs_the_unit_interval(points) -> None:
    config = tp.TrainingConfig(n_steps=10, likelihood="bernoulli")
    with pytest.raises(tp.InvalidInputError, match=r"in \[0, 1\]"):
        quick(points, training=config)
    with pytest.raises(tp.InvalidInputError, match=r"these lie in \[0, 2\]"):
        quick(2 * (points - points.min()) / np.ptp(points), training=config)
    inside = (points - points.min()) / np.ptp(points)
    with pytest.raises(tp.InvalidInputError, match="the logits"):
        quick(inside, training=config, model=Heteroscedastic)


class Normalised(MLPVAE):
    def __init__(self, input_dim: int, latent_dim: int) -> None:
        super().__init__(input_dim, latent_dim, (16,))
        self.norm = nn.BatchNorm1d(input_dim)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return super().encode(self.norm(x))


def test_batch_norm_is_judged_in_eval_mode(points) -> None:
    """A held-out row's latent does not depend on the rows beside it, and arms share a baseline."""
    report = quick(points, model=Normalised, coupling=0.0)
    np.testing.assert_array_equal(
        report.arms["perturbed"].latents, report.arms["baseline"].latents
    )
    assert QUICK.n_steps == len(report.arms["baseline"].learning_curve)
