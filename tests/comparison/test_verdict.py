"""The rule of the verdict, condition by condition, on latents made for it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ortho_group

import topopert as tp
from topopert.comparison.verdict import decide

K, N, D = 6, 300, 2


def arm(latents: np.ndarray, *, neg_elbo=10.0, diverged: tuple[int, ...] = ()) -> tp.Arm:
    return tp.Arm(
        name="arm",
        latents=latents,
        neg_elbo=np.full(len(latents), neg_elbo),
        kl_per_axis=np.ones(latents.shape[::2]),
        learning_curve=np.ones((5, len(latents))),
        seconds=1.0,
        diverged=diverged,
        metrics=None,
    )


@pytest.fixture
def rotated(rng) -> tp.Arm:
    z = rng.normal(size=(N, D))
    noise = 0.1 * rng.normal(size=(K, N, D))
    frames = ortho_group.rvs(D, size=K, random_state=rng)
    return arm(np.stack([z @ r for r in frames]) + noise)


@pytest.fixture
def scattered(rng) -> tp.Arm:
    return arm(rng.normal(size=(K, N, D)))


def agreeing(rng, *, noise: float = 0.1, **kwargs) -> tp.Arm:
    return arm(rng.normal(size=(N, D)) + noise * rng.normal(size=(K, N, D)), **kwargs)


def test_agreement_at_equal_quality_is_lifted(rng, scattered) -> None:
    verdict = decide(scattered, agreeing(rng), tp.VerdictRule())
    assert verdict.outcome == "lifted"
    assert verdict.disparity_ratio.high < 0.5
    assert verdict.elbo_ratio == 1.0
    assert "0.0" in verdict.reason


def test_invariant_disparity_counts_only_where_there_is_some(rng, rotated) -> None:
    # The baseline's seeds differ by rotations alone: .01 of noise is all that is left after them.
    verdict = decide(rotated, agreeing(rng), tp.VerdictRule())
    assert verdict.outcome == "lifted"
    assert verdict.invariant_ratio.high > 0.5


def test_rotating_alone_does_not_lift(rng, scattered) -> None:
    one = agreeing(rng, noise=1.2)
    verdict = decide(scattered, one, tp.VerdictRule())
    assert verdict.outcome == "not lifted"
    assert "is not clearly halved" in verdict.reason


def test_the_invariant_disparity_has_to_fall_as_well(rng) -> None:
    """Condition (b) alone: rotations are gone, what no rotation removes is as large as before."""
    z, residual = rng.normal(size=(N, D)), 0.5 * rng.normal(size=(K, N, D))
    frames = ortho_group.rvs(D, size=K, random_state=rng)
    baseline = arm(np.stack([(z + e) @ r for e, r in zip(residual, frames, strict=True)]))
    verdict = decide(baseline, arm(z + residual), tp.VerdictRule())
    assert verdict.disparity_ratio.high < 0.5
    assert verdict.invariant_ratio.value == pytest.approx(1.0)
    assert verdict.outcome == "not lifted"
    assert verdict.reason.startswith("the invariant disparity is not clearly halved")


def test_a_worse_elbo_does_not_lift(rng, scattered) -> None:
    assert decide(scattered, agreeing(rng, neg_elbo=10.09), tp.VerdictRule()).outcome == "lifted"
    verdict = decide(scattered, agreeing(rng, neg_elbo=10.11), tp.VerdictRule())
    assert verdict.outcome == "not lifted"
    assert "−ELBO is worse" in verdict.reason


def test_collapse_does_not_lift(rng, scattered) -> None:
    collapsed = agreeing(rng)
    collapsed.latents[:3, :, 1] = 0  # half the seeds lose an axis
    verdict = decide(scattered, collapsed, tp.VerdictRule())
    assert verdict.outcome == "not lifted"
    assert "axes collapse" in verdict.reason


def test_agreeing_baseline_has_nothing_to_lift(rng) -> None:
    verdict = decide(agreeing(rng), agreeing(rng), tp.VerdictRule())
    assert verdict.outcome == "nothing to lift"


def test_diverged_seeds_are_named_and_left_out(rng, scattered) -> None:
    broken = agreeing(rng, diverged=(2,))
    broken.latents[2] = np.nan
    verdict = decide(scattered, broken, tp.VerdictRule())
    assert verdict.outcome == "not lifted"
    assert "more seeds diverge" in verdict.reason
    assert "[2] diverged" in verdict.reason
    assert decide(broken, agreeing(rng), tp.VerdictRule()).outcome == "nothing to lift"
    scattered.latents[2] = np.nan
    both = arm(scattered.latents, diverged=(2,))
    assert decide(both, broken, tp.VerdictRule()).outcome == "lifted"


def test_too_few_seeds_left_is_not_lifted(rng, scattered) -> None:
    broken = agreeing(rng, diverged=(0, 1, 2, 3))
    verdict = decide(scattered, broken, tp.VerdictRule())
    assert verdict.outcome == "not lifted"
    assert "only 2 seeds" in verdict.reason


def test_thresholds_are_arguments(rng, scattered) -> None:
    strict = tp.VerdictRule(largest_ratio=1e-6)
    assert decide(scattered, agreeing(rng), strict).outcome == "not lifted"
