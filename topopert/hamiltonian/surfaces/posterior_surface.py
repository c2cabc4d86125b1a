"""From a trained model's posterior to the surface of its aggregate."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from topopert._checks import check_points, check_real, plain_array
from topopert.errors import InvalidInputError, TopopertWarning

from .mixture_surface import MixtureSurface

__all__ = ["posterior_surface"]


def posterior_surface(
    mean: Any, logvar: Any | None, *, bandwidth: float | None = None
) -> MixtureSurface:
    """−log q̄ of the aggregated posterior q̄ = (1/N) Σᵢ N(μᵢ, diag σᵢ²), in double precision.

    Rows that are equal count once, with their number as weight.

    Args:
        mean: μ, shape (N, d), array or tensor, N ≥ 1.
        logvar: log σ², shape (N, d); None for a deterministic code, which has no width of its own.
        bandwidth: σ of a deterministic code, in units of the latent space; None takes Silverman's
            rule, with the root mean square of the axes' standard deviations, and says so.

    Raises:
        InvalidInputError: If a value is not finite or a shape is wrong, a variance is 0 or not
            representable, or a deterministic code has no spread to take a bandwidth from.

    Warns:
        TopopertWarning: If the bandwidth was chosen here.

    References:
        Silverman, Density Estimation for Statistics and Data Analysis (1986), section 4.3.2.
    """
    device = mean.device if isinstance(mean, Tensor) else torch.device("cpu")
    mean = np.asarray(check_points(mean, name="mean", min_points=1), dtype=np.float64)
    if logvar is None:
        width = (
            _bandwidth(mean)
            if bandwidth is None
            else check_real(bandwidth, name="bandwidth", low=0.0, low_open=True)
        )
        log_variance = np.full_like(mean, 2 * math.log(width))
    else:
        if bandwidth is not None:
            msg = "Pass `bandwidth` only with `logvar=None`: a posterior has its own widths."
            raise InvalidInputError(msg)
        log_variance = _checked_logvar(logvar, mean)
    rows, counts = np.unique(np.hstack([mean, log_variance]), axis=0, return_counts=True)
    d = mean.shape[1]
    means, covariances, weights = (
        torch.from_numpy(np.ascontiguousarray(part)).to(device)
        for part in (rows[:, :d], np.exp(rows[:, d:]), counts / len(mean))
    )
    return MixtureSurface(means, covariances, weights)


def _checked_logvar(logvar: Any, mean: np.ndarray) -> np.ndarray:
    given = plain_array(logvar, name="logvar")
    if isinstance(given, np.ndarray) and given.dtype.kind == "f" and np.isneginf(given).any():
        msg = (
            "`logvar` holds −∞, that is σ = 0. For a deterministic code pass `logvar=None` and a "
            "`bandwidth`; else bound it in the encoder, e.g. `logvar.clamp(-20, 20)`."
        )
        raise InvalidInputError(msg)
    values = np.asarray(check_points(given, name="logvar", min_points=1), dtype=np.float64)
    if values.shape != mean.shape:
        msg = (
            f"`logvar` must have the shape of `mean`, {mean.shape}, got {values.shape}. "
            "One log-variance per latent axis is needed."
        )
        raise InvalidInputError(msg)
    extreme = values.flat[np.abs(values).argmax()]
    if abs(extreme) > 200:
        msg = (
            f"`logvar` reaches {extreme:.4g}, whose exponential is out of range. Bound it in the "
            "encoder, e.g. `logvar.clamp(-20, 20)`."
        )
        raise InvalidInputError(msg)
    return values


def _bandwidth(mean: np.ndarray) -> float:
    n, d = mean.shape
    spread = float(np.sqrt(mean.var(axis=0, ddof=1).mean())) if n > 1 else 0.0
    if spread == 0:
        msg = (
            f"`logvar` is None and the {n} rows of `mean` are one point, so there is no width. "
            "Pass `bandwidth=`, the σ that each code is to have."
        )
        raise InvalidInputError(msg)
    width = spread * (4 / ((d + 2) * n)) ** (1 / (d + 4))
    msg = (
        f"A deterministic code has no width of its own: Silverman's bandwidth {width:.4g} was "
        "taken, and what is narrower is not seen. Pass `bandwidth=` to choose."
    )
    warnings.warn(msg, TopopertWarning, stacklevel=3)
    return width
