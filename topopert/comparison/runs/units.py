"""The data in their own unit, and the decoder's noise in it."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topopert.errors import InvalidInputError

__all__ = ["DataUnits", "data_units", "unit_interval"]

# Root mean square of a feature inside: near 1, so that no learning rate depends on the units.
_INSIDE = 0.5
_NOISE_SHARE, _FEW_FEATURES = 0.4, 20
_LEAST_SHARE = 1e-4
_BLOCK = 1 << 22  # numbers in double precision at once: never a copy of all points


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DataUnits:
    """The one affine map that the models see the data through; never feature by feature."""

    center: NDArray[np.float64]  # (D,)
    scale: float  # points are divided by it
    noise_variance: float  # σ² of a Gaussian decoder, squared units of the data

    def inside(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """The points as the models see them, shape (N, D)."""
        return (np.asarray(points, dtype=np.float64) - self.center) / self.scale

    def rows_inside(
        self, points: NDArray[np.floating[Any]], rows: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Some rows of the points as the models see them, in single precision, shape (n, D)."""
        answer = np.empty((len(rows), points.shape[1]), dtype=np.float32)
        size = max(1, _BLOCK // points.shape[1])
        for start in range(0, len(rows), size):
            block = slice(start, start + size)
            answer[block] = self.inside(points[rows[block]])
        return answer

    @property
    def noise_variance_inside(self) -> float:
        """σ² of the decoder in the models' units."""
        return self.noise_variance / self.scale**2


def data_units(points: NDArray[np.floating[Any]], noise_variance: float | None) -> DataUnits:
    """Centre, scale and decoder noise of the training rows.

    The noise, if not given, is 0.4 of the data's mean variance per feature; below 20 features it
    is 0.4/20 of the total variance, because few features must each tell more.

    Args:
        points: Training rows, shape (N, D).
        noise_variance: σ² in squared units of the points, or None.

    Raises:
        InvalidInputError: If σ² is above the mean variance per feature or below 1e-4 of it.
    """
    n_points, n_features = points.shape
    size = max(1, _BLOCK // n_features)
    blocks = [points[start : start + size] for start in range(0, n_points, size)]
    center = _total(block.sum(axis=0, dtype=np.float64) for block in blocks) / n_points
    squares = _total(((block - center) ** 2).sum(axis=0) for block in blocks)
    total = float((squares / n_points).sum())
    per_feature = total / n_features
    chosen = _NOISE_SHARE * total / max(n_features, _FEW_FEATURES)
    if noise_variance is not None:
        if not _LEAST_SHARE * per_feature <= noise_variance <= per_feature:
            msg = (
                f"noise_variance={noise_variance:g} does not fit data with variance "
                f"{per_feature:.3g} per feature: it must lie between {_LEAST_SHARE:g} of that and "
                f"all of it. {chosen:.2g} would do, or None to have it chosen."
            )
            raise InvalidInputError(msg)
        chosen = noise_variance
    return DataUnits(
        center=center, scale=float(np.sqrt(per_feature)) / _INSIDE, noise_variance=chosen
    )


def _total(parts: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    return functools.reduce(np.add, parts)


def unit_interval(points: NDArray[np.floating[Any]]) -> DataUnits:
    """The units of a Bernoulli likelihood, which takes the points as they are.

    Args:
        points: All rows, shape (N, D).

    Raises:
        InvalidInputError: If a value lies outside [0, 1].
    """
    low, high = float(points.min()), float(points.max())
    if low < 0 or high > 1:
        msg = (
            f"likelihood='bernoulli' needs `points` in [0, 1], these lie in [{low:.4g}, "
            f"{high:.4g}]. Rescale them, or use likelihood='gaussian'."
        )
        raise InvalidInputError(msg)
    noise_variance = data_units(points, None).noise_variance
    return DataUnits(center=np.zeros(points.shape[1]), scale=1.0, noise_variance=noise_variance)
