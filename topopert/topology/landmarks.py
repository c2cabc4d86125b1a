"""Landmarks by farthest-point (maxmin) sampling, and the points that each stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from torch import Tensor

from topopert._checks import check_count, check_spread, check_square_distances
from topopert.errors import InvalidInputError

from .distances import check_metric, distances_to
from .rows import DaskRows, Rows, read_rows

__all__ = [
    "LEAST_RESOLVED",
    "NearestLandmark",
    "landmarks_of_rows",
    "maxmin_landmarks",
    "nearest_landmarks",
]

_POOL = 8192
# Squared distances below this share of the squared extent are found in double precision.
LEAST_RESOLVED = 1e-2
_CANDIDATES = 256
# Squared distances that differ by less than this share are equal but for rounding. Of equally far
# points the one farthest from the mean is taken, so that on data of whole numbers, where ties are
# many, neither the order of the rows nor a rotation decides.
_TIE = {torch.float64: 1e-9, torch.float32: 1e-6}
# Squared distances below this, or above its inverse, are looked at twice.
_SMALL = {torch.float64: 1e-200, torch.float32: 1e-30}


def maxmin_landmarks(
    points: Any, n: int, *, metric: str = "euclidean"
) -> tuple[NDArray[np.intp], float]:
    """Landmarks, each the point farthest from those before it, and their covering radius.

    The first landmark is the point farthest from the mean (in a matrix of distances: the one
    farthest from all others on average), so nothing is random and the order of the rows does not
    matter. The covering radius r bounds what the landmarks miss: the Rips diagrams of the
    landmarks are within 2r of those of all points (bottleneck distance).

    The result is exact, but with Euclidean distances not found one pass per landmark. Distances
    only shrink as landmarks come, so a landmark found among the few thousand farthest points is
    the farthest of all as long as it is farther than everything outside that pool was; a pass over
    all points is due only when the pool is used up. Memory maps are read block by block.

    From a dask array each chunk gives its own n landmarks, and n of their union are taken. With
    radius r₁ of the chunks (the largest) and r₂ of the second step every point lies within
    r₁ + r₂ of a landmark, and that bound is returned.

    Args:
        points: Data, shape (N, D): array, tensor, memory map or dask array; or with
            ``metric="precomputed"`` distances, shape (N, N).
        n: Number of landmarks; n >= N takes all points, with radius 0.
        metric: "euclidean", "precomputed" or another name that scikit-learn's
            `pairwise_distances` knows; these others take one pass per landmark.

    Returns:
        Indices of the landmarks, shape (min(n, N),), and the covering radius in units of the
        metric; for a dask array an upper bound of it.

    Raises:
        InvalidInputError: If the points are not a finite (N, D) array, their distances are too
            large or too small to be squared, n < 1, or the metric is unknown or cannot be had of
            a dask array.

    References:
        Gonzalez, Clustering to minimize the maximum intercluster distance (1985).
        Chazal, de Silva, Oudot, Persistence stability for geometric complexes (2014), section 4.
        Malkomes, Kusner, Chen, Weinberger, Moseley, Fast distributed k-center clustering with
        outliers on massive data (2015), section 3: the two steps.
    """
    n = check_count(n, name="n")
    metric = check_metric(metric)
    if metric == "precomputed":
        dist = check_square_distances(points)
        return _by_columns(lambda k: dist[:, k], int(dist.mean(axis=1).argmax()), len(dist), n)
    rows = read_rows(points)
    if metric == "euclidean":
        return landmarks_of_rows(rows, n)
    if isinstance(rows, DaskRows):
        msg = f"Landmarks of a dask array are Euclidean; metric={metric!r} needs an array."
        raise InvalidInputError(msg)
    start = int(_squared_norms(rows, rows.dtype)[0].argmax())
    return _by_columns(lambda k: _column(rows, k, metric), start, len(rows), n)


def landmarks_of_rows(rows: Rows, n: int) -> tuple[NDArray[np.intp], float]:
    """`maxmin_landmarks` of checked rows, Euclidean."""
    if n >= len(rows):
        return np.arange(len(rows)), 0.0
    if isinstance(rows, DaskRows):
        return _in_two_steps(rows, n)
    indices, sq_dist, sq_norms = _farthest(rows, n, rows.dtype)
    if rows.dtype == np.float32 and sq_dist.max() < LEAST_RESOLVED * sq_norms.max():
        # Landmarks so close together that single precision no longer tells them apart.
        indices, sq_dist, _ = _farthest(rows, n, np.dtype(np.float64))
    # The radius by differences, of the points that may be the farthest.
    farthest = torch.topk(sq_dist, min(_CANDIDATES, len(rows))).indices.numpy()
    return indices, _largest_gap(rows.take(farthest), rows.take(indices))


def nearest_landmarks(
    points: NDArray[np.floating[Any]], landmarks: NDArray[np.floating[Any]]
) -> NDArray[np.intp]:
    """Index of the nearest landmark of each point, shape (N,).

    Args:
        points: Shape (N, D).
        landmarks: Shape (n, D).
    """
    search = NearestLandmark(landmarks, np.dtype(np.float64))
    return Rows(points).rowwise(search.nearest)


class NearestLandmark:
    """The search for the nearest landmark of a block of points; dask can send it to a worker.

    Args:
        landmarks: Shape (n, D).
        dtype: The precision of the matrix product.
    """

    def __init__(self, landmarks: NDArray[np.floating[Any]], dtype: np.dtype[Any]) -> None:
        self._landmarks = np.asarray(landmarks, dtype=np.float64)
        # Representable in either precision, so that points and landmarks move by the same.
        self._mean = self._landmarks.mean(axis=0).astype(np.float32)
        centred = self._landmarks - self._mean
        self._centres = torch.from_numpy(centred.astype(dtype))
        self._half_norms = 0.5 * self._centres.square().sum(dim=1)  # (n,)

    def nearest(self, block: NDArray[np.floating[Any]]) -> NDArray[np.intp]:
        """Nearest landmarks, shape (B,)."""
        return self(block)[0]

    def shares(self, block: NDArray[np.floating[Any]]) -> tuple[NDArray[np.intp], float]:
        """Number of points that have each landmark nearest, shape (n,), and the distance."""
        nearest, radius = self(block)
        return np.bincount(nearest, minlength=len(self._landmarks)), radius

    def __call__(self, block: NDArray[np.floating[Any]]) -> tuple[NDArray[np.intp], float]:
        """Nearest landmarks, shape (B,), and the distance of the point that has it farthest."""
        # Centred before it is cast: points far from the origin keep their digits.
        x = torch.from_numpy(block - self._mean).to(self._centres.dtype)
        half = torch.addmm(self._half_norms, x, self._centres.T, alpha=-1)  # ½distance² − ½norm²
        least, indices = half.min(dim=1)
        norms = x.square().sum(dim=1)
        sq_dist = 2 * least + norms
        if half.dtype == torch.float64:
            # Of equally near landmarks the earlier one, whatever rounding makes of the tie.
            tied = half <= (least + _TIE[half.dtype] * norms.mean())[:, None]
            indices = tied.int().argmax(dim=1)
        nearest = indices.numpy()
        far = torch.topk(sq_dist, min(_CANDIDATES, len(x))).indices.numpy()
        gaps = block[far].astype(np.float64) - self._landmarks[nearest[far]]
        return nearest, float(np.linalg.norm(gaps, axis=1).max())


def _in_two_steps(rows: DaskRows, n: int) -> tuple[NDArray[np.intp], float]:
    local = rows.map_chunks(_ChunkLandmarks(n))
    starts = np.cumsum([0, *rows.chunk_sizes[:-1]])
    candidates = np.concatenate(
        [start + indices for start, (indices, _, _) in zip(starts, local, strict=True)]
    )
    union = Rows(np.concatenate([points for _, points, _ in local]))
    chosen, radius = landmarks_of_rows(union, n)
    return candidates[chosen], radius + max(radius for _, _, radius in local)


class _ChunkLandmarks:
    """Landmarks of one chunk, those points and their covering radius."""

    def __init__(self, n: int) -> None:
        self._n = n

    def __call__(
        self, chunk: NDArray[Any]
    ) -> tuple[NDArray[np.intp], NDArray[np.floating[Any]], float]:
        rows = Rows(chunk)
        indices, radius = landmarks_of_rows(rows, self._n)
        return indices, rows.take(indices), radius


def _by_columns(
    column: Callable[[int], NDArray[np.floating[Any]]], start: int, n_points: int, n: int
) -> tuple[NDArray[np.intp], float]:
    """Landmarks from any distance, one column of distances to all points at a time."""
    if n >= n_points:
        return np.arange(n_points), 0.0
    indices = np.empty(n, dtype=np.intp)
    nearest = np.full(n_points, np.inf)
    for k in range(n):
        indices[k] = start
        np.minimum(nearest, column(start), out=nearest)
        nearest[start] = -np.inf  # whatever rounding left: no landmark is chosen twice
        start = int(nearest.argmax())
    return indices, max(0.0, float(nearest.max()))


def _column(rows: Rows, k: int, metric: str) -> NDArray[np.float64]:
    landmark = rows.take(np.array([k]))
    columns = [distances_to(block, landmark, metric=metric)[:, 0] for block in rows.blocks()]
    return np.concatenate(columns)


def _largest_gap(points: NDArray[np.floating[Any]], landmarks: NDArray[np.floating[Any]]) -> float:
    """The largest distance of a point to its landmark, by differences in double precision."""
    gaps = cdist(points.astype(np.float64), landmarks.astype(np.float64))
    return float(gaps.min(axis=1).max())


def _squared_norms(rows: Rows, dtype: np.dtype[Any]) -> tuple[Tensor, NDArray[Any]]:
    """Squared distances of the rows to their mean, shape (N,), and the mean."""
    total = sum(block.sum(axis=0, dtype=np.float64) for block in rows.blocks())
    mean = np.asarray(total / len(rows), dtype=dtype)
    # Written in place: small results kept between large blocks would leave holes in memory.
    sq_norms = torch.empty(len(rows), dtype=torch.from_numpy(mean).dtype)
    start = 0
    for points in rows.blocks():
        block = slice(start, start + len(points))
        torch.sum(_centred(points, mean).square_(), dim=1, out=sq_norms[block])
        start += len(points)
    return sq_norms, mean


def _farthest(rows: Rows, n: int, dtype: np.dtype[Any]) -> tuple[NDArray[np.intp], Tensor, Tensor]:
    """Indices of n < N landmarks; squared distances to them and to the mean, shape (N,)."""
    sq_norms, mean = _squared_norms(rows, dtype)
    if not _SMALL[sq_norms.dtype] < float(sq_norms.max()) < 1 / _SMALL[sq_norms.dtype]:
        _check_unit(rows)
    sq_dist = torch.full_like(sq_norms, torch.inf)  # to the nearest landmark so far
    indices = np.empty(n, dtype=np.intp)
    indices[0] = int(sq_norms.argmax())
    seen, found = 0, 1
    while True:
        _shrink(sq_dist, rows, mean, sq_norms, indices[seen:found])
        seen = found
        if found == n:
            break
        found = _search_pool(sq_dist, rows, mean, sq_norms, indices, found)
    return indices, sq_dist, sq_norms


def _check_unit(rows: Rows) -> None:
    """Refuse points whose distances floating-point numbers cannot square; equal ones may pass."""
    first = rows.take(np.array([0]))
    spread = max(float(np.abs(block - first).max()) for block in rows.blocks())
    if spread > 0:
        check_spread(spread, n_points=len(rows), dtype=rows.dtype)


def _centred(points: NDArray[Any], mean: NDArray[Any]) -> Tensor:
    return torch.from_numpy(points.astype(mean.dtype, copy=False) - mean)


def _shrink(
    sq_dist: Tensor, rows: Rows, mean: NDArray[Any], sq_norms: Tensor, new: NDArray[np.intp]
) -> None:
    """Take new landmarks into account, in place: one pass over all points."""
    centres = _centred(rows.take(new), mean)
    own = sq_norms[new][:, None]
    # By matrix product on centred data: 30 times faster than differences, and what rounding leaves
    # is far below the distance of a farthest point.
    start = 0
    for points in rows.blocks():
        block = slice(start, start + len(points))
        closest = torch.addmm(own, centres, _centred(points, mean).T, alpha=-2).amin(dim=0)
        torch.minimum(sq_dist[block], closest + sq_norms[block], out=sq_dist[block])
        start += len(points)
    sq_dist[new] = -torch.inf  # no landmark is chosen twice, nor before a copy of it


def _search_pool(
    sq_dist: Tensor,
    rows: Rows,
    mean: NDArray[Any],
    sq_norms: Tensor,
    indices: NDArray[np.intp],
    found: int,
) -> int:
    """Fill in landmarks from the pool of farthest points; how many there are now."""
    values, order = torch.topk(sq_dist, min(_POOL, len(rows) - 1) + 1, sorted=False)
    bound = values.min()
    pool = order[values > bound].sort().values
    own, inside = sq_dist[pool], _centred(rows.take(pool.numpy()), mean)
    norms, first = sq_norms[pool], found
    tie = 1 - _TIE[own.dtype]
    while len(pool) > 0 and found < len(indices):  # empty where all points are equally far
        k = int(own.argmax())
        if own[k] * tie <= bound:
            break
        equal = torch.nonzero(own >= own[k] * tie).flatten()
        if len(equal) > 1:
            k = int(equal[norms[equal].argmax()])
        indices[found] = int(pool[k])
        found += 1
        reached = torch.addmv(norms + norms[k], inside, inside[k], alpha=-2)
        torch.minimum(own, reached, out=own)
        own[k] = -torch.inf
    if found == first:  # more than the pool holds are equally far, and it found none
        equal = torch.nonzero(sq_dist >= sq_dist.max() * tie).flatten()
        # Where all that is left are copies of landmarks, which of them follow does not matter.
        wanted = len(indices) - found if sq_dist.max() <= 0 else 1
        best = equal[torch.topk(sq_norms[equal], min(wanted, len(equal))).indices]
        indices[found : found + len(best)] = best.numpy()
        found += len(best)
    return found
