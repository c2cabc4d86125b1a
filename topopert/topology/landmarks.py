"""Landmarks by farthest-point (maxmin) sampling, and the points that each stands for."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from torch import Tensor

from topopert._checks import check_count, check_points

__all__ = ["maxmin_landmarks", "nearest_landmarks"]

_BLOCK = 4096  # rows at a time: a block and its distances stay in the cache
_POOL = 8192
# Squared distances below this share of the squared extent are found in double precision.
_LEAST_RESOLVED = 1e-2
_CANDIDATES = 256


def maxmin_landmarks(points: Any, n: int) -> tuple[NDArray[np.intp], float]:
    """Landmarks, each the point farthest from those before it, and their covering radius.

    The first landmark is the point farthest from the mean, so nothing is random and the order of
    the rows does not matter. The covering radius r bounds what the landmarks miss: the Rips
    diagrams of the landmarks are within 2r of those of all points (bottleneck distance).

    The result is exact, but not found one pass per landmark. Distances only shrink as landmarks
    come, so a landmark found among the few thousand farthest points is the farthest of all as long
    as it is farther than everything outside that pool was; a pass over all points is due only
    when the pool is used up.

    Args:
        points: Data, shape (N, D).
        n: Number of landmarks; n >= N takes all points, with radius 0.

    Returns:
        Indices of the landmarks, shape (min(n, N),), and the covering radius in units of the data.

    Raises:
        InvalidInputError: If the points are not a finite (N, D) array or n < 1.

    References:
        Gonzalez, Clustering to minimize the maximum intercluster distance (1985).
        Chazal, de Silva, Oudot, Persistence stability for geometric complexes (2014), section 4.
    """
    array = check_points(points, min_points=1)
    n = check_count(n, name="n")
    if n >= len(array):
        return np.arange(len(array)), 0.0
    x = _tensor(array)
    indices, sq_dist, sq_norms = _farthest(x, n, x.dtype)
    if x.dtype == torch.float32 and sq_dist.max() < _LEAST_RESOLVED * sq_norms.max():
        # Landmarks so close together that single precision no longer tells them apart.
        indices, sq_dist, _ = _farthest(x, n, torch.float64)
    # The radius by differences, of the points that may be the farthest.
    farthest = torch.topk(sq_dist, min(_CANDIDATES, len(x))).indices.numpy()
    gaps = cdist(array[farthest].astype(np.float64), array[indices].astype(np.float64))
    return indices, float(gaps.min(axis=1).max())


def _farthest(x: Tensor, n: int, dtype: torch.dtype) -> tuple[NDArray[np.intp], Tensor, Tensor]:
    """Indices of n < N landmarks; squared distances to them and to the mean, shape (N,)."""
    mean = x.mean(dim=0, dtype=torch.float64).to(dtype)
    sq_norms = torch.cat(
        [(block.to(dtype) - mean).square().sum(dim=1) for block in x.split(_BLOCK)]
    )
    sq_dist = torch.full_like(sq_norms, torch.inf)  # to the nearest landmark so far
    indices = torch.empty(n, dtype=torch.int64)
    indices[0] = sq_norms.argmax()
    seen, found = 0, 1
    while True:
        _shrink(sq_dist, x, mean, sq_norms, indices[seen:found])
        seen = found
        if found == n:
            break
        found = _search_pool(sq_dist, x, mean, sq_norms, indices, found)
    return indices.numpy(), sq_dist, sq_norms


def nearest_landmarks(
    points: NDArray[np.floating[Any]], landmarks: NDArray[np.floating[Any]]
) -> NDArray[np.intp]:
    """Index of the nearest landmark of each point, shape (N,).

    Args:
        points: Shape (N, D).
        landmarks: Shape (n, D).
    """
    x = _tensor(points)
    centres = _tensor(np.asarray(landmarks, dtype=np.float64))
    mean = centres.mean(dim=0)  # float64: the blocks follow
    centres = centres - mean
    half_norms = 0.5 * centres.square().sum(dim=1)  # (n,)
    nearest = [
        torch.addmm(half_norms, block - mean, centres.T, alpha=-1).argmin(dim=1)
        for block in x.split(_BLOCK)
    ]
    return torch.cat(nearest).numpy()


def _shrink(sq_dist: Tensor, x: Tensor, mean: Tensor, sq_norms: Tensor, new: Tensor) -> None:
    """Take new landmarks into account, in place: one pass over all points."""
    centres = x[new].to(mean.dtype) - mean
    own = sq_norms[new][:, None]
    # By matrix product on centred data: 30 times faster than differences, and what rounding leaves
    # is far below the distance of a farthest point.
    for start in range(0, len(x), _BLOCK):
        block = slice(start, start + _BLOCK)
        closest = torch.addmm(own, centres, (x[block].to(mean.dtype) - mean).T, alpha=-2).amin(
            dim=0
        )
        torch.minimum(sq_dist[block], closest + sq_norms[block], out=sq_dist[block])
    sq_dist[new] = 0.0  # whatever rounding left: no landmark is chosen twice


def _search_pool(
    sq_dist: Tensor, x: Tensor, mean: Tensor, sq_norms: Tensor, indices: Tensor, found: int
) -> int:
    """Fill in landmarks from the pool of farthest points; how many there are now."""
    values, order = torch.topk(sq_dist, min(_POOL, len(x) - 1) + 1, sorted=False)
    bound = values.min()
    pool = order[values > bound].sort().values
    if len(pool) == 0:  # all equally far: any of them is right, take the first
        indices[found] = int(sq_dist.argmax())
        return found + 1
    own, inside = sq_dist[pool], x[pool].to(mean.dtype) - mean
    norms = sq_norms[pool]
    while found < len(indices):
        k = int(own.argmax())
        if own[k] <= bound:
            break
        indices[found] = pool[k]
        found += 1
        reached = torch.addmv(norms + norms[k], inside, inside[k], alpha=-2)
        torch.minimum(own, reached, out=own)
        own[k] = 0.0
    return found


def _tensor(array: NDArray[np.floating[Any]]) -> Tensor:
    # A read-only memmap is copied: tensors cannot be read-only.
    return torch.from_numpy(np.require(array, requirements="W"))
