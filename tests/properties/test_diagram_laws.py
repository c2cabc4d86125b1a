"""What isometries, scales and orders do to diagrams, landmarks and anchors."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

import topopert as tp
from topopert.topology import prior_scale

from .scenes import cloud

SEEDS = st.integers(0, 99)
BARS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 20)).map(lambda b: (b[0] / 4, sum(b) / 4)),
    max_size=6,
)
DISTANCES = {
    "bottleneck": tp.bottleneck_distance,
    "1-Wasserstein": lambda a, b: tp.wasserstein_distance(a, b, order=1.0),
    "2-Wasserstein": tp.wasserstein_distance,
    "5-Wasserstein": lambda a, b: tp.wasserstein_distance(a, b, order=5.0),
}


def diagram(bars, essential=(0.0,), *, factor: float = 1.0, shift: float = 0.0):
    pairs = factor * np.array(bars, dtype=np.float64).reshape(-1, 2) + shift
    births = factor * np.array(essential, dtype=np.float64) + shift
    return tp.PersistenceDiagram(pairs=pairs, essential=births, homology_dim=1)


def turn(d: int, seed: int) -> np.ndarray:
    return ortho_group.rvs(d, random_state=np.random.default_rng(seed))


@pytest.mark.parametrize("backend", ["ripser", "gudhi"])
@pytest.mark.parametrize("metric", ["euclidean", "cityblock"])
@given(seed=SEEDS, factor=st.floats(1e-6, 1e6))
@settings(max_examples=8)
def test_diagrams_are_of_distances(backend: str, metric: str, seed: int, factor: float) -> None:
    points, rng = cloud(25, seed=seed), np.random.default_rng(seed)
    settings_ = {"backend": backend, "metric": metric}
    expected = tp.persistence_diagrams(points, max_homology_dim=2, **settings_)
    # In the city block only moves along the axes and their swaps are isometries.
    frame = turn(3, seed) if metric == "euclidean" else -np.eye(3)[rng.permutation(3)]
    moved = factor * (points[rng.permutation(25)] @ frame + 3)
    found = tp.persistence_diagrams(moved, max_homology_dim=2, **settings_)
    for a, b in zip(expected, found, strict=True):
        assert a.homology_dim == b.homology_dim
        np.testing.assert_allclose(b.essential, factor * a.essential, atol=1e-5 * factor)
        # ripser works in single precision, so that a bar of rounding may come or go.
        assert tp.bottleneck_distance(diagram(a.pairs, factor=factor), diagram(b.pairs)) <= (
            1e-5 * factor
        )
        assert (b.persistence > 0).all()
        assert (np.diff(b.persistence) <= 1e-6 * factor).all()  # longest first


@pytest.mark.parametrize("name", DISTANCES)
@given(a=BARS, b=BARS, c=BARS)
def test_distances_of_diagrams_are_metrics(name: str, a, b, c) -> None:
    distance = DISTANCES[name]
    a, b, c = (diagram(bars) for bars in (a, b, c))
    assert distance(a, a) == 0
    assert distance(a, b) == pytest.approx(distance(b, a))
    assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-9


@pytest.mark.parametrize("name", DISTANCES)
@given(a=BARS, b=BARS, order=st.randoms(), exponent=st.integers(-9, 9), shift=st.integers(-5, 5))
def test_distances_scale_with_the_filtration_and_ignore_its_zero(
    name: str, a, b, order, exponent: int, shift: int
) -> None:
    distance, factor = DISTANCES[name], 10.0**exponent
    expected = distance(diagram(a), diagram(b))
    moved = {"factor": factor, "shift": factor * shift}
    shuffled = order.sample(b, len(b))
    found = distance(diagram(a, **moved), diagram(shuffled, **moved))
    assert found == pytest.approx(factor * expected, rel=1e-6, abs=1e-9 * factor)


@given(a=BARS, b=BARS, births=st.tuples(st.floats(0, 9), st.floats(0, 9)))
def test_distances_fall_with_the_order_down_to_the_bottleneck(a, b, births) -> None:
    one, two = diagram(a, births[:1]), diagram(b, births[1:])
    orders = [tp.wasserstein_distance(one, two, order=order) for order in (1.0, 2.0, 5.0, 30.0)]
    bottleneck = tp.bottleneck_distance(one, two)
    falling = [*orders, bottleneck]
    assert all(x >= y - 1e-9 for x, y in itertools.pairwise(falling))
    assert bottleneck >= abs(births[0] - births[1]) - 1e-12


@given(a=BARS, b=BARS)
def test_bars_of_no_length_do_not_count(a, b) -> None:
    empty = [*a, (1.0, 1.0), (3.0, 3.0)]
    for distance in DISTANCES.values():
        expected = distance(diagram(a), diagram(b))
        assert distance(diagram(empty), diagram(b)) == pytest.approx(expected)


@given(seed=SEEDS, n=st.integers(1, 24), exponent=st.integers(-30, 30))
def test_landmarks_are_nested_and_their_radius_scales(seed: int, n: int, exponent: int) -> None:
    points, factor = cloud(25, seed=seed), 2.0**exponent
    indices, radius = tp.maxmin_landmarks(points, n)
    assert len(set(indices.tolist())) == n
    more, smaller = tp.maxmin_landmarks(points, n + 1)
    np.testing.assert_array_equal(more[:n], indices)
    assert smaller <= radius
    # A power of two moves no digit.
    again, scaled = tp.maxmin_landmarks(factor * points, n)
    np.testing.assert_array_equal(again, indices)
    assert scaled == factor * radius
    moved, same = tp.maxmin_landmarks(points @ turn(3, seed) + 5, n)
    np.testing.assert_array_equal(moved, indices)
    assert same == pytest.approx(radius)
    gaps = np.linalg.norm(points[:, None] - points[indices], axis=2).min(axis=1)
    assert radius == pytest.approx(gaps.max(), abs=1e-12)


@given(seed=SEEDS, d=st.integers(1, 4), exponent=st.integers(-60, 60))
def test_the_priors_scale_undoes_any_scale(seed, d, exponent) -> None:
    rng = np.random.default_rng(seed)
    points, new = rng.normal(size=(40, d)), rng.normal(size=(5, d))
    frame = turn(d, seed) if d > 1 else -np.eye(1)
    expected = prior_scale(new, of=points)
    moved = 2.0**exponent * (points @ frame + 3), 2.0**exponent * (new @ frame + 3)
    np.testing.assert_allclose(prior_scale(moved[1], of=moved[0]), expected @ frame, atol=1e-9)
    once = prior_scale(points, of=points)
    np.testing.assert_allclose(once.T @ once / 40, np.eye(d), atol=1e-9)
    np.testing.assert_allclose(prior_scale(once, of=once), once, atol=1e-9)


@given(seed=st.integers(0, 20), exponent=st.integers(-20, 20))
@settings(max_examples=5)
def test_anchors_have_no_unit(seed: int, exponent: int) -> None:
    points = cloud(30, seed=seed)
    topology = tp.PersistentTopology(2, n_landmarks=20)
    expected = topology.fit_transform(points)
    features = [(f.homology_dim, f.p_value) for f in topology.features_]
    scale = topology.scale_
    factor = 2.0**exponent
    np.testing.assert_allclose(topology.fit_transform(factor * points), expected, atol=1e-6)
    assert topology.scale_ == pytest.approx(factor * scale)
    found = [(f.homology_dim, f.p_value) for f in topology.features_]
    assert [dim for dim, _ in found] == [dim for dim, _ in features]
    np.testing.assert_allclose([p for _, p in found], [p for _, p in features], atol=1e-5)
