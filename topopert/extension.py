"""Values on landmarks, extended to new points by a partition of unity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from topopert.errors import InvalidInputError

if TYPE_CHECKING:
    from topopert.records import AnchorSpec

__all__ = ["LandmarkExtension", "extend", "landmark_weights"]

# A point outside every ball takes the landmarks up to this factor beyond its nearest one.
_REACH = 1.2


def landmark_weights(sq_dist: Tensor, radius: float | Tensor) -> Tensor:
    """The partition of unity: non-negative weights on the landmarks that sum to 1 per point.

    Each landmark carries the bump max(0, R² − distance²) on its ball. R is `radius`, or a little
    more than the distance to the nearest landmark where that is farther away, so that every point
    has an answer and the answer is continuous.

    Args:
        sq_dist: Squared distances to the landmarks, shape (B, n).
        radius: Radius of the balls, in units of the data.

    Returns:
        Weights, shape (B, n).
    """
    nearest = sq_dist.amin(dim=1, keepdim=True)  # (B, 1)
    reach = (_REACH**2 * nearest).clamp(min=radius**2)  # (B, 1)
    bump = (reach - sq_dist).relu()  # (B, n)
    return bump / bump.sum(dim=1, keepdim=True)


class LandmarkExtension(nn.Module):
    """The map x ↦ Σⱼ wⱼ(x) vⱼ of points (B, D) to values (B, d).

    Args:
        landmarks: Landmarks, shape (n, D).
        values: Values v on the landmarks, shape (n, d).
        radius: Radius of the partition of unity, positive, in units of the data.

    References:
        Perea, Sparse circular coordinates via principal Z-bundles (2020), section 5.
    """

    landmarks: Tensor
    sq_norms: Tensor
    center: Tensor
    values: Tensor
    radius: Tensor

    def __init__(self, landmarks: Tensor, values: Tensor, radius: float) -> None:
        super().__init__()
        # The matrix product loses digits far from the origin; around the centre it does not.
        center = landmarks.mean(dim=0)
        centred = landmarks - center
        self.register_buffer("center", center)
        self.register_buffer("landmarks", centred)
        self.register_buffer("sq_norms", centred.square().sum(dim=1))
        self.register_buffer("values", values)
        self.register_buffer("radius", torch.as_tensor(radius, dtype=landmarks.dtype))

    @classmethod
    def from_spec(cls, spec: AnchorSpec, *, dtype: torch.dtype | None = None) -> LandmarkExtension:
        """The extension of anchors, its buffers in `dtype` (torch's default if None)."""
        dtype = torch.get_default_dtype() if dtype is None else dtype
        return cls(
            torch.as_tensor(spec.landmarks).to(dtype),
            torch.as_tensor(spec.values).to(dtype),
            spec.radius,
        )

    def weights(self, points: Tensor) -> Tensor:
        """The weights of the landmarks, shape (B, n).

        Raises:
            InvalidInputError: If the points do not have the landmarks' number of features.
        """
        if points.ndim != 2 or points.shape[1] != self.landmarks.shape[1]:
            msg = (
                f"Anchors were fitted on {self.landmarks.shape[1]} features, got points of shape "
                f"{tuple(points.shape)}. Pass x as (B, {self.landmarks.shape[1]}), flattened."
            )
            raise InvalidInputError(msg)
        centred = points.to(self.landmarks.dtype) - self.center  # (B, D)
        sq_dist = torch.addmm(self.sq_norms, centred, self.landmarks.T, alpha=-2)
        sq_dist = (sq_dist + centred.square().sum(dim=1, keepdim=True)).clamp(min=0)  # (B, n)
        return landmark_weights(sq_dist, self.radius)

    def forward(self, points: Tensor) -> Tensor:
        """The values at the points, shape (B, d)."""
        return self.weights(points) @ self.values


def extend(
    extension: LandmarkExtension, points: NDArray[np.floating], *, block: int = 4096
) -> NDArray[np.float64]:
    """The extension at NumPy points, block by block, shape (N, d)."""
    return np.concatenate([values.numpy() for values in _blocks(extension, points, block)])


def _blocks(
    extension: LandmarkExtension, points: NDArray[np.floating], block: int
) -> Iterator[Tensor]:
    with torch.no_grad():
        for start in range(0, len(points), block):
            # A read-only memmap is copied: tensors cannot be read-only.
            rows = np.require(points[start : start + block], requirements="W")
            yield extension(torch.from_numpy(rows)).double()
