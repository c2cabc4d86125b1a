"""Which of a set of points are neighbours."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist
from torch import Tensor

__all__ = ["linking_pairs", "neighbour_pairs"]

# So few points are all neighbours of each other.
_FEW = 12
# Beyond this many the spanning tree is taken of near neighbours, not of all distances.
_MANY = 3000


def neighbour_pairs(points: Tensor, n_neighbours: int) -> Tensor:
    """Pairs of each point and its nearest ones, each once, i < j, shape (P, 2)."""
    array = points.detach().cpu().numpy()
    k = min(n_neighbours, len(array) - 1)
    if k < 1:
        return torch.zeros(0, 2, dtype=torch.int64, device=points.device)
    _, near = KDTree(array).query(array, k=k + 1)
    own = np.repeat(np.arange(len(array)), k + 1)
    return _unique(own, near.ravel()).to(points.device)


def linking_pairs(points: Tensor, *, n_neighbours: int = 4) -> Tensor:
    """Pairs of the spanning tree and of near neighbours; of at most 12 points all, (P, 2)."""
    n = len(points)
    if n <= _FEW:
        return torch.combinations(torch.arange(n, device=points.device))
    near = neighbour_pairs(points, n_neighbours)
    if n > _MANY:
        return near
    array = points.detach().cpu().numpy()
    tree = minimum_spanning_tree(cdist(array, array)).tocoo()
    i, j = near.cpu().numpy().T
    return _unique(np.concatenate([i, tree.row]), np.concatenate([j, tree.col])).to(near.device)


def _unique(a: np.ndarray, b: np.ndarray) -> Tensor:
    pairs = np.unique(np.stack([np.minimum(a, b), np.maximum(a, b)], axis=1), axis=0)
    return torch.from_numpy(pairs[pairs[:, 0] < pairs[:, 1]].astype(np.int64))
