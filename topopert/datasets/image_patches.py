"""Small patches of photographs, whose densest part lies near a circle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_sample_images

from topopert._checks import check_count, check_real
from topopert._lazy import require
from topopert.errors import InvalidInputError

from ._dataset import Dataset, check_rng

__all__ = ["image_patches"]

_SIZE = 3
_LUMINANCE = np.array([0.299, 0.587, 0.114])  # of red, green and blue, ITU-R BT.601
_CONTRAST_SHARE = 0.2
_POOL = 10_000
_BLOCK = 1000


def image_patches(
    n_points: int = 2000,
    *,
    density_share: float = 0.2,
    n_neighbours: int = 600,
    rng: np.random.Generator,
) -> Dataset:
    """High-contrast 3×3 patches of the two photographs that scikit-learn ships, in R⁸.

    Of each photograph's patches of log intensity the 20 % of highest contrast are kept, 10 000 of
    them are drawn, and the densest of those, by the distance to a near neighbour, are the data.
    Each patch has mean 0 and contrast 1 and is written in the basis of the discrete cosine
    transform, orthonormal for the contrast: it is a point of the sphere S⁷.

    The densest part is linear gradients of all directions, the primary circle: Betti numbers 1, 1.
    Parameters: the direction of the gradient, in (−π, π].

    The photographs are taken at half their resolution: at full resolution their densest patches
    are what the JPEG compression left and not what the lens saw.

    Args:
        n_points: Number of patches, at most density_share · 10 000.
        density_share: Share of the drawn patches that is kept, the densest ones; 1 keeps all.
        n_neighbours: The density is taken from the distance to this neighbour. The smaller, the
            more local it is; below about 300 the patches of two photographs show more loops than
            the primary circle.
        rng: Source of the draws.

    Raises:
        InvalidInputError: If an argument cannot be used.
        MissingDependencyError: If Pillow, which reads the photographs, is missing.

    References:
        Lee, Pedersen, Mumford, The nonlinear statistics of high-contrast patches in natural
        images (2003).
        Carlsson, Ishkhanov, de Silva, Zomorodian, On the local behavior of spaces of natural
        images (2008).
    """
    check_rng(rng)
    n_points = check_count(n_points, name="n_points")
    n_neighbours = check_count(n_neighbours, name="n_neighbours")
    share = check_real(density_share, name="density_share", low=0.0, high=1.0, low_open=True)
    n_dense = round(share * _POOL)
    if n_points > n_dense:
        msg = (
            f"`n_points` must be at most {n_dense}, the densest {share:g} of {_POOL} patches, got "
            f"{n_points}. Give fewer points or a larger `density_share`."
        )
        raise InvalidInputError(msg)
    if n_neighbours >= _POOL:
        msg = f"`n_neighbours` must be below {_POOL}, got {n_neighbours}."
        raise InvalidInputError(msg)
    patches = _high_contrast_patches()
    patches = patches[rng.permutation(len(patches))[:_POOL]]
    densest = np.argsort(-_nearness(patches, n_neighbours), kind="stable")[:n_dense]
    points = patches[rng.permutation(densest)[:n_points]]
    return Dataset(points=points, parameters=np.arctan2(points[:, 1], points[:, 0])[:, None])


def _nearness(patches: NDArray[np.float64], n_neighbours: int) -> NDArray[np.float32]:
    """Cosine of the angle to the n-th nearest other patch, shape (N,)."""
    single = patches.astype(np.float32)  # six times faster to sort
    rank = len(patches) - 1 - n_neighbours  # ascending; the largest is the patch itself
    blocks = np.array_split(single, range(_BLOCK, len(patches), _BLOCK))
    return np.concatenate(
        [np.partition(block @ single.T, rank, axis=1)[:, rank] for block in blocks]
    )


def _high_contrast_patches() -> NDArray[np.float64]:
    """Coordinates of the patches of highest contrast, each of norm 1, shape (M, 8)."""
    require("PIL", extra="images")  # scikit-learn reads the photographs with it
    basis = _cosine_basis()
    kept = []
    for photograph in load_sample_images().images:
        intensity = np.log1p(_halved(photograph @ _LUMINANCE))
        windows = np.lib.stride_tricks.sliding_window_view(intensity, (_SIZE, _SIZE))
        patches = windows.reshape(-1, _SIZE**2) @ basis.T
        contrast = np.linalg.norm(patches, axis=1)
        high = contrast >= np.quantile(contrast, 1 - _CONTRAST_SHARE)
        kept.append(patches[high] / contrast[high, None])
    return np.concatenate(kept)


def _halved(image: NDArray[np.float64]) -> NDArray[np.float64]:
    height, width = (2 * (side // 2) for side in image.shape)
    return image[:height, :width].reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))


def _cosine_basis() -> NDArray[np.float64]:
    """Rows that give a patch's 8 coordinates, whose norm is its contrast, shape (8, 9).

    The contrast, or D-norm, is the root of the summed squared differences of pixels that are
    neighbours: the quadratic form of the grid's Laplacian, which products of one-dimensional
    cosines make diagonal. The first two rows are the gradients along columns and along rows.
    """
    path = np.array([[1.0, 1.0, 1.0], [-1.0, 0.0, 1.0], [1.0, -2.0, 1.0]])
    path /= np.linalg.norm(path, axis=1, keepdims=True)
    eigenvalues = np.array([0.0, 1.0, 3.0])  # of the path of three pixels
    orders = [(0, 1), (1, 0), (0, 2), (2, 0), (1, 1), (1, 2), (2, 1), (2, 2)]
    return np.stack(
        [
            np.sqrt(eigenvalues[i] + eigenvalues[j]) * np.outer(path[i], path[j]).ravel()
            for i, j in orders
        ]
    )
