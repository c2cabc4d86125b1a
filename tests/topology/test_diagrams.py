from __future__ import annotations

import math

import numpy as np
import pytest
from gudhi.dtm_rips_complex import DTMRipsComplex
from gudhi.wasserstein import wasserstein_distance as gudhi_wasserstein
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist, squareform
from sklearn.metrics import pairwise_distances

import topopert as tp


@given(n=st.integers(4, 24))
def test_regular_polygon_has_one_loop(n: int) -> None:  # sides close it, ⌈n/3⌉-chords fill it
    angle = 2 * math.pi * np.arange(n) / n
    loop = tp.persistence_diagrams(np.stack([np.cos(angle), np.sin(angle)], axis=1))[1]
    chords = [2 * math.sin(math.pi * k / n) for k in (1, math.ceil(n / 3))]
    np.testing.assert_allclose(loop.pairs, [chords], rtol=1e-6)


def test_h0_deaths_are_the_spanning_tree(rng) -> None:
    points = rng.normal(size=(80, 3))
    deaths = np.sort(tp.persistence_diagrams(points)[0].pairs[:, 1])
    tree = np.sort(minimum_spanning_tree(cdist(points, points)).data)
    np.testing.assert_allclose(deaths, tree, rtol=1e-6)


def test_octahedron_encloses_a_void() -> None:
    corners = np.vstack([np.eye(3), -np.eye(3)])  # edges √2, diagonals 2
    diagrams = tp.persistence_diagrams(corners, max_homology_dim=2)
    np.testing.assert_allclose(diagrams[2].pairs, [[math.sqrt(2), 2.0]], rtol=1e-6)


@pytest.mark.parametrize("n_points", [3, 20, 60])
def test_ripser_and_gudhi_agree(rng, n_points: int) -> None:
    points = rng.normal(size=(n_points, 3))
    for a, b in zip(
        tp.persistence_diagrams(points, max_homology_dim=2),
        tp.persistence_diagrams(points, max_homology_dim=2, backend="gudhi"),
        strict=True,
    ):
        assert tp.bottleneck_distance(a, b) < 1e-6
        np.testing.assert_allclose(a.essential, b.essential, atol=1e-6)


def test_cloud_and_its_distances_give_the_same(rng) -> None:
    points = rng.normal(size=(40, 3))
    cloud = tp.persistence_diagrams(points)
    matrix = tp.persistence_diagrams(cdist(points, points), metric="precomputed")
    for a, b in zip(cloud, matrix, strict=True):
        np.testing.assert_allclose(a.pairs, b.pairs, rtol=1e-6)


@pytest.mark.parametrize("factor", [1e-12, 3.0, 1e12])
def test_diagrams_scale_with_the_data(rng, factor: float) -> None:
    points = rng.normal(size=(40, 3))
    for a, b in zip(
        tp.persistence_diagrams(points), tp.persistence_diagrams(factor * points), strict=True
    ):
        np.testing.assert_allclose(factor * a.pairs, b.pairs, rtol=1e-5)


@given(shift=arrays(np.float64, (20, 2), elements=st.floats(-0.05, 0.05)))
def test_moving_points_by_eps_moves_diagrams_by_at_most_two_eps(shift: np.ndarray) -> None:
    points = np.random.default_rng(3).normal(size=(20, 2))
    eps = float(np.linalg.norm(shift, axis=1).max())
    moved = tp.persistence_diagrams(points + shift)
    for a, b in zip(tp.persistence_diagrams(points), moved, strict=True):
        assert tp.bottleneck_distance(a, b) <= 2 * eps + 1e-6


def test_landmarks_are_within_twice_the_covering_radius(rng) -> None:
    points = rng.normal(size=(150, 2))
    indices, radius = tp.maxmin_landmarks(points, 60)
    for a, b in zip(
        tp.persistence_diagrams(points), tp.persistence_diagrams(points[indices]), strict=True
    ):
        assert tp.bottleneck_distance(a, b) <= 2 * radius + 1e-6


def test_wasserstein_distance_matches_a_matching_done_by_hand() -> None:
    def diagram(*pairs: tuple[float, float]) -> tp.PersistenceDiagram:
        return tp.PersistenceDiagram(
            pairs=np.array(pairs).reshape(-1, 2), essential=np.empty(0), homology_dim=1
        )

    a, b = diagram((0.0, 2.0), (1.0, 1.5)), diagram((0.1, 2.2))
    # (0, 2)–(.1, 2.2) costs .2 in L∞; (1, 1.5) goes to the diagonal at half its persistence, .25
    assert tp.wasserstein_distance(a, b) == pytest.approx(math.hypot(0.2, 0.25))
    assert tp.wasserstein_distance(a, b, order=1) == pytest.approx(0.45)
    assert tp.bottleneck_distance(a, b) == pytest.approx(0.25)
    assert tp.bottleneck_distance(a, a) == tp.wasserstein_distance(a, a) == 0.0
    assert tp.bottleneck_distance(a, diagram()) == pytest.approx(1.0)


def test_an_essential_bar_too_many_is_infinitely_far() -> None:
    one = tp.PersistenceDiagram(pairs=np.empty((0, 2)), essential=np.zeros(1), homology_dim=0)
    two = tp.PersistenceDiagram(pairs=np.empty((0, 2)), essential=np.zeros(2), homology_dim=0)
    assert tp.wasserstein_distance(one, two) == math.inf
    assert tp.bottleneck_distance(one, two) == math.inf


def test_nearly_equal_diagrams_with_many_ties_are_matched_at_once(rng) -> None:
    # Hera's auction did not end on these.
    points = rng.normal(size=(100, 3))
    a = tp.persistence_diagrams(points)[0]
    b = tp.persistence_diagrams(points, backend="gudhi")[0]
    assert tp.wasserstein_distance(a, b) < 1e-5


def test_wasserstein_distance_is_gudhis(rng) -> None:
    def diagram(n_bars: int) -> tp.PersistenceDiagram:
        births = rng.random(n_bars)
        pairs = np.stack([births, births + rng.exponential(0.3, n_bars)], axis=1)
        return tp.PersistenceDiagram(pairs=pairs, essential=np.empty(0), homology_dim=1)

    for n, m, order in [(5, 3, 1.0), (40, 40, 2.0), (7, 60, 3.5), (0, 4, 2.0), (0, 0, 2.0)]:
        a, b = diagram(n), diagram(m)
        expected = gudhi_wasserstein(a.pairs, b.pairs, order=order, internal_p=np.inf)
        assert tp.wasserstein_distance(a, b, order=order) == pytest.approx(expected, rel=1e-9)


def test_any_metric_is_the_matrix_of_its_distances(rng) -> None:
    points = rng.random(size=(40, 3))
    for metric in ("manhattan", "cosine"):
        dist = pairwise_distances(points, metric=metric)
        np.fill_diagonal(dist, 0.0)
        matrix = tp.persistence_diagrams(dist, metric="precomputed")
        for a, b in zip(tp.persistence_diagrams(points, metric=metric), matrix, strict=True):
            np.testing.assert_allclose(a.pairs, b.pairs, atol=1e-6)
    l2 = tp.persistence_diagrams(points, metric="l2")[1]
    np.testing.assert_array_equal(l2.pairs, tp.persistence_diagrams(points)[1].pairs)


@pytest.mark.parametrize("backend", ["ripser", "gudhi"])
def test_duplicate_points_add_nothing(rng, backend: str) -> None:
    points = rng.normal(size=(30, 3))
    twice = tp.persistence_diagrams(np.repeat(points, 3, axis=0), backend=backend)
    for a, b in zip(tp.persistence_diagrams(points, backend=backend), twice, strict=True):
        assert tp.bottleneck_distance(a, b) < 1e-6
        np.testing.assert_allclose(a.essential, b.essential)


@given(upper=arrays(np.float64, 45, elements=st.floats(0.1, 3.0)))
def test_backends_agree_on_matrices_that_are_no_metric(upper: np.ndarray) -> None:
    dist = squareform(upper)
    answers = [
        tp.persistence_diagrams(dist, metric="precomputed", max_homology_dim=2, backend=backend)
        for backend in ("ripser", "gudhi")
    ]
    for a, b in zip(*answers, strict=True):
        assert tp.bottleneck_distance(a, b) < 1e-6


def test_distance_to_measure_diagrams_are_gudhis_own(rng) -> None:
    points = rng.normal(size=(25, 3))
    found = tp.persistence_diagrams(points, max_homology_dim=2, dtm_neighbors=4)
    tree = DTMRipsComplex(points=points, k=4).create_simplex_tree(3)
    tree.compute_persistence(homology_coeff_field=47)
    for diagram in found:
        bars = tree.persistence_intervals_in_dimension(diagram.homology_dim)
        finite = bars[np.isfinite(bars).all(axis=1)]
        expected = tp.PersistenceDiagram(
            pairs=finite.reshape(-1, 2),
            essential=np.sort(bars[~np.isfinite(bars[:, 1]), 0]) if len(bars) else np.empty(0),
            homology_dim=diagram.homology_dim,
        )
        assert tp.bottleneck_distance(diagram, expected) < 1e-12


def test_with_one_neighbour_distance_to_measure_is_plain_rips(rng) -> None:
    points = rng.normal(size=(30, 2))
    plain = tp.persistence_diagrams(points, backend="gudhi")
    for a, b in zip(plain, tp.persistence_diagrams(points, dtm_neighbors=1), strict=True):
        np.testing.assert_allclose(a.pairs, b.pairs, atol=1e-12)


def test_distance_to_measure_does_not_see_an_outlier_in_the_hole(rng) -> None:
    circle, _ = tp.datasets.circle(150, noise=0.03, rng=rng)
    spoilt = np.vstack([circle, [[0.0, 0.0]]])
    rips, robust = (
        tp.persistence_diagrams(spoilt, dtm_neighbors=k)[1].persistence[0] for k in (None, 5)
    )
    clean = tp.persistence_diagrams(circle, dtm_neighbors=5)[1].persistence[0]
    assert rips < 0.7 * tp.persistence_diagrams(circle)[1].persistence[0]
    assert robust > 0.9 * clean


@pytest.mark.parametrize("n_neighbors", [0, 31, 2.5])
def test_impossible_numbers_of_neighbours_are_refused(rng, n_neighbors) -> None:
    with pytest.raises(tp.InvalidInputError, match="dtm_neighbors"):
        tp.persistence_diagrams(rng.normal(size=(30, 2)), dtm_neighbors=n_neighbors)
