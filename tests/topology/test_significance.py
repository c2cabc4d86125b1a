from __future__ import annotations

import math

import numpy as np
import pytest

import topopert as tp
from topopert.topology.significance import bar_p_values


def structureless(kind: str, n: int, dim: int, rng: np.random.Generator) -> np.ndarray:
    if kind == "gaussian":
        return rng.normal(size=(n, dim))
    if kind == "cube":
        return rng.random((n, dim))
    if kind == "rectangle":
        return rng.random((n, dim)) * np.where(np.arange(dim) == 0, 10.0, 1.0)
    if kind == "heavy tails":
        return rng.standard_t(3, size=(n, dim))
    blobs = rng.normal(size=(n, dim))
    blobs[: n // 2, 0] += 6
    return blobs


KINDS = ("gaussian", "cube", "rectangle", "heavy tails", "two blobs")


def diagram_with(log_log_ratios: np.ndarray) -> tp.PersistenceDiagram:
    deaths = np.exp(np.exp(log_log_ratios))
    return tp.PersistenceDiagram(
        pairs=np.stack([np.ones_like(deaths), deaths], axis=1),
        essential=np.empty(0),
        homology_dim=1,
    )


def test_p_values_are_those_of_the_fitted_gumbel_law(rng) -> None:
    # The logarithm of an exponential is left-skewed Gumbel; location −2 and scale .8 here.
    bulk = -2 + 0.8 * np.log(rng.exponential(size=4000))
    tail = np.linspace(-0.15, 0.2, 5)
    ell = np.append(bulk, tail)
    exact = len(ell) * np.exp(-np.exp((tail + 2) / 0.8))
    found = bar_p_values(diagram_with(ell))[-5:]
    # The fit's own error of some percent is magnified by the double exponential.
    np.testing.assert_allclose(np.log(found), np.log(exact), rtol=0.35)


def test_a_long_bar_stands_out(rng) -> None:
    ell = np.append(-2 + 0.7 * np.log(rng.exponential(size=200)), 0.5)
    p = bar_p_values(diagram_with(ell))
    assert p[-1] < 1e-3
    assert (p[:-1] > 0.05).all()


def test_few_bars_are_judged_by_fixed_values() -> None:
    # location −1.5, scale .75, two bars
    p = bar_p_values(diagram_with(np.array([0.0, -2.0])))
    expected = [2 * math.exp(-math.exp(1.5 / 0.75)), 1.0]
    np.testing.assert_allclose(p, expected, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_points", [30, 80, 400])
def test_false_positives_stay_at_the_nominal_level(n_points: int, kind: str) -> None:
    rng = np.random.default_rng(n_points)
    loops, gaps = 0, 0
    for dim in (2, 5):
        for _ in range(30):
            points = structureless(kind, n_points, dim, rng)
            topology = tp.PersistentTopology(n_landmarks=150, layout="pca").fit(points)
            dims = {f.homology_dim for f in topology.features_}
            loops += 1 in dims
            gaps += 0 in dims and kind != "two blobs"  # which are two components in truth
    # 60 clouds at the 5 % level: 8 or fewer with probability .995
    assert loops <= 8
    assert gaps <= 8
