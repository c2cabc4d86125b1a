from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import skew
from scipy.stats import t as student_t

import topopert as tp
from topopert.comparison.statistics.estimate import (
    jackknife_estimate,
    jackknife_log_estimate,
    mean_estimate,
    pair_mean,
    skewed_estimate,
)


def left_out_means(x: np.ndarray) -> np.ndarray:
    return (x.sum() - x) / (len(x) - 1)


def test_interval_of_a_mean_is_students(rng) -> None:
    x = rng.normal(size=12)
    estimate = mean_estimate(x)
    low, high = student_t.interval(0.95, 11, loc=x.mean(), scale=x.std(ddof=1) / np.sqrt(12))
    assert estimate.value == pytest.approx(x.mean())
    assert (estimate.low, estimate.high) == (pytest.approx(low), pytest.approx(high))


def test_pair_mean_leaves_out_the_diagonal() -> None:
    pairs = np.array([[9.0, 1.0, 2.0], [1.0, 9.0, 6.0], [2.0, 6.0, 9.0]])
    assert pair_mean(pairs, np.arange(3)) == pytest.approx(3.0)
    assert pair_mean(pairs, np.array([0, 2])) == pytest.approx(2.0)


def test_interval_is_cut_to_what_is_possible(rng) -> None:
    x = rng.random(5)
    estimate = jackknife_estimate(lambda s: x[s].mean(), 5, low=x.mean() - 0.01, high=1e9)
    assert estimate.low == x.mean() - 0.01
    assert estimate.high == mean_estimate(x).high


def test_interval_without_skewness_is_students() -> None:
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    estimate, student = skewed_estimate(0.0, left_out_means(x)), mean_estimate(x)
    assert estimate.low == pytest.approx(student.low)
    assert estimate.high == pytest.approx(student.high)


@pytest.mark.parametrize("sign", [1, -1])
def test_only_the_end_on_the_long_tails_side_moves(rng, sign: int) -> None:
    """By Johnson's term for a mean: with third moment m₃ and t = Student's quantile at the end."""
    x = sign * rng.exponential(size=9)
    estimate, student = skewed_estimate(x.mean(), left_out_means(x)), mean_estimate(x)
    error, t = x.std(ddof=1) / 3, student_t.ppf(0.975, 8)
    third = skew(x, bias=False) * x.std(ddof=1) ** 3  # of the law, without bias for a normal one
    move = third / (6 * x.var(ddof=1) * 9) + third * (t * error) ** 2 / (3 * x.var(ddof=1) ** 2)
    moved = {1: (0.0, move), -1: (move, 0.0)}[sign]
    assert estimate.low - student.low == pytest.approx(moved[0])
    assert estimate.high - student.high == pytest.approx(moved[1])


def test_log_interval_is_positive_and_scales(rng) -> None:
    spread = rng.lognormal(size=8)
    one = jackknife_log_estimate(lambda s: spread[s].mean(), 8)
    ten = jackknife_log_estimate(lambda s: 10 * spread[s].mean(), 8)
    assert 0 < one.low < one.value < one.high
    assert ten.high == pytest.approx(10 * one.high)


def test_zero_stays_zero() -> None:
    estimate = jackknife_log_estimate(lambda s: 0.0, 5)
    assert (estimate.value, estimate.low, estimate.high) == (0.0, 0.0, 0.0)


def test_equal_seeds_leave_no_doubt() -> None:
    estimate = jackknife_log_estimate(lambda s: 0.25, 4)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0.25, 0.25, 0.25))


def test_an_estimate_without_interval_prints_its_value() -> None:
    assert str(tp.Estimate(0.5, float("nan"), float("nan"))) == "0.5"
    assert str(tp.Estimate(0.5, 0.25, 1.0)) == "0.5 [0.25, 1]"
