"""Barcode distances where the bars are known, and against GUDHI's transport."""

from __future__ import annotations

import math

import numpy as np
import pytest
from gudhi.wasserstein import wasserstein_distance as gudhi_wasserstein

from topopert.comparison.metrics.barcodes import barcode_distance, unit_diagrams

N = 24  # divisible by 3: the triangles that fill the polygon have sides √3
SIDE = 2 * math.sin(math.pi / N)


def polygon() -> np.ndarray:
    angle = 2 * math.pi * np.arange(N) / N
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def test_bars_are_in_units_of_the_rms_radius() -> None:
    components, loops = unit_diagrams(17 * polygon() + 5)
    assert components.pairs == pytest.approx(np.tile([0, SIDE], (N - 1, 1)))
    assert loops.pairs == pytest.approx(np.array([[SIDE, math.sqrt(3)]]))


def test_a_loop_that_the_latents_lack_costs_half_its_persistence() -> None:
    data, line = unit_diagrams(polygon()), unit_diagrams(np.arange(N)[:, None] * 1.0)
    assert barcode_distance(data, line, 1) == pytest.approx((math.sqrt(3) - SIDE) / 2)
    step = 1 / math.sqrt((N**2 - 1) / 12)  # in units of the RMS radius of N points on a line
    assert barcode_distance(data, line, 0) == pytest.approx(math.sqrt(N - 1) * abs(SIDE - step))


@pytest.mark.parametrize("place", [0.0, 0.1])  # in rounding, the mean of .1 is not .1
def test_a_collapsed_latent_is_as_far_as_the_diagonal(place) -> None:
    point = unit_diagrams(np.full((N, 2), place))
    data = unit_diagrams(polygon())
    assert barcode_distance(data, point, 0) == pytest.approx(math.sqrt(N - 1) * SIDE / 2)
    assert barcode_distance(data, point, 1) == pytest.approx((math.sqrt(3) - SIDE) / 2)


@pytest.mark.parametrize("homology_dim", [0, 1])
def test_distance_is_gudhis(rng, homology_dim) -> None:
    one, two = (unit_diagrams(rng.normal(size=(60, d))) for d in (2, 5))
    pairs = (diagrams[homology_dim].pairs for diagrams in (one, two))
    expected = gudhi_wasserstein(*pairs, order=2, internal_p=np.inf)
    assert barcode_distance(one, two, homology_dim) == pytest.approx(expected)
