"""Metrics on latents with a known answer, and against second implementations."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.spatial import procrustes
from scipy.spatial.distance import cdist, pdist
from scipy.stats import ortho_group, pearsonr
from sklearn.cross_decomposition import CCA

import topopert as tp
from topopert.comparison.metrics import disparity


def cloud(rng: np.random.Generator, n: int = 400, d: int = 3) -> np.ndarray:
    return rng.normal(size=(n, d)) * np.linspace(2, 0.7, d)


def rotations(rng: np.random.Generator, n_seeds: int, d: int = 3) -> np.ndarray:
    z = cloud(rng, d=d)
    return np.stack([z @ ortho_group.rvs(d, random_state=rng) for _ in range(n_seeds)])


def test_equal_latents_have_no_disparity(rng) -> None:
    metrics = tp.degeneracy(np.stack([cloud(rng)] * 4))
    for name in ("disparity", "invariant_disparity", "cca_disparity"):
        assert getattr(metrics, name).value == pytest.approx(0, abs=1e-9)
    for name in ("cka", "distance_correlation", "neighbour_overlap", "mcc"):
        assert getattr(metrics, name).value == pytest.approx(1)


def test_random_rotations_are_gauge_and_nothing_else(rng) -> None:
    metrics = tp.degeneracy(rotations(rng, 40))
    assert metrics.disparity.value == pytest.approx(1, abs=0.1)
    assert metrics.invariant_disparity.value < 1e-9
    assert metrics.cca_disparity.value < 1e-9
    assert metrics.distance_correlation.value == pytest.approx(1)
    assert metrics.neighbour_overlap.value == pytest.approx(1)
    assert metrics.mcc.value < 0.9
    assert metrics.distance_variation.value == 0
    assert metrics.udr.value < 0.6


def test_shift_is_no_disparity(rng) -> None:
    z = cloud(rng)
    assert tp.degeneracy(np.stack([z, z + 5, z - 1])).disparity.value < 1e-9


def test_linear_maps_leave_canonical_correlations(rng) -> None:
    z = cloud(rng)
    metrics = tp.degeneracy(np.stack([z @ rng.normal(size=(3, 3)) for _ in range(4)]))
    assert metrics.cca_disparity.value == pytest.approx(0, abs=1e-9)
    assert metrics.invariant_disparity.value > 0.01


def test_permuted_axes_match(rng) -> None:
    z = cloud(rng)
    metrics = tp.degeneracy(np.stack([z, -z[:, [1, 2, 0]], z[:, [2, 0, 1]]]))
    assert metrics.mcc.value == pytest.approx(1, abs=1e-9)
    assert metrics.disparity.value > 0.5


def test_independent_noise_agrees_in_nothing(rng) -> None:
    metrics = tp.degeneracy(rng.normal(size=(6, 2000, 3)))
    assert metrics.disparity.value == pytest.approx(1, abs=0.05)
    assert metrics.invariant_disparity.value > 0.9
    assert metrics.cca_disparity.value > 0.98
    assert metrics.neighbour_overlap.value < 0.05
    assert metrics.cka.value < 0.01
    assert metrics.mcc.value < 0.1
    assert metrics.udr.value < 0.05


def test_permuted_clusters_keep_their_neighbours_and_nothing_global(rng) -> None:
    corners = 10 * ortho_group.rvs(5, random_state=rng)
    blobs = 0.1 * rng.normal(size=(5, 40, 5))
    runs = [
        (blobs + corners[rng.permutation(5), None]).reshape(-1, 5) @ np.eye(5)[:, :2]
        for _ in range(8)
    ]
    metrics = tp.degeneracy(np.stack(runs))
    assert metrics.neighbour_overlap.value == pytest.approx(1)
    assert metrics.invariant_disparity.value > 0.1
    assert metrics.cca_disparity.value > 0.1
    assert metrics.distance_correlation.value < 0.8
    assert metrics.distance_variation.value > 0.2


def test_intervals_end_where_the_metrics_do(rng) -> None:
    wild = np.stack([scale * cloud(rng) for scale in (1, 1, 30)])  # one seed of three differs
    metrics = tp.degeneracy(wild)
    tops = {"disparity": 2, "invariant_disparity": 1, "cca_disparity": 1, "udr": 1, "cka": 1}
    for name, top in {**tops, "distance_variation": np.sqrt(3)}.items():
        estimate = getattr(metrics, name)
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= top, name
    assert metrics.distance_variation.high == np.sqrt(3)  # cut: the log interval alone is wider


def test_a_collapsed_axis_is_counted(rng) -> None:
    z = np.stack([cloud(rng) for _ in range(3)])
    z[0, :, 2] = 0
    metrics = tp.degeneracy(z)
    assert metrics.active_units.value == pytest.approx((2 + 3 + 3) / 3)
    lone = disparity.centred(np.stack([z[0], z[1]]))
    assert disparity.canonical_disparity(lone)[0, 1] > 1 / 3 - 1e-9  # one axis of three is lost


def test_an_axis_that_one_run_lacks_has_no_canonical_correlation(rng) -> None:
    z = cloud(rng)
    lacking = z.copy()
    lacking[:, 2] = 0
    pair = disparity.centred(np.stack([z, lacking]))
    assert disparity.canonical_disparity(pair)[0, 1] == pytest.approx(1 / 3)


def test_effective_rank_of_isotropic_latents_is_their_dimension() -> None:
    z = np.kron(np.vstack([np.eye(3), -np.eye(3)]), np.ones((5, 1)))
    assert tp.degeneracy(np.stack([z] * 3)).effective_rank.value == pytest.approx(3)


def test_invariant_disparity_is_scipys_procrustes(rng) -> None:
    a, b = disparity.centred(np.stack([cloud(rng), cloud(rng)]))
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    # scipy also scales: its m² is 1 − (nuclear norm)², ours 1 − nuclear norm at equal sizes
    ours = disparity.invariant_disparity(np.stack([a, b]))[0, 1]
    assert 1 - (1 - ours) ** 2 == pytest.approx(procrustes(a, b)[2])


def test_canonical_disparity_is_that_of_scikit_learn(rng) -> None:
    a = cloud(rng)
    b = 0.5 * a @ rng.normal(size=(3, 3)) + rng.normal(size=(400, 3))
    u, v = CCA(3, max_iter=5000, tol=1e-10).fit_transform(a, b)
    squared = [np.corrcoef(u[:, k], v[:, k])[0, 1] ** 2 for k in range(3)]
    ours = disparity.canonical_disparity(disparity.centred(np.stack([a, b])))[0, 1]
    assert ours == pytest.approx(1 - np.mean(squared), abs=1e-6)


def test_distance_correlation_is_scipys(rng) -> None:
    a, b = cloud(rng), cloud(rng)
    b += a
    ours = disparity.distance_correlation(np.stack([a, b]))
    assert ours == pytest.approx(np.corrcoef(pdist(a), pdist(b)))
    assert ours[0, 1] == pytest.approx(pearsonr(pdist(a), pdist(b))[0])


def test_neighbour_overlap_is_that_of_sorted_distances(rng) -> None:
    a, b = cloud(rng, n=60), cloud(rng, n=60)
    b += a
    near = [np.argsort(cdist(z, z), axis=1)[:, 1:11] for z in (a, b)]
    common = [len(np.intersect1d(one, two)) for one, two in zip(*near, strict=True)]
    ours = disparity.neighbour_overlap(np.stack([a, b]))
    assert ours[0, 1] == pytest.approx(np.mean(common) / 10)
    assert np.diagonal(ours) == pytest.approx(1)


def test_mcc_is_the_best_over_all_permutations_of_the_axes(rng) -> None:
    a, b = disparity.centred(np.stack([cloud(rng), cloud(rng)]))
    b = disparity.centred((b + a @ rng.normal(size=(3, 3)))[None])[0]
    relation = np.abs(np.corrcoef(a.T, b.T)[:3, 3:])
    expected = max(relation[range(3), order].mean() for order in permutations(range(3)))
    ours = disparity.axis_match_correlation(np.stack([a, b]))[0, 1]
    assert ours == pytest.approx(expected)


def test_cka_is_the_formula_on_gram_matrices(rng) -> None:
    a, b = disparity.centred(np.stack([cloud(rng), cloud(rng)]))
    one, two = a @ a.T, b @ b.T
    expected = (one * two).sum() / np.sqrt((one**2).sum() * (two**2).sum())
    assert disparity.linear_cka(np.stack([a, b]))[0, 1] == pytest.approx(expected)


def test_big_runs_are_compared_on_a_fixed_subset(rng) -> None:
    z = rng.normal(size=(3, 3000, 2))
    assert tp.degeneracy(z).neighbour_overlap == tp.degeneracy(z).neighbour_overlap


@pytest.mark.parametrize(
    "latents",
    [
        np.zeros((3, 10)),
        np.zeros((2, 10, 2)),
        np.zeros((3, 10, 2), dtype=int),
        np.full((3, 10, 2), np.nan),
        np.zeros((3, 10, 0)),
        [np.zeros((10, 2)), np.zeros((9, 2)), np.zeros((10, 2))],
        "latents",
    ],
)
def test_bad_latents_are_refused(latents) -> None:
    with pytest.raises(tp.InvalidInputError):
        tp.degeneracy(latents)


def test_a_run_that_maps_all_to_one_point_is_said(rng) -> None:
    z = rng.normal(size=(3, 50, 2))
    z[1] = 4.0
    with pytest.warns(tp.TopopertWarning, match=r"\[1\]"):
        metrics = tp.degeneracy(z)
    assert np.isfinite(metrics.distance_correlation.value)


def test_metrics_print_a_line_each(rng) -> None:
    lines = str(tp.degeneracy(rng.normal(size=(3, 50, 2)))).splitlines()
    assert len(lines) == 11
    assert lines[0].startswith("disparity ")
    assert "[" in lines[0]
