"""The verdict: lifted, not lifted, or nothing to lift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from topopert.records import Estimate

from . import disparity
from .arms import Arm
from .degeneracy import active_units
from .estimate import jackknife_log_estimate, pair_mean

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
    """The outcome for one arm against the baseline, and the figures it rests on."""

    outcome: str  # "lifted" | "not lifted" | "nothing to lift"
    reason: str  # one sentence with the figures
    disparity_ratio: Estimate | None = None  # arm / baseline, paired over seeds
    invariant_ratio: Estimate | None = None
    elbo_ratio: float | None = None  # of mean held-out −ELBO, arm / baseline


def decide(baseline: Arm, arm: Arm, rule: VerdictRule) -> Verdict:
    """The verdict on an arm by the rule.

    Ratios of mean disparities and their intervals are paired: a seed is left out of both arms at
    once. Seeds that diverged in either arm are left out and named.

    Args:
        baseline: The unperturbed arm.
        arm: The arm to judge, of the same seeds.
        rule: The thresholds.
    """
    seeds = np.intersect1d(baseline.finite, arm.finite)
    diverged = sorted({*baseline.diverged, *arm.diverged})
    note = f"; seeds {diverged} diverged and are left out" if diverged else ""
    if len(seeds) < 3:
        return Verdict(
            outcome="not lifted", reason=f"only {len(seeds)} seeds did not diverge{note}."
        )
    own, base = (disparity.centred(a.latents[seeds]) for a in (arm, baseline))
    gauge = disparity.gauge_disparity(own), disparity.gauge_disparity(base)
    invariant = disparity.invariant_disparity(own), disparity.invariant_disparity(base)
    everyone = np.arange(len(seeds))
    before, before_invariant = (pair_mean(p[1], everyone) for p in (gauge, invariant))
    if before < rule.least_disparity:
        reason = (
            f"the baseline's gauge-dependent disparity is {before:.3g}, below "
            f"{rule.least_disparity:g}{note}."
        )
        return Verdict(outcome="nothing to lift", reason=reason)

    def ratio(pairs: tuple[np.ndarray, np.ndarray]) -> Estimate:
        return jackknife_log_estimate(
            lambda kept: pair_mean(pairs[0], kept) / max(pair_mean(pairs[1], kept), 1e-300),
            len(seeds),
        )

    gauge_ratio, invariant_ratio = ratio(gauge), ratio(invariant)
    elbo, base_elbo = (float(a.neg_elbo[seeds].mean()) for a in (arm, baseline))
    extra = float(active_units(base).mean() - active_units(own).mean())
    figures = [
        f"gauge-dependent disparity {before:.3g} → {pair_mean(gauge[0], everyone):.3g} "
        f"(ratio at most {gauge_ratio.high:.3g})",
        f"invariant {before_invariant:.3g} → {pair_mean(invariant[0], everyone):.3g} "
        f"(ratio at most {invariant_ratio.high:.3g})",
        f"held-out −ELBO {base_elbo:.4g} → {elbo:.4g} ({100 * (elbo / base_elbo - 1):+.2f} %)",
        f"{extra:+.2g} collapsed axes",
    ]
    failed = []
    if len(arm.diverged) > len(baseline.diverged):
        failed.append("more seeds diverge")
    # Written as "not (good)", so that NaN fails.
    if not gauge_ratio.high < rule.largest_ratio:
        failed.append("the gauge-dependent disparity is not clearly halved")
    if before_invariant > rule.least_disparity and not invariant_ratio.high < rule.largest_ratio:
        failed.append("the invariant disparity is not clearly halved")
    if not elbo <= rule.largest_elbo_ratio * base_elbo:
        failed.append("the held-out −ELBO is worse")
    if not extra < rule.largest_extra_collapse:
        failed.append("more latent axes collapse")
    reason = "; ".join(failed + figures) + note + "."
    return Verdict(
        outcome="not lifted" if failed else "lifted",
        reason=reason,
        disparity_ratio=gauge_ratio,
        invariant_ratio=invariant_ratio,
        elbo_ratio=elbo / base_elbo,
    )
