"""Memory maps and dask arrays: the same answers as in memory, and never the whole in memory."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

import topopert as tp


@pytest.fixture
def points(rng) -> np.ndarray:
    cloud, _ = tp.datasets.circle(9000, ambient_dim=3, noise=0.05, rng=rng)
    return cloud


def mapped(points: np.ndarray, path, dtype=np.float64) -> np.memmap:
    np.save(path, points.astype(dtype))
    return np.load(path, mmap_mode="r")


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
def test_memory_maps_give_what_arrays_give(points, tmp_path, dtype) -> None:
    points = (100 * points).astype(dtype)
    on_disk = mapped(points, tmp_path / "points.npy", dtype)
    indices, radius = tp.maxmin_landmarks(points, 60)
    again, same_radius = tp.maxmin_landmarks(on_disk, 60)
    np.testing.assert_array_equal(again, indices)
    assert same_radius == radius
    topology = tp.PersistentTopology(n_landmarks=60)
    anchors = topology.fit_transform(points)
    np.testing.assert_allclose(topology.fit_transform(on_disk), anchors, atol=1e-12)
    np.testing.assert_array_equal(
        topology.components(on_disk), np.zeros(len(points), dtype=np.int64)
    )


class WatchedMap(np.memmap):
    """A memory map that keeps the length of the longest piece ever taken of it."""

    longest = 0

    def __getitem__(self, index):
        piece = super().__getitem__(index)
        WatchedMap.longest = max(WatchedMap.longest, len(piece))
        return piece


def test_no_more_than_a_block_or_the_pool_is_ever_taken_of_a_memory_map(points, tmp_path) -> None:
    rows = np.vstack([points, points[::-1] + 0.01])  # 18 000
    watched = mapped(rows, tmp_path / "points.npy").view(WatchedMap)
    topology = tp.PersistentTopology(n_landmarks=60).fit(watched)
    topology.transform(watched)
    assert 0 < WatchedMap.longest <= 8192


def test_dask_landmarks_lie_within_the_bound_that_is_returned(points) -> None:
    array = da.from_array(points, chunks=(2500, 2))
    indices, bound = tp.maxmin_landmarks(array, 50)
    gaps = np.linalg.norm(points[:, None] - points[indices], axis=2).min(axis=1)
    _, exact = tp.maxmin_landmarks(points, 50)
    assert len(set(indices.tolist())) == 50
    assert gaps.max() <= bound
    assert bound <= 4 * exact  # each greedy step is within twice the best radius


def test_dask_arrays_are_fitted_and_transformed_chunk_by_chunk(points) -> None:
    array = da.from_array(points, chunks=(2500, -1))
    topology = tp.PersistentTopology(n_landmarks=100).fit(array)
    gaps = np.linalg.norm(points[:, None] - points[topology.landmarks_], axis=2).min(axis=1)
    assert topology.covering_radius_ == pytest.approx(gaps.max(), rel=1e-9)  # exact, not a bound
    assert [f.homology_dim for f in topology.features_] == [1]
    anchors = topology.transform(array)
    np.testing.assert_allclose(anchors, topology.transform(points), atol=1e-12)
    np.testing.assert_allclose(anchors.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(np.cov(anchors.T, bias=True), np.eye(2), atol=1e-9)
    np.testing.assert_allclose(
        topology.circular_coordinates(array), topology.circular_coordinates(points)
    )


def test_no_dask_task_ever_holds_more_than_a_chunk(points) -> None:
    largest = 0

    def watched(block: np.ndarray) -> np.ndarray:
        nonlocal largest
        largest = max(largest, len(block))
        return block

    array = da.from_array(points, chunks=(1000, -1)).map_blocks(watched, meta=points[:0])
    tp.PersistentTopology(n_landmarks=40).fit(array)
    assert 0 < largest <= 1000


def test_a_single_row_of_dask_is_read_as_numbers(points) -> None:
    whole = da.from_array((100 * points).astype(np.int64), chunks=4000)
    np.testing.assert_allclose(
        tp.PersistentTopology(n_landmarks=30).fit_transform(whole).mean(axis=0), 0, atol=1e-9
    )


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda p: da.from_array(np.where(p > 1, np.nan, p)), "NaN"),
        (lambda p: da.from_array(p[:, 0]), "one row"),
        (lambda p: da.from_array(p[:2]), "minimum of 3"),
        (lambda p: da.from_array(p[:, :0]), r"0 feature\(s\)"),
        (lambda p: da.from_array(p.astype(complex)), "Complex"),
        (lambda p: da.from_array(np.ones((10, 3))), "equal"),
        (lambda p: da.from_array(p)[da.from_array(p[:, 0]) > 0], "compute_chunk_sizes"),
    ],
)
def test_dask_arrays_that_cannot_be_used_are_refused(points, bad, message: str) -> None:
    with pytest.raises(tp.InvalidInputError, match=message):
        tp.PersistentTopology().fit(bad(points[:500]))


def test_what_needs_all_points_says_so(points, tmp_path) -> None:
    for outside in (mapped(points, tmp_path / "p.npy"), da.from_array(points)):
        with pytest.raises(tp.InvalidInputError, match="in memory"):
            tp.PersistentTopology(outliers="drop").fit(outside)


def test_a_view_in_reverse_is_as_good_as_its_copy(points) -> None:
    view = points[:300, ::-1]  # so scikit-learn's sparse solver returns principal components
    anchors = [tp.PersistentTopology().fit_transform(p) for p in (view, view.copy())]
    np.testing.assert_array_equal(*anchors)
