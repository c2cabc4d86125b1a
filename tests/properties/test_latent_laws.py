"""What rotations, scales, copies and orders do to the figures of a latent space."""

from __future__ import annotations

import math
from dataclasses import asdict, fields

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

import topopert as tp
from topopert.comparison.verdict import decide
from topopert.models import kl_divergence

from .scenes import landscape, posterior

K, N, D = 4, 30, 2
SEEDS = st.integers(0, 99)
ENERGIES = {"excitation_energy": tp.excitation_energy, "kl_divergence": kl_divergence}


def turn(d: int, seed: int) -> np.ndarray:
    if d == 1:
        return -np.eye(1)
    return ortho_group.rvs(d, random_state=np.random.default_rng(seed))


def turned(values: torch.Tensor, seed: int) -> torch.Tensor:
    return values @ torch.from_numpy(turn(values.shape[1], seed))


def latents(seed: int = 0, noise: float = 0.3) -> np.ndarray:
    """K runs that agree but for noise."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(N, D)) + noise * rng.normal(size=(K, N, D))


def figures(metrics: tp.DegeneracyMetrics | tp.FaithfulnessMetrics) -> dict[str, np.ndarray]:
    return {
        field.name: np.array(list(asdict(getattr(metrics, field.name)).values()))
        for field in fields(metrics)
    }


def same(found, expected, *, without: tuple[str, ...] = (), rtol: float = 1e-7) -> None:
    found, expected = figures(found), figures(expected)
    for name in found.keys() - set(without):
        np.testing.assert_allclose(found[name], expected[name], rtol, 1e-9, err_msg=name)


@pytest.mark.parametrize("name", ENERGIES)
@given(d=st.integers(1, 5), seed=SEEDS)
def test_energies_over_the_prior_keep_their_whole_gauge_group(
    name: str, d: int, seed: int
) -> None:
    """O(d) where the posterior is isotropic, signed permutations of the axes in any case."""
    energy, (mean, logvar) = ENERGIES[name], posterior(d, seed=seed)
    isotropic = logvar[:, :1].expand_as(logvar)
    torch.testing.assert_close(energy(turned(mean, seed), isotropic), energy(mean, isotropic))
    order = torch.from_numpy(np.random.default_rng(seed).permutation(d))
    torch.testing.assert_close(energy(-mean[:, order], logvar[:, order]), energy(mean, logvar))


@pytest.mark.parametrize("name", ENERGIES)
@given(d=st.integers(2, 5), seed=SEEDS)
def test_energies_over_the_prior_add_over_axes_and_are_least_at_it(
    name, d: int, seed: int
) -> None:
    energy, (mean, logvar) = ENERGIES[name], posterior(d, seed=seed)
    parts = sum(energy(mean[:, k : k + 1], logvar[:, k : k + 1]) for k in range(d))
    torch.testing.assert_close(energy(mean, logvar), parts)
    assert (energy(mean, logvar) > 0).all()
    assert not energy(0 * mean, 0 * logvar).any()
    assert (energy(1.1 * mean, logvar) > energy(mean, logvar)).all()


@given(d=st.integers(1, 4), factor=st.floats(1e-3, 1e3), seed=SEEDS)
def test_the_curvature_is_of_the_orbit(d, factor: float, seed) -> None:
    rng = np.random.default_rng(seed)
    mean, anchors = rng.normal(size=(2, 20, d))
    found = tp.gauge_curvature(mean, anchors)
    order = rng.permutation(20)
    for other, ratio in [
        (tp.gauge_curvature(mean @ turn(d, seed), anchors @ turn(d, seed + 1)), 1.0),
        (tp.gauge_curvature(anchors, mean), 1.0),
        (tp.gauge_curvature(mean[order], anchors[order]), 1.0),
        (tp.gauge_curvature(np.repeat(mean, 3, axis=0), np.repeat(anchors, 3, axis=0)), 1.0),
        (tp.gauge_curvature(factor * mean, anchors), factor),
        (tp.gauge_curvature(mean, -factor * anchors), factor),
    ]:
        np.testing.assert_allclose(other.curvatures, ratio * found.curvatures, atol=1e-9 * ratio)
        assert math.isclose(
            other.reflection_energy, ratio * found.reflection_energy, abs_tol=1e-9 * ratio
        )
        assert (other.gap is None) == (d == 1)
    assert len(found.curvatures) == d * (d - 1) // 2
    assert found.reflection_energy <= min(found.curvatures, default=math.inf) + 1e-12


@given(factor=st.floats(-3, 3), seed=SEEDS)
def test_the_splitting_matrix_is_linear_and_symmetric(factor: float, seed: int) -> None:
    a, rng = landscape(), np.random.default_rng(seed)
    b = tp.PolynomialPotential([[4, 0], [1, 1], [2, 2]], rng.normal(size=3)).double()
    both = tp.splitting_matrix(a + factor * b, 2)
    parts = tp.splitting_matrix(a, 2) + factor * tp.splitting_matrix(b, 2)
    torch.testing.assert_close(both, parts)
    torch.testing.assert_close(both, both.T)


def rotated_wells(angle: float) -> tp.WellPotential:
    wells = landscape()
    c, s = math.cos(angle), math.sin(angle)
    wells.centers @= torch.tensor([[c, s], [-s, c]], dtype=torch.float64)
    return wells


@pytest.mark.parametrize("method", ["spectrum", "perturbation"])
def test_levels_of_a_turned_landscape_are_the_same(method: str) -> None:
    def levels(potential: tp.Potential) -> torch.Tensor:
        if method == "spectrum":
            return tp.spectrum(potential, coupling=0.7, latent_dim=2, n_levels=5).levels
        return tp.perturbation_levels(
            potential, coupling=0.1, latent_dim=2, n_levels=6, order=2
        ).levels

    expected = levels(landscape())
    assert float(expected[0]) == pytest.approx(0, abs=1e-6)
    assert (expected.diff() > -1e-12).all()
    rtol = 1e-3 if method == "spectrum" else 1e-6  # a grid's, a truncated basis' that is complete
    for angle in (0.5 * math.pi, 0.4):
        torch.testing.assert_close(levels(rotated_wells(angle)), expected, rtol=rtol, atol=1e-6)


def test_levels_of_a_posterior_know_no_frame_order_or_copies() -> None:
    mean, logvar = posterior(2, n=12)
    logvar = torch.full_like(logvar, -1.0)
    expected = tp.posterior_spectrum(mean, logvar, n_levels=4).levels
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    for other in (turned(mean, 1), mean + 5.0, mean[order], torch.cat([mean, mean])):
        spread = torch.full_like(other, -1.0)
        found = tp.posterior_spectrum(other, spread, n_levels=4).levels
        torch.testing.assert_close(found, expected, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_levels_of_a_posterior_are_inverse_squares_of_its_unit(factor: float) -> None:
    """H has the unit of 1/z²: a cloud twice as wide relaxes four times as slowly."""
    mean, logvar = posterior(2, n=12)
    logvar = torch.full_like(logvar, -1.0)
    expected = tp.posterior_spectrum(mean, logvar, n_levels=4).levels
    wide = tp.posterior_spectrum(factor * mean, logvar + 2 * math.log(factor), n_levels=4)
    torch.testing.assert_close(wide.levels * factor**2, expected, rtol=2e-3, atol=1e-6)


@given(seed=st.integers(0, 9), factor=st.sampled_from([1e-300, 1e-12, 0.3, 1e12, 1e300]))
@settings(max_examples=5)
def test_degeneracy_is_of_runs_without_order_frame_or_unit(seed: int, factor: float) -> None:
    runs, rng = latents(seed), np.random.default_rng(seed)
    expected = tp.degeneracy(runs)
    same(tp.degeneracy(runs[rng.permutation(K)]), expected)
    same(tp.degeneracy(runs[:, rng.permutation(N)]), expected)
    same(tp.degeneracy(runs + rng.normal(size=(K, 1, D))), expected)
    same(tp.degeneracy(-runs[:, :, ::-1]), expected)
    # Axes count as active by their variance in units of the prior.
    same(tp.degeneracy(factor * runs), expected, without=("active_units", "udr"))
    # One turn of all runs together moves only what looks at single axes.
    turned_runs = tp.degeneracy(runs @ turn(D, seed))
    same(turned_runs, expected, without=("active_units", "udr", "mcc"))
    # A turn of each run of its own is gauge: the rest does not see it.
    own = np.stack([run @ turn(D, seed + k) for k, run in enumerate(runs)])
    of_axes = ("disparity", "active_units", "udr", "mcc")
    same(tp.degeneracy(own), expected, without=of_axes)


@given(seed=st.integers(0, 20), noise=st.floats(0, 3), n_runs=st.integers(3, 7))
def test_estimates_lie_in_their_intervals(seed: int, noise: float, n_runs: int) -> None:
    rng = np.random.default_rng(seed)
    runs = rng.normal(size=(12, D)) + noise * rng.normal(size=(n_runs, 12, D))
    for metrics in (tp.degeneracy(runs), tp.faithfulness(runs.mean(axis=0), runs)):
        for name, (value, low, high) in figures(metrics).items():
            # To rounding, where all runs agree and the interval is a point.
            hair = 1e-12 * max(1.0, abs(value))
            assert low - hair <= value <= high + hair, (name, value, low, high)


@given(seed=st.integers(0, 9), factor=st.floats(1e-6, 1e6))
@settings(max_examples=5)
def test_faithfulness_is_of_distances(seed: int, factor: float) -> None:
    runs, rng = latents(seed), np.random.default_rng(seed)
    points = runs[0] @ rng.normal(size=(D, 4))
    expected = tp.faithfulness(points, runs)
    own = np.stack([run @ turn(D, seed + k) + k for k, run in enumerate(runs)])
    same(tp.faithfulness(points @ turn(4, seed) - 7, own), expected, rtol=1e-5)
    # The interval is symmetric in the runs; a common unit changes the distances themselves alone.
    same(tp.faithfulness(points, runs[rng.permutation(K)]), expected)
    scaled = tp.faithfulness(factor * points, factor * runs)
    same(scaled, expected, without=("distance_rmse",), rtol=1e-5)
    np.testing.assert_allclose(
        figures(scaled)["distance_rmse"], factor * figures(expected)["distance_rmse"], rtol=1e-6
    )
    # Only the triplets, which are drawn by their places, see the order of the points.
    order = rng.permutation(N)
    moved = tp.faithfulness(points[order], runs[:, order])
    same(moved, expected, without=("triplet_accuracy",), rtol=1e-5)
    assert moved.triplet_accuracy.value == pytest.approx(expected.triplet_accuracy.value, abs=0.02)


def arm(noise: float, *, neg_elbo: float = 10.0) -> tp.Arm:
    runs = latents(5, noise)
    energies = neg_elbo + 0.01 * np.arange(K)
    return tp.Arm(
        name="arm",
        latents=runs,
        logvars=np.zeros_like(runs),
        neg_elbo=energies,
        reconstruction=energies - D,
        kl_per_axis=np.ones((K, D)),
        learning_curve=np.ones((2, K)),
        seconds=1.0,
        diverged=(),
        metrics=None,
        faithfulness=None,
    )


def is_lifted(noise: float, neg_elbo: float, rule: tp.VerdictRule) -> bool:
    return decide(arm(2.0), arm(noise, neg_elbo=neg_elbo), rule).outcome == "lifted"


@given(
    noise=st.floats(0.01, 2.0),
    less=st.floats(0, 1),
    neg_elbo=st.floats(9, 11),
    better=st.floats(0, 1),
    ratio=st.floats(0.1, 1.0),
    looser=st.floats(0, 0.5),
)
@settings(max_examples=40)
def test_the_verdict_is_monotone(noise, less, neg_elbo, better, ratio, looser) -> None:
    """Who is lifted stays so with less disparity, a better ELBO or a looser rule."""
    rule = tp.VerdictRule(largest_ratio=ratio)
    if is_lifted(noise, neg_elbo, rule):
        assert is_lifted(noise * less, neg_elbo, rule)
        assert is_lifted(noise, neg_elbo - better, rule)
        assert is_lifted(noise, neg_elbo, tp.VerdictRule(largest_ratio=ratio + looser))


def test_both_outcomes_occur() -> None:
    rule = tp.VerdictRule()
    assert is_lifted(0.1, 10.0, rule)
    assert not is_lifted(1.9, 10.0, rule)
    assert not is_lifted(0.1, 10.5, rule)
    assert decide(arm(0.01), arm(2.0), rule).outcome == "nothing to lift"


def test_energy_surgery_knows_neither_order_nor_frame() -> None:
    mean, logvar = posterior(2, n=20)
    logvar = torch.full_like(logvar, -1.0)
    expected = tp.energy_surgery(mean, logvar, n_samples=4096)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    for other in (turned(mean, 3), mean[order]):
        found = tp.energy_surgery(other, logvar, n_samples=4096)
        assert found.total == pytest.approx(expected.total)
        assert found.kl_total == pytest.approx(expected.kl_total)
        for name in ("misfit", "information", "mutual_information"):
            one, two = getattr(found, name), getattr(expected, name)
            assert abs(one.value - two.value) < 5 * math.hypot(one.error, two.error)
