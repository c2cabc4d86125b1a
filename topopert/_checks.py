"""Checks at the public boundary: before any long work, with a message that says what to do."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_array

from topopert.errors import InvalidInputError, InvalidTypeError

__all__ = [
    "check_choice",
    "check_count",
    "check_generator",
    "check_latents",
    "check_not_constant",
    "check_points",
    "check_real",
    "check_spread",
    "check_square_distances",
    "plain_array",
    "unusable",
]


def check_points(
    points: Any, *, name: str = "points", min_points: int = 3
) -> NDArray[np.floating[Any]]:
    """The points as a finite floating array, shape (N, D); float32 stays float32.

    Integers and booleans become float64. The wording of the refusals is scikit-learn's.

    Raises:
        InvalidInputError: If the points are not a real, dense, finite array of shape (N, D) with
            N >= min_points and D >= 1.
    """
    try:
        floats: Any = [np.float64, np.float32]  # scikit-learn's stub knows only strings
        return check_array(
            plain_array(points, name=name),
            dtype=floats,
            ensure_min_samples=min_points,
            input_name=name,
        )
    except (TypeError, ValueError) as err:
        if isinstance(err, InvalidInputError):
            raise
        raise unusable(name, err) from err


def unusable(name: str, err: TypeError | ValueError) -> InvalidInputError:
    """Our error in place of one of scikit-learn's, its wording kept."""
    kind = InvalidTypeError if isinstance(err, TypeError) else InvalidInputError
    return kind(f"`{name}` cannot be used: {err}")


def plain_array(points: Any, *, name: str = "points") -> Any:
    """The points without what scikit-learn does not know: tensors, half types, masks, images.

    Raises:
        InvalidInputError: If entries are masked or the array has more than two axes.
    """
    if isinstance(points, torch.Tensor):
        if points.layout != torch.strided:
            msg = f"`{name}` is a sparse tensor. Pass `{name}.to_dense()` if it fits in memory."
            raise InvalidTypeError(msg)
        points = points.detach().cpu()
        # NumPy knows no bfloat16, and half types are too coarse for distances.
        points = points.float() if points.dtype in (torch.float16, torch.bfloat16) else points
        points = points.numpy()
    if np.ma.isMaskedArray(points) and np.ma.is_masked(points):
        msg = f"`{name}` has masked entries. Impute them or drop their rows first."
        raise InvalidInputError(msg)
    if isinstance(points, np.ndarray) and points.ndim > 2:
        msg = (
            f"Found array with dim {points.ndim} where `{name}` must have shape (N, D), got "
            f"{points.shape}. Give each sample one row, e.g. `images.reshape(len(images), -1)`."
        )
        raise InvalidInputError(msg)
    return points


def check_not_constant(points: NDArray[Any], *, name: str = "points") -> None:
    """Refuse points that are all equal, or whose scale floating-point numbers cannot square.

    Raises:
        InvalidInputError: As `check_spread` does.
    """
    spread = float(np.max(np.abs(points - points[0]))) if len(points) else 0.0
    check_spread(spread, n_points=len(points), dtype=points.dtype, name=name)


def check_spread(
    spread: float, *, n_points: int, dtype: np.dtype[Any], name: str = "points"
) -> None:
    """Refuse points by their largest difference to the first one, in any feature.

    Raises:
        InvalidInputError: If all rows are equal, or they spread by less than 1e-100 or more than
            1e100 (1e-15 and 1e15 in single precision).
    """
    limit = 1e15 if dtype == np.float32 else 1e100
    if spread == 0:
        msg = (
            f"All {n_points} rows of `{name}` are equal, so there is no distance to work with. "
            "Check how the data were read."
        )
        raise InvalidInputError(msg)
    if not 1 / limit < spread < limit:
        msg = (
            f"`{name}` ({dtype}) spreads over {spread:.3g}, whose square is out of range. "
            "Choose another unit."
        )
        raise InvalidInputError(msg)


def check_square_distances(dist: Any, *, name: str = "points") -> NDArray[np.float64]:
    """The matrix as float64, shape (N, N), if it is one of distances.

    Raises:
        InvalidInputError: If it is not square, symmetric and non-negative with a zero diagonal.
    """
    dist = np.asarray(check_points(dist, name=name, min_points=1), dtype=np.float64)
    if dist.shape[0] != dist.shape[1]:
        msg = f"With metric='precomputed' `{name}` must be a square matrix, got {dist.shape}."
        raise InvalidInputError(msg)
    tolerance = 1e-8 * max(float(np.abs(dist).max()), np.finfo(np.float64).tiny)
    if np.abs(np.diagonal(dist)).max() > tolerance:
        msg = f"The diagonal of the distance matrix `{name}` must be 0. Is it a similarity?"
        raise InvalidInputError(msg)
    if np.abs(dist - dist.T).max() > tolerance:
        msg = (
            f"The distance matrix `{name}` must be symmetric; take (M + M.T) / 2 if that is meant."
        )
        raise InvalidInputError(msg)
    if dist.min() < 0:
        msg = f"Distances in `{name}` must not be negative, got {dist.min():g}."
        raise InvalidInputError(msg)
    dist = (dist + dist.T) / 2
    np.fill_diagonal(dist, 0.0)
    return dist


def check_count(value: Any, *, name: str, minimum: int = 1) -> int:
    """The value as an int.

    Raises:
        InvalidInputError: If it is not a whole number of at least `minimum`.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < minimum:
        msg = f"`{name}` must be a whole number of at least {minimum}, got {value!r}."
        raise InvalidInputError(msg)
    return int(value)


def check_real(
    value: Any,
    *,
    name: str,
    low: float = -np.inf,
    high: float = np.inf,
    low_open: bool = False,
    high_open: bool = False,
) -> float:
    """The value as a finite float between low and high.

    Raises:
        InvalidInputError: If it is not a real number in the interval.
    """
    if (
        not isinstance(value, Real)
        or isinstance(value, bool)
        or not math.isfinite(value)
        or not low <= float(value) <= high
        or (low_open and value == low)
        or (high_open and value == high)
    ):
        # Put together here: training asks at every step whether its numbers are in range.
        bounds = f"{'(' if low_open else '['}{low:g}, {high:g}{')' if high_open else ']'}"
        msg = f"`{name}` must be a finite number in {bounds}, got {value!r}."
        raise InvalidInputError(msg)
    return float(value)


def check_generator(value: Any, *, name: str = "generator") -> torch.Generator:
    """The value, if it is a torch generator.

    Raises:
        InvalidTypeError: If it is anything else, a seed for example.
    """
    if not isinstance(value, torch.Generator):
        msg = f"`{name}` must be a torch.Generator, got {value!r}. Pass `torch.Generator()`."
        raise InvalidTypeError(msg)
    return value


def check_choice(value: Any, choices: tuple[str, ...], *, name: str) -> str:
    """The value, if it is one of the choices.

    Raises:
        InvalidInputError: If it is not.
    """
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        msg = f"`{name}` must be one of {listed}, got {value!r}."
        raise InvalidInputError(msg)
    return value


def check_latents(latents: Any, *, min_runs: int = 2) -> NDArray[np.float64]:
    """The latents as finite float64, shape (K, N, d).

    Raises:
        InvalidInputError: If they are not real numbers of that shape, K >= min_runs, N >= 3.
    """
    if isinstance(latents, torch.Tensor):
        latents = latents.detach().cpu().double().numpy()
    try:
        latents = np.asarray(latents)
    except ValueError as err:
        msg = f"`latents` must be one array (K, N, d), the same N points in each run: {err}"
        raise InvalidInputError(msg) from err
    if not np.issubdtype(latents.dtype, np.floating):
        msg = f"`latents` must be floating-point numbers, got dtype {latents.dtype}."
        raise InvalidInputError(msg)
    shape = latents.shape
    if latents.ndim != 3 or shape[0] < min_runs or shape[1] < 3 or shape[2] < 1:
        msg = (
            f"`latents` must have shape (K, N, d) with K >= {min_runs} runs, N >= 3 points and "
            f"d >= 1 axes, got {shape}. Stack the latent means of the runs: `np.stack(means)`."
        )
        raise InvalidInputError(msg)
    bad = [k for k in range(shape[0]) if not np.isfinite(latents[k]).all()]
    if bad:
        msg = f"`latents` has NaN or infinity in run(s) {bad}. Leave the runs that diverged out."
        raise InvalidInputError(msg)
    return latents.astype(np.float64)
