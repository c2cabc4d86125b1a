"""Values on landmarks, extended to new points by a partition of unity."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from topopert.errors import InvalidInputError

if TYPE_CHECKING:
    from topopert.records import AnchorSpec

__all__ = ["LandmarkExtension", "extend", "landmark_bumps"]

# A point outside every ball takes the landmarks up to this factor beyond its nearest one.
_REACH = 1.2


def landmark_bumps(points: Tensor, landmarks: Tensor, landmark_sq_norms: Tensor) -> Tensor:
    """The bumps max(0, R² − distance²) of the landmarks at the points, shape (B, n).

    R is 1, or a little more than the distance to the nearest landmark where that is farther away,
    so that every point lies in some bump and nothing jumps.

    Args:
        points: Shape (B, D), near the origin: distances are found by matrix product.
        landmarks: Shape (n, D).
        landmark_sq_norms: Their squared norms, shape (n,).
    """
    own = points.square().sum(dim=1, keepdim=True)  # (B, 1)
    excess = torch.addmm(landmark_sq_norms, points, landmarks.T, alpha=-2)  # distance² − own
    least = excess.amin(dim=1, keepdim=True)  # (B, 1)
    nearest = (least + own).clamp(min=0)  # (B, 1)
    sq_reach = nearest.mul(_REACH**2).clamp(min=1)  # (B, 1), radii are the unit
    # Differences to the nearest landmark first: its bump is then above 0 whatever rounding does.
    return torch.sub(sq_reach - nearest, excess - least).relu()  # (B, n)


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
    weighted: Tensor  # values and a column of ones
    radius: Tensor

    def __init__(self, landmarks: Tensor, values: Tensor, radius: float) -> None:
        super().__init__()
        # The matrix product loses digits far from the origin; around the centre it does not.
        # It is representable in single precision, so that a later cast moves nothing.
        center = landmarks.mean(dim=0).float().to(landmarks.dtype)
        # In units of the radius no data are too large or too small for single precision.
        centred = (landmarks - center) / radius
        self.register_buffer("center", center)
        self.register_buffer("landmarks", centred)
        self.register_buffer("sq_norms", centred.square().sum(dim=1))
        self.register_buffer("weighted", torch.hstack([values, torch.ones_like(values[:, :1])]))
        self.register_buffer("radius", torch.as_tensor(radius, dtype=landmarks.dtype))

    @classmethod
    def from_spec(cls, spec: AnchorSpec, *, dtype: torch.dtype | None = None) -> LandmarkExtension:
        """The extension of anchors, its buffers in `dtype` (torch's default if None)."""
        dtype = torch.get_default_dtype() if dtype is None else dtype
        # Copies: buffers are the module's own, and torch warns of arrays that are read-only.
        landmarks, values = (
            torch.from_numpy(np.array(array, dtype=np.float64))
            for array in (spec.landmarks, spec.values)
        )
        return cls(landmarks, values, spec.radius).to(dtype)

    def weights(self, points: Tensor) -> Tensor:
        """The partition of unity at the points: rows sum to 1, shape (B, n).

        Raises:
            InvalidInputError: If the points do not have the landmarks' number of features.
        """
        with _full_precision(points.device.type):
            bumps = self._bumps(points)
            return bumps / bumps.sum(dim=1, keepdim=True)

    def forward(self, points: Tensor) -> Tensor:
        """The values at the points, shape (B, d).

        Raises:
            InvalidInputError: If the points do not have the landmarks' number of features.
        """
        # Distances by matrix product in half precision would be noise.
        with _full_precision(points.device.type):
            # The same as weights @ values, without another pass over (B, n) to divide.
            sums = self._bumps(points) @ self.weighted  # (B, d + 1)
            return sums[:, :-1] / sums[:, -1:]

    def _bumps(self, points: Tensor) -> Tensor:
        if points.ndim != 2 or points.shape[1] != self.landmarks.shape[1]:
            msg = (
                f"Anchors were fitted on {self.landmarks.shape[1]} features, got points of shape "
                f"{tuple(points.shape)}. Pass x as (B, {self.landmarks.shape[1]}), flattened."
            )
            raise InvalidInputError(msg)
        # Centred before it is cast: float64 points far from the origin keep their digits.
        near = ((points - self.center) / self.radius).to(self.landmarks.dtype)
        return landmark_bumps(near, self.landmarks, self.sq_norms)


def _full_precision(device_type: str) -> AbstractContextManager[object]:
    """A block without autocast, for nothing where there is none."""
    # Where there are shapes but no values, torch knows no autocast and raises.
    if device_type != "meta" and torch.is_autocast_enabled(device_type):
        return torch.autocast(device_type, enabled=False)
    return nullcontext()


def extend(extension: LandmarkExtension, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The extension at a block of writable NumPy points, shape (B, d)."""
    with torch.no_grad():
        return extension(torch.from_numpy(points)).double().numpy()
