"""The edges that persistence selects in a batch, by NumPy, and their lengths, by autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg.blas import dsyr2k, dsyrk  # type: ignore[attr-defined]  # no stubs
from scipy.spatial.distance import pdist, squareform
from torch import Tensor

from topopert.backends import rips_pairs, spanning_tree_edges

__all__ = ["relative_lengths", "select_edges", "selected_edges", "squared_distances"]

# Up to here scipy's differences are as fast as a matrix product.
_FEW_AXES = 6
# The product's error is some 1e-15 of the squared radius. Nearer pairs are measured again.
_NEAR = 1e-6
_BLOCK = 4096  # edges measured at once
_TINY = 1e-30  # stands for the longest distance where there is none


def squared_distances(points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Squared distances, in the order of `pdist`.

    Not by the distances of the topology stage: in 50 axes those take six times as long. The matrix
    product on centred float64 data is as exact where points are apart; where they are near, and
    it is not, differences take its place.

    Args:
        points: Shape (n, D), n >= 2, of a size whose square is no overflow in double precision.

    Returns:
        Shape (n(n − 1)/2,); not finite where a point is not.
    """
    n_points, n_axes = points.shape
    if n_axes <= _FEW_AXES:
        return np.asarray(pdist(points, metric="sqeuclidean"), dtype=np.float64)
    centred = np.subtract(points, points.mean(axis=0), dtype=np.float64)
    sq_norms = np.einsum("ij,ij->i", centred, centred)
    # ∣a∣² + ∣b∣² − 2ab in half of a matrix: numpy's and torch's products would fill all of it.
    square = np.empty((n_points, n_points))
    dsyrk(-2.0, centred.T, trans=1, lower=1, c=square.T, overwrite_c=1)
    ones = np.ones((1, n_points))
    dsyr2k(1.0, sq_norms[None], ones, beta=1.0, trans=1, lower=1, c=square.T, overwrite_c=1)
    sq_dist = squareform(square, checks=False)  # reads the upper half
    least = _NEAR * sq_norms.max()
    near = np.flatnonzero(sq_dist < least) if sq_dist.min() < least else np.empty(0, np.intp)
    for start in range(0, len(near), _BLOCK):
        block = near[start : start + _BLOCK]
        i, j = edge_ends(block, n_points).T
        gap = np.subtract(points[i], points[j], dtype=np.float64)
        sq_dist[block] = np.einsum("ij,ij->i", gap, gap)
    return sq_dist


def edge_ends(places: NDArray[np.int64], n_points: int) -> NDArray[np.int64]:
    """The two points of each edge, shape (K, 2), from its place in the order of `pdist`."""
    first = np.arange(n_points)
    row_starts = first * (2 * n_points - first - 1) // 2
    i = np.searchsorted(row_starts, places, side="right") - 1
    # The row of the last point is empty and starts where the arrays end.
    return np.stack([i, places - row_starts[i] + i + 1], axis=1)


def select_edges(
    codes: NDArray[np.floating[Any]], data: NDArray[np.floating[Any]], max_homology_dim: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The edges that the persistence pairs of both clouds select, and their lengths in the data.

    A bar of H0 gives the edge of its death, all others that of their birth and of their death.

    Args:
        codes: Shape (B, d).
        data: Shape (B, D).
        max_homology_dim: Highest homology dimension.

    Returns:
        Points of the edges, shape (K + 2, 2), the last two the longest edges of codes and data;
        lengths in the data, shape (K,), divided by the longest. Edges from a point to itself and
        lengths NaN where a coordinate is not finite.
    """
    n_points = len(codes)
    if n_points == 1:
        return np.zeros((2, 2), dtype=np.int64), np.empty(0)
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is seen below
        distances = [squared_distances(cloud) for cloud in (codes, data)]
    longest = [int(sq_dist.argmax()) for sq_dist in distances]  # that of a NaN if there is one
    sizes = [sq_dist[k] for sq_dist, k in zip(distances, longest, strict=True)]
    if not np.isfinite(sizes).all():
        # No order to filter by: as many edges as ever for H0, and NaN for an energy.
        own = np.arange(2 * n_points) % n_points
        return np.stack([own, own], axis=1), np.full(2 * n_points - 2, np.nan)
    places = [spanning_tree_edges(sq_dist) for sq_dist in distances]
    if max_homology_dim > 0 and n_points > 2:
        for sq_dist in distances:
            pairs = rips_pairs(sq_dist, max_homology_dim=max_homology_dim)
            places += [edges.ravel() for edges in pairs]
    selected = np.concatenate(places)
    # Points that all coincide have no longest distance: their lengths are 0.
    lengths = np.sqrt(distances[1][selected] / (sizes[1] or 1.0))
    return edge_ends(np.concatenate([selected, longest]), n_points), lengths


class _SelectEdges(torch.autograd.Function):
    """`select_edges` under `torch.func.vmap`: batch by batch."""

    @staticmethod
    def forward(z: Tensor, x: Tensor, max_homology_dim: int) -> tuple[Tensor, Tensor]:
        return _select_edges(z, x, max_homology_dim)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        ctx.mark_non_differentiable(*output)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> tuple[None, None, None]:
        return None, None, None

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], *args: Any
    ) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        z, x, max_homology_dim = args
        batches = [
            value.expand(info.batch_size, *value.shape) if dim is None else value.movedim(dim, 0)
            for value, dim in zip((z, x), in_dims, strict=False)
        ]
        found = [
            _SelectEdges.apply(*pair, max_homology_dim) for pair in zip(*batches, strict=True)
        ]
        most = max(len(lengths) for _, lengths in found)
        # An edge from a point to itself has length 0 in both clouds, so it adds nothing.
        ends = [torch.cat([e.new_zeros(most + 2 - len(e), 2), e]) for e, _ in found]
        lengths = [torch.cat([own.new_zeros(most - len(own)), own]) for _, own in found]
        return (torch.stack(ends), torch.stack(lengths)), (0, 0)


def selected_edges(z: Tensor, x: Tensor, max_homology_dim: int) -> tuple[Tensor, Tensor]:
    """`select_edges` for tensors: edges (K + 2, 2) and their lengths in the data, (K,)."""
    if torch.compiler.is_compiling():
        # Left out of the graph: NumPy's code is not to be turned into torch's.
        eager: Any = torch.compiler.disable(_select_edges)
        return eager(z, x, max_homology_dim)
    if torch.func.debug_unwrap(z) is z and torch.func.debug_unwrap(x) is x:
        return _select_edges(z, x, max_homology_dim)
    return _SelectEdges.apply(z, x, max_homology_dim)  # .1 ms slower


def _select_edges(z: Tensor, x: Tensor, max_homology_dim: int) -> tuple[Tensor, Tensor]:
    codes, data = (value.detach().cpu().numpy() for value in (z, x))
    edges, lengths = select_edges(codes, data, max_homology_dim)
    return torch.from_numpy(edges).to(z.device), torch.from_numpy(lengths).to(z)


def relative_lengths(points: Tensor, edges: Tensor) -> Tensor:
    """Lengths of all edges but the last, divided by the last one's, shape (K,), differentiable.

    The gradient of a length 0 is 0; all lengths are 0 if the last one's is.

    Args:
        points: Shape (B, D).
        edges: Indices of points, shape (K + 1, 2).
    """
    first, second = edges.unbind(1)
    # vector_norm takes the subgradient 0 at 0, where the root's derivative is infinite.
    lengths = torch.linalg.vector_norm(points[first] - points[second], dim=1)
    return lengths[:-1] / lengths[-1].clamp(min=_TINY)
