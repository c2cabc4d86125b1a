"""How firmly the external field holds a latent space against rotations and reflections."""

from __future__ import annotations

from typing import Any

import numpy as np

from topopert._checks import check_points
from topopert.errors import InvalidInputError
from topopert.records import GaugeCurvature

__all__ = ["gauge_curvature"]

_LARGEST = 1e300  # entry of C


def gauge_curvature(mean: Any, anchors: Any) -> GaugeCurvature:
    """The energy's curvatures along the gauge orbit, at the best orthogonal alignment, for κλ = 1.

    Along μ ↦ Rμ the mean energy of the field is const − tr(RC) with C = E[μTᵀ]. Its minimum over
    O(d) is at R = VUᵀ of the singular value decomposition C = U diag(s) Vᵀ; turning from there by
    an angle θ in the plane (i, j) costs (sᵢ + sⱼ)(1 − cos θ), so the second derivative at θ = 0 is
    sᵢ + sⱼ. The means are *not* centred: a rotation of the latent space turns about the prior's
    mean, the origin. Multiply the figures by κλ for another strength.

    Args:
        mean: Posterior means μ, shape (N, d), array or tensor, N ≥ 1.
        anchors: The anchors T of the same data, shape (N, d).

    Raises:
        InvalidInputError: If the two are not finite real arrays of one shape (N, d).

    References:
        Schönemann, A generalized solution of the orthogonal Procrustes problem, Psychometrika 31
        (1966).
    """
    mean = check_points(mean, name="mean", min_points=1).astype(np.float64)
    anchors = check_points(anchors, name="anchors", min_points=1).astype(np.float64)
    if mean.shape != anchors.shape:
        msg = (
            f"`mean` has shape {mean.shape} but `anchors` {anchors.shape}. "
            "Pass one anchor per latent mean, of the same dimension."
        )
        raise InvalidInputError(msg)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is seen below
        products = mean.T @ anchors / len(mean)  # C, (d, d)
    if not np.abs(products).max() < _LARGEST:
        msg = "`mean` and `anchors` are too large to be multiplied. Choose another unit."
        raise InvalidInputError(msg)
    s = np.linalg.svd(products, compute_uv=False)  # (d,), descending
    first, second = np.triu_indices(len(s), k=1)
    curvatures = np.sort(s[first] + s[second])  # (d(d − 1)/2,)
    return GaugeCurvature(
        curvatures=curvatures,
        gap=float(curvatures[0]) if len(curvatures) else None,
        reflection_energy=float(2 * s[-1]),
    )
