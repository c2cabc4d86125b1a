from __future__ import annotations

import math

import numpy as np
import pytest

import topopert as tp
from topopert.topology.significance import bar_p_values


def diagram_with(log_log_ratios: np.ndarray, homology_dim: int = 1) -> tp.PersistenceDiagram:
    deaths = np.exp(np.exp(log_log_ratios))
    return tp.PersistenceDiagram(
        pairs=np.stack([np.ones_like(deaths), deaths], axis=1),
        essential=np.empty(0),
        homology_dim=homology_dim,
    )


def gumbel_noise(n: int, rng: np.random.Generator) -> np.ndarray:
    # The logarithm of an exponential is left-skewed Gumbel; location −3 and scale .8 here.
    return -3 + 0.8 * np.log(rng.exponential(size=n))


def test_p_values_are_those_of_the_fitted_gumbel_law(rng) -> None:
    tail = np.linspace(-1.4, -1.2, 5)
    ell = np.append(gumbel_noise(4000, rng), tail)
    # The scale is multiplied by .88 + .5/√n + 8/n, and the law is pinned at the median.
    factor = 0.88 + 0.5 / math.sqrt(len(ell)) + 8 / len(ell)
    median = math.log(math.log(2))
    x = (tail + 3 - 0.8 * median) / (0.8 * factor) + median
    exact = len(ell) * np.exp(-np.exp(x))
    found = bar_p_values(diagram_with(ell))[-5:]
    # The fit's own error of some percent is magnified by the double exponential.
    np.testing.assert_allclose(np.log(found), np.log(exact), rtol=0.35)


def test_real_bars_do_not_hide_one_another(rng) -> None:
    noise = gumbel_noise(100, rng)
    one = bar_p_values(diagram_with(np.append(noise, 0.0)))
    ten = bar_p_values(diagram_with(np.append(noise, np.linspace(-0.6, -0.4, 10))))
    assert one[-1] < 1e-3
    assert (ten[-10:] < 0.05).all()
    assert (ten[:-10] > 0.05).all()


def test_a_longer_bar_is_at_least_as_significant(rng) -> None:
    # Seen from the longest, the other five widen the noise.
    ell = np.append(gumbel_noise(60, rng), np.linspace(-0.9, -0.8, 6))
    p = bar_p_values(diagram_with(ell))
    order = np.argsort(ell)
    assert (np.diff(p[order]) <= 0).all()


def test_a_missing_point_of_a_lattice_is_no_loop() -> None:
    # A square of side 1 lives from 1 to √2, the hole left by one point from √2 to 2 or 1 to 2.
    ell = np.log(np.log([np.sqrt(2)] * 150 + [2.0]))
    assert bar_p_values(diagram_with(ell))[-1] > 0.05


@pytest.mark.parametrize(("homology_dim", "location", "scale"), [(1, -1.8, 0.9), (2, -2.9, 0.9)])
def test_few_bars_are_judged_by_fixed_values(homology_dim, location, scale) -> None:
    p = bar_p_values(diagram_with(np.array([-0.5, location]), homology_dim=homology_dim))
    expected = [2 * math.exp(-math.exp((-0.5 - location) / scale)), 2 * math.exp(-1)]
    np.testing.assert_allclose(p, expected, rtol=1e-9)


def test_no_bar_has_no_p_value() -> None:
    assert bar_p_values(diagram_with(np.empty(0))).shape == (0,)


def test_bars_of_rounding_are_no_bars(rng) -> None:
    ell = np.append(gumbel_noise(60, rng), [-0.5, 0.0])
    dust = np.full(200, np.log(1e-14))
    p = bar_p_values(diagram_with(np.append(ell, dust)))
    np.testing.assert_allclose(p[:62], bar_p_values(diagram_with(ell)))
    assert (p[62:] == 1).all()
