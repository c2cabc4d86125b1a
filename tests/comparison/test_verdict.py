"""The rule of the verdict, condition by condition, on latents made for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ortho_group, ttest_rel

import topopert as tp
from topopert.comparison.verdict import decide

K, N, D = 6, 300, 2


def arm(
    latents: np.ndarray, *, neg_elbo=10.0, log_scale=0.0, diverged: tuple[int, ...] = ()
) -> tp.Arm:
    """An arm with 1 nat of KL per axis; `log_scale` is what a learned variance adds to −ELBO."""
    neg_elbo = np.broadcast_to(neg_elbo, len(latents))
    return tp.Arm(
        name="arm",
        latents=latents,
        logvars=np.zeros_like(latents),
        neg_elbo=neg_elbo,
        reconstruction=neg_elbo - D - log_scale,
        kl_per_axis=np.ones(latents.shape[::2]),
        learning_curve=np.ones((5, len(latents))),
        seconds=1.0,
        diverged=diverged,
        metrics=None,
        faithfulness=None,
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


def broken(values: np.ndarray, seeds: int | Iterable[int]) -> np.ndarray:
    values = values.copy()
    values[list(np.atleast_1d(seeds))] = np.nan
    return values


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


def test_half_within_the_interval_is_not_clearly_half(rng, scattered) -> None:
    noise = np.array([0.1, 0.1, 0.3, 0.5, 1.5, 2.0])[:, None, None]
    verdict = decide(scattered, agreeing(rng, noise=noise), tp.VerdictRule())
    assert verdict.disparity_ratio.value < 0.5 < verdict.disparity_ratio.high
    assert verdict.outcome == "not lifted"
    assert verdict.reason.startswith("the gauge-dependent disparity is not clearly halved")


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
    """What the other seeds say is what they say without it, in whichever arm it diverged."""
    others = np.delete(np.arange(K), 2)
    whole = agreeing(rng, neg_elbo=10 + rng.normal(size=K))
    expected = decide(
        arm(scattered.latents[others]),
        arm(whole.latents[others], neg_elbo=whole.neg_elbo[others]),
        tp.VerdictRule(),
    )
    in_arm = arm(broken(whole.latents, 2), neg_elbo=broken(whole.neg_elbo, 2), diverged=(2,))
    in_baseline = arm(broken(scattered.latents, 2), diverged=(2,))
    for baseline, other in ((scattered, in_arm), (in_baseline, whole), (in_baseline, in_arm)):
        verdict = decide(baseline, other, tp.VerdictRule())
        assert "seeds [2] diverged" in verdict.reason
        figures = replace(verdict, reason="")
        assert figures == replace(expected, reason="")


def test_agreeing_baseline_has_nothing_to_lift_whatever_the_arm_does(rng) -> None:
    lost = arm(broken(rng.normal(size=(K, N, D)), range(4)), diverged=(0, 1, 2, 3))
    verdict = decide(agreeing(rng), lost, tp.VerdictRule())
    assert verdict.outcome == "nothing to lift"
    assert "[0, 1, 2, 3] diverged" in verdict.reason


def test_diverged_seed_of_the_baseline_does_not_lower_its_level(rng) -> None:
    """The rule asks for .02; noise of variance .16² makes a disparity of .025, .12² of .014."""
    for noise, outcome in ((0.16, "lifted"), (0.12, "nothing to lift")):
        baseline = arm(broken(agreeing(rng, noise=noise).latents, 1), diverged=(1,))
        verdict = decide(baseline, agreeing(rng, noise=0.01), tp.VerdictRule())
        assert verdict.outcome == outcome


def test_too_few_seeds_left_is_not_lifted(rng, scattered) -> None:
    lost = agreeing(rng, diverged=(0, 1, 2, 3))
    verdict = decide(scattered, lost, tp.VerdictRule())
    assert verdict.outcome == "not lifted"
    assert "only 2 seeds" in verdict.reason
    nobody = agreeing(rng, diverged=tuple(range(K)))
    assert decide(nobody, nobody, tp.VerdictRule()).outcome == "not lifted"


def test_one_percent_of_a_learned_variance_is_of_reconstruction_and_kl(rng, scattered) -> None:
    """−ELBO may be near 0 or below it: with 10 nats of these, .1 nats may be lost all the same."""
    for log_scale in (-9.99, -25.0):
        before = 10.0 + log_scale
        baseline = arm(scattered.latents, neg_elbo=before, log_scale=log_scale)
        for loss, outcome in ((0.09, "lifted"), (0.11, "not lifted"), (-3.0, "lifted")):
            other = agreeing(rng, neg_elbo=before + loss, log_scale=0.3)
            verdict = decide(baseline, other, tp.VerdictRule())
            assert verdict.outcome == outcome
            assert verdict.elbo_ratio == pytest.approx(1 + loss / 10)


def test_p_value_is_the_least_there_is_where_all_seeds_agree(rng, scattered) -> None:
    verdict = decide(scattered, agreeing(rng), tp.VerdictRule())
    assert verdict.p_value == pytest.approx(2.0**-K)
    back = decide(agreeing(rng, noise=0.5), scattered, tp.VerdictRule())
    assert back.p_value == 1.0


def test_elbo_is_compared_seed_by_seed(rng, scattered) -> None:
    """Seeds differ by 10 nats, the arms by .04 in each: only the pairs can tell."""
    spread = 10 * rng.random(K)
    baseline = arm(scattered.latents, neg_elbo=100 + spread)
    better = agreeing(rng, neg_elbo=99.96 + spread + 0.01 * rng.normal(size=K))
    verdict = decide(baseline, better, tp.VerdictRule())
    expected = ttest_rel(better.neg_elbo, baseline.neg_elbo).confidence_interval()
    assert verdict.elbo_difference.low == pytest.approx(expected.low)
    assert verdict.elbo_difference.high == pytest.approx(expected.high)
    assert verdict.elbo_difference.high < 0
    assert verdict.elbo_p_value == pytest.approx(2.0**-K)
    low, high = (f"−{-end:.2g}" for end in (expected.low, expected.high))
    assert f"paired difference {low} to {high} nats" in verdict.reason


def test_order_and_pairing_of_seeds(rng, scattered) -> None:
    """Seeds in another order say the same; other pairs of seeds do not."""
    one = agreeing(rng, neg_elbo=10 + rng.random(K), noise=0.8)
    order = np.roll(np.arange(K), 1)
    shuffled = arm(one.latents[order], neg_elbo=one.neg_elbo[order])
    both = decide(arm(scattered.latents[order]), shuffled, tp.VerdictRule())
    straight = decide(scattered, one, tp.VerdictRule())
    assert both.disparity_ratio.high == pytest.approx(straight.disparity_ratio.high)
    assert both.p_value == pytest.approx(straight.p_value)
    other = decide(scattered, shuffled, tp.VerdictRule())
    assert other.disparity_ratio.high != pytest.approx(straight.disparity_ratio.high)


def test_thresholds_are_arguments(rng, scattered) -> None:
    strict = tp.VerdictRule(largest_ratio=1e-6)
    assert decide(scattered, agreeing(rng), strict).outcome == "not lifted"
