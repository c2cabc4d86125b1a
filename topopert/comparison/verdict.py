"""The verdict: lifted, not lifted, or nothing to lift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from topopert.records import Estimate

from .arms import Arm
from .metrics import disparity
from .metrics.degeneracy import active_units
from .statistics.estimate import mean_estimate, pair_mean
from .statistics.pair_estimate import pair_ratio_estimate
from .statistics.permutation import disparity_permutation_test, paired_permutation_test

__all__ = ["Verdict", "VerdictRule", "decide"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRule:
    """The thresholds of the verdict (theory, section 7)."""

    least_disparity: float = 0.02  # below it there is nothing to lift
    largest_ratio: float = 0.5  # for the upper 95 % end of perturbed / baseline
    largest_elbo_ratio: float = 1.01
    largest_extra_collapse: float = 0.5  # axes, mean over seeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome for one arm against the baseline, and the figures it rests on.

    The p-values are of paired permutation tests over the seeds, one-sided: small where the arm's
    figure is clearly smaller than the baseline's, near 1 where it is clearly larger. The rule does
    not ask for them.
    """

    outcome: str  # "lifted" | "not lifted" | "nothing to lift"
    reason: str  # one sentence with the figures
    disparity_ratio: Estimate | None = None  # arm / baseline, paired over seeds
    invariant_ratio: Estimate | None = None
    elbo_ratio: float | None = None  # of mean held-out −ELBO, arm / baseline; see `decide`
    elbo_difference: Estimate | None = None  # arm less baseline, nats per point, paired
    p_value: float | None = None  # of the gauge-dependent disparity
    elbo_p_value: float | None = None  # of the held-out −ELBO


def decide(baseline: Arm, arm: Arm, rule: VerdictRule) -> Verdict:
    """The verdict on an arm by the rule (theory, section 7).

    Whether there is something to lift is the baseline's own matter. The rest is paired: ratios of
    mean disparities leave a seed out of both arms at once, and seeds that diverged in either arm
    are kept out of all figures and named.

    The condition on −ELBO compares two means, not the ends of an interval: where its spread over
    seeds is no smaller than the 1 % at stake, as it may be with six seeds, chance has a say. The
    reason therefore gives the 95 % interval of the paired difference. The 1 % is taken of
    reconstruction + KL, which is −ELBO itself but where the variance is learned: there −ELBO has
    a term of either sign besides, and a ratio of it would mean nothing.

    Args:
        baseline: The unperturbed arm.
        arm: The arm to judge, of the same seeds.
        rule: The thresholds.
    """
    seeds = np.intersect1d(baseline.finite, arm.finite)
    n_seeds = len(seeds)
    diverged = sorted({*baseline.diverged, *arm.diverged})
    note = f"; seeds {diverged} diverged and are left out" if diverged else ""
    level = _gauge_level(baseline)
    if level < rule.least_disparity:
        reason = (
            f"the baseline's gauge-dependent disparity is {level:.3g}, below "
            f"{rule.least_disparity:g}{note}."
        )
        return Verdict(outcome="nothing to lift", reason=reason)
    if n_seeds < 3:
        return Verdict(outcome="not lifted", reason=f"only {n_seeds} seeds did not diverge{note}.")
    own, base = (disparity.centred(a.latents[seeds]) for a in (arm, baseline))
    between_all = disparity.gauge_disparity(np.concatenate([base, own]))  # (2K, 2K)
    gauge = between_all[n_seeds:, n_seeds:], between_all[:n_seeds, :n_seeds]
    invariant = disparity.invariant_disparity(own), disparity.invariant_disparity(base)
    everyone = np.arange(n_seeds)
    after, before = (pair_mean(pairs, everyone) for pairs in gauge)
    after_invariant, before_invariant = (pair_mean(pairs, everyone) for pairs in invariant)

    gauge_ratio, invariant_ratio = pair_ratio_estimate(*gauge), pair_ratio_estimate(*invariant)
    elbo, base_elbo = (float(a.neg_elbo[seeds].mean()) for a in (arm, baseline))
    difference = mean_estimate(arm.neg_elbo[seeds] - baseline.neg_elbo[seeds])
    per_seed = (baseline.reconstruction + baseline.kl_per_axis.sum(axis=1))[seeds]
    without_constants = max(float(per_seed.mean()), np.finfo(float).tiny)
    elbo_ratio = 1 + (elbo - base_elbo) / without_constants
    extra = float(active_units(base).mean() - active_units(own).mean())
    rng = np.random.default_rng(0)  # beyond 13 seeds: which swaps are tried
    p_value = disparity_permutation_test(between_all, rng=rng)
    elbo_p_value = paired_permutation_test(arm.neg_elbo[seeds], baseline.neg_elbo[seeds], rng=rng)
    percent = _signed(100 * (elbo_ratio - 1), ".2f")
    figures = [
        f"gauge-dependent disparity {before:.3g} → {after:.3g} "
        f"(ratio at most {gauge_ratio.high:.3g}, p = {p_value:.2g})",
        f"invariant {before_invariant:.3g} → {after_invariant:.3g} "
        f"(ratio at most {invariant_ratio.high:.3g})",
        f"held-out −ELBO {base_elbo:.4g} → {elbo:.4g} ({percent} %; "
        f"paired difference {_signed(difference.low)} to {_signed(difference.high)} nats)",
        f"{_signed(extra)} collapsed axes",
    ]
    failed = []
    # Written as "not (good)", so that NaN fails.
    if not gauge_ratio.high < rule.largest_ratio:
        failed.append("the gauge-dependent disparity is not clearly halved")
    if before_invariant > rule.least_disparity and not invariant_ratio.high < rule.largest_ratio:
        failed.append("the invariant disparity is not clearly halved")
    if not elbo_ratio <= rule.largest_elbo_ratio:
        failed.append("the held-out −ELBO is worse")
    if not extra < rule.largest_extra_collapse:
        failed.append("more latent axes collapse")
    reason = "; ".join(failed + figures) + note + "."
    return Verdict(
        outcome="not lifted" if failed else "lifted",
        reason=reason,
        disparity_ratio=gauge_ratio,
        invariant_ratio=invariant_ratio,
        elbo_ratio=elbo_ratio,
        elbo_difference=difference,
        p_value=p_value,
        elbo_p_value=elbo_p_value,
    )


def _signed(value: float, form: str = ".2g") -> str:
    return f"{value:+{form}}".replace("-", "−", 1) if value < 0 else f"{value:+{form}}"


def _gauge_level(arm: Arm) -> float:
    """Mean gauge-dependent disparity of an arm's seeds; NaN, below nothing, for a single one."""
    if len(arm.finite) < 2:
        return np.nan
    pairs = disparity.gauge_disparity(disparity.centred(arm.latents[arm.finite]))
    return pair_mean(pairs, np.arange(len(pairs)))
