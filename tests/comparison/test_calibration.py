"""The front of lifting against −ELBO, and what a budget buys on it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import topopert as tp
from tests.comparison.quick import QUICK, quick
from topopert.comparison.calibration import CANDIDATES

COUPLINGS = (tp.Adiabatic(1.0, off_at=0.5), 3.0)


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    rng = np.random.default_rng(0)
    return tp.datasets.circle(150, ambient_dim=6, noise=0.05, rng=rng).points


def test_the_front_is_what_compare_measures(points) -> None:
    """With a budget that everything is within."""
    settings = {"n_seeds": 3, "training": QUICK}
    found = tp.calibrate(points, couplings=COUPLINGS, elbo_budget=9.0, **settings)
    for point in found.front:
        report = quick(points, coupling=point.coupling)
        perturbed, baseline = report.arms["perturbed"], report.arms["baseline"]
        assert point.disparity == pytest.approx(perturbed.metrics.disparity.value)
        assert point.invariant_disparity == pytest.approx(
            perturbed.metrics.invariant_disparity.value
        )
        assert point.neg_elbo == pytest.approx(perturbed.neg_elbo.mean())
        loss = perturbed.neg_elbo - baseline.neg_elbo
        assert point.elbo_loss.value == pytest.approx(loss.mean(), abs=1e-6)
        assert point.is_affordable
    base_elbo = quick(points).arms["baseline"].neg_elbo
    assert found.baseline.neg_elbo == pytest.approx(base_elbo.mean())
    assert found.elbo_spread == pytest.approx(base_elbo.std(ddof=1))
    best = min(found.front, key=lambda point: point.disparity)
    assert found.coupling is best.coupling
    assert str(found).count("← chosen") == 1


def test_without_a_budget_the_spread_of_seeds_is_the_scale(points) -> None:
    """Affordable is what loses no more than the error of a mean over the baseline's seeds."""
    found = tp.calibrate(points, couplings=(0.0, 1e4), n_seeds=3, training=QUICK)
    free, dear = found.front
    assert free.elbo_loss.value == 0
    assert free.is_affordable
    assert dear.elbo_loss.value > found.elbo_spread / np.sqrt(3)
    assert not dear.is_affordable
    assert found.coupling is free.coupling


def test_if_nothing_is_affordable_the_cheapest_comes_with_a_warning(points) -> None:
    with pytest.warns(tp.TopopertWarning, match="No coupling keeps the −ELBO"):
        found = tp.calibrate(points, couplings=(1e5, 1e4), n_seeds=3, training=QUICK)
    assert found.coupling is found.front[1].coupling


def test_a_coupling_that_diverges_is_not_chosen(points) -> None:
    found = tp.calibrate(
        points, couplings=(1e300, 1.0), n_seeds=3, training=QUICK, elbo_budget=9.0
    )
    assert found.front[0].n_diverged > 0
    assert not found.front[0].is_affordable
    assert found.coupling is found.front[1].coupling


def test_the_scale_is_the_error_of_a_mean_over_seeds(points) -> None:
    """One of these loses more than that, and less than one standard deviation."""
    couplings = (0.0, *(float(c) for c in np.geomspace(0.1, 10, 12)))
    found = tp.calibrate(points, couplings=couplings, n_seeds=3, training=QUICK)
    limit = found.elbo_spread / np.sqrt(3)
    losses = [point.elbo_loss.value for point in found.front]
    assert any(limit < loss < found.elbo_spread for loss in losses)
    assert [point.is_affordable for point in found.front] == [loss <= limit for loss in losses]


class Scaled(tp.models.MLPVAE):
    """A VAE whose means are multiplied, in every fourth one that is built."""

    n_built = 0

    def __init__(self, input_dim: int, latent_dim: int, factor: float) -> None:
        super().__init__(input_dim, latent_dim, (8,))
        Scaled.n_built += 1
        if Scaled.n_built % 4 == 0:
            with torch.no_grad():
                linear = [m for m in self.encoder.modules() if isinstance(m, torch.nn.Linear)]
                linear[-1].weight[:latent_dim].mul_(factor)


def test_a_seed_of_the_baseline_that_diverges_is_left_out_of_both(points, monkeypatch) -> None:
    monkeypatch.setattr(Scaled, "n_built", 0)
    found = tp.calibrate(
        points,
        couplings=(0.0,),
        n_seeds=4,
        training=QUICK,
        model=lambda i, d: Scaled(i, d, float("nan")),
    )
    assert (found.baseline.n_diverged, found.front[0].n_diverged) == (1, 1)
    assert found.front[0].is_affordable


def test_a_seed_that_diverges_by_the_coupling_alone_is_not_affordable(points, monkeypatch) -> None:
    """Energies of its huge codes times λ overflow; without λ they do not."""
    monkeypatch.setattr(Scaled, "n_built", 0)
    found = tp.calibrate(
        points,
        couplings=(1e20, 0.0),
        n_seeds=4,
        training=QUICK,
        model=lambda i, d: Scaled(i, d, 1e12),
        elbo_budget=1e30,
    )
    assert found.baseline.n_diverged == 0
    assert found.front[0].n_diverged == 1
    assert not found.front[0].is_affordable
    assert found.front[1].is_affordable


def test_candidates_differ_and_end_before_training_does() -> None:
    assert len({repr(coupling) for coupling in CANDIDATES}) == len(CANDIDATES) == 12
    assert all(coupling(0.95) == 0 for coupling in CANDIDATES)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"couplings": ()}, "`couplings` must be a sequence"),
        ({"couplings": 3.0}, "`couplings` must be a sequence"),
        ({"couplings": (-1.0,)}, "coupling"),
        ({"elbo_budget": -0.1}, "elbo_budget"),
        ({"n_seeds": 2}, "n_seeds"),
        ({"latent_dim": 7}, "latent_dim=7"),
    ],
)
def test_bad_arguments_are_refused(points, settings: dict, message: str) -> None:
    with pytest.raises(tp.InvalidInputError, match=message):
        tp.calibrate(points, **settings)
