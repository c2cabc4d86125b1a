"""Checks at the public boundary: before any long work, with a message that says what to do."""

from __future__ import annotations

import math
import os
import sys
from numbers import Integral, Real
from pathlib import Path
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
    "check_path",
    "check_points",
    "check_real",
    "check_spread",
    "check_square_distances",
    "check_stored",
    "check_strided",
    "plain_array",
    "unusable",
]

_BLOCK = 1 << 22  # numbers looked at at once

_LONGEST = 200  # characters of a value in a message


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
        plain = plain_array(points, name=name)
        with np.errstate(invalid="ignore"):  # ∞ − ∞, on the way to the refusal
            return check_array(plain, dtype=floats, ensure_min_samples=min_points, input_name=name)
    except (OverflowError, TypeError, ValueError) as err:
        if isinstance(err, InvalidInputError):
            raise
        raise unusable(name, err) from err


def unusable(name: str, err: Exception) -> InvalidInputError:
    """Our error in place of one of scikit-learn's, its wording kept."""
    kind = InvalidTypeError if isinstance(err, TypeError) else InvalidInputError
    return kind(f"`{name}` cannot be used: {err}")


def plain_array(points: Any, *, name: str = "points") -> Any:
    """The points without what scikit-learn does not know: tensors, half types, masks, images.

    Raises:
        InvalidInputError: If entries are masked or the array has more than two axes.
    """
    if isinstance(points, torch.Tensor):
        check_strided(points, name=name)
        points = points.detach().cpu()
        # NumPy knows no bfloat16, and half types are too coarse for distances.
        points = points.float() if points.dtype in (torch.float16, torch.bfloat16) else points
        points = points.numpy()
    if np.ma.isMaskedArray(points) and np.ma.is_masked(points):
        msg = f"`{name}` has masked entries. Impute them or drop their rows first."
        raise InvalidInputError(msg)
    if isinstance(points, np.ndarray) and points.dtype.kind in "mM":
        # scikit-learn would count their units since 1970 and say nothing.
        msg = f"`{name}` cannot be used: it holds dates or durations ({points.dtype})."
        raise InvalidTypeError(msg)
    if isinstance(points, np.ndarray) and points.ndim > 2:
        msg = (
            f"Found array with dim {points.ndim} where `{name}` must have shape (N, D), got "
            f"{points.shape}. Give each sample one row, e.g. `images.reshape(len(images), -1)`."
        )
        raise InvalidInputError(msg)
    return points


def check_strided(tensor: torch.Tensor, *, name: str) -> None:
    """Refuse a tensor whose values are not simply there.

    Raises:
        InvalidInputError: If it is sparse or on the meta device.
    """
    if tensor.layout != torch.strided:
        msg = f"`{name}` is a sparse tensor. Pass `{name}.to_dense()` if it fits in memory."
        raise InvalidTypeError(msg)
    if tensor.is_meta:
        msg = f"`{name}` is on the meta device and has no values. Pass a tensor with data."
        raise InvalidInputError(msg)


def check_not_constant(points: NDArray[Any], *, name: str = "points") -> None:
    """Refuse points that are all equal, or whose scale floating-point numbers cannot square.

    Raises:
        InvalidInputError: As `check_spread` does.
    """
    # A block at a time: the differences of a data set that fills half of memory would not fit.
    size = max(1, _BLOCK // max(1, points[:1].size))
    blocks = (points[start : start + size] for start in range(0, len(points), size))
    spread = max((float(np.abs(block - points[0]).max()) for block in blocks), default=0.0)
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


def check_stored(
    array: Any,
    *,
    name: str,
    shape: tuple[int | None, ...],
    kinds: str = "f",
    may_diverge: bool = False,
) -> NDArray[Any]:
    """An array out of a file, if it is what belongs there.

    Args:
        array: The array.
        name: Its name in the file.
        shape: Its shape; None is any length.
        kinds: Kinds of dtype that it may have, letters of `numpy.dtype.kind`.
        may_diverge: Whether NaN and infinity belong there.

    Raises:
        InvalidInputError: If it is of another shape or kind, or holds NaN or infinity.
    """
    fits = len(array.shape) == len(shape) and all(
        wanted in (None, there) for wanted, there in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind not in kinds:
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        msg = (
            f"{name!r:.60} must be of shape ({wanted}) and kind {kinds!r}, got {array.shape} and "
            f"{array.dtype}."
        )
        raise InvalidInputError(msg)
    if array.dtype.kind == "f" and not may_diverge and not np.isfinite(array).all():
        msg = f"{name!r:.60} holds NaN or infinity."
        raise InvalidInputError(msg)
    return array


def check_count(value: Any, *, name: str, minimum: int = 1) -> int:
    """The value as an int.

    Raises:
        InvalidInputError: If it is not a whole number of at least `minimum`, or more than any
            array can have.
    """
    if (
        not isinstance(value, Integral)
        or isinstance(value, bool)
        or not minimum <= int(value) <= sys.maxsize
    ):
        msg = f"`{name}` must be a whole number of at least {minimum}, got {_shown(value)}."
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
        or not _is_finite(value)
        or not low <= float(value) <= high
        or (low_open and value == low)
        or (high_open and value == high)
    ):
        # Put together here: training asks at every step whether its numbers are in range.
        bounds = f"{'(' if low_open else '['}{low:g}, {high:g}{')' if high_open else ']'}"
        msg = f"`{name}` must be a finite number in {bounds}, got {_shown(value)}."
        raise InvalidInputError(msg)
    return float(value)


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond double precision
        return False


def _shown(value: Any) -> str:
    """The value for a message, in no more than a line."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python writes no whole number of thousands of digits
        text = f"a {type(value).__name__} too long to print"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def check_path(value: Any, *, name: str) -> Path:
    """The value as a path.

    Raises:
        InvalidTypeError: If it is neither text nor a path.
    """
    if not isinstance(value, str | os.PathLike):
        msg = f"`{name}` must be a path, got {_shown(value)}."
        raise InvalidTypeError(msg)
    return Path(value)


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
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        msg = f"`{name}` must be one of {listed}, got {_shown(value)}."
        raise InvalidInputError(msg)
    return value


def check_latents(latents: Any, *, min_runs: int = 2) -> NDArray[np.float64]:
    """The latents as finite float64, shape (K, N, d).

    Raises:
        InvalidInputError: If they are not real numbers of that shape, K >= min_runs, N >= 3.
    """
    if isinstance(latents, torch.Tensor):
        check_strided(latents, name="latents")
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
