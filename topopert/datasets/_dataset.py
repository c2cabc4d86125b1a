"""The record that every data set returns, and the embedding that the toy manifolds share."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from topopert._checks import check_count, check_real
from topopert.errors import InvalidInputError

__all__ = ["Dataset", "check_rng", "embed"]


# Types as objects: in the text of an annotation nobody who evaluates it, as builders of
# documentation do, would find `NDArray`, for a named tuple's constructor belongs to no module.
class Dataset(
    NamedTuple("Dataset", [("points", NDArray[np.float64]), ("parameters", NDArray[np.float64])])
):
    """Points and the parameters that generated them; unpacks as ``points, parameters``.

    Attributes:
        points: Shape (N, D).
        parameters: Shape (N, number of parameters), columns as documented.
    """

    __slots__ = ()


def check_rng(rng: Any) -> None:
    """Refuse what is not a NumPy generator, a seed for example.

    Raises:
        InvalidInputError: If it is anything else.
    """
    if not isinstance(rng, np.random.Generator):
        msg = f"`rng` must be a NumPy generator, got {rng!r}. Pass `np.random.default_rng(0)`."
        raise InvalidInputError(msg)


def embed(
    coordinates: NDArray[np.float64], *, ambient_dim: int, noise: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The points rotated isometrically into R^ambient_dim, plus isotropic Gaussian noise.

    Args:
        coordinates: Shape (N, m).
        ambient_dim: Dimension of the space; equal to m leaves the points as they are.
        noise: Standard deviation of the noise per coordinate.
        rng: Source of the rotation and of the noise.

    Raises:
        InvalidInputError: If ambient_dim < m or noise < 0.
    """
    n, m = coordinates.shape
    ambient_dim = check_count(ambient_dim, name="ambient_dim")
    noise = check_real(noise, name="noise", low=0.0)
    if ambient_dim < m:
        msg = f"This manifold needs `ambient_dim` >= {m}, got {ambient_dim}."
        raise InvalidInputError(msg)
    if ambient_dim > m:
        frame, triangle = np.linalg.qr(rng.normal(size=(ambient_dim, m)))  # (ambient_dim, m)
        coordinates = coordinates @ (frame * np.sign(np.diagonal(triangle))).T
    return coordinates + noise * rng.normal(size=(n, ambient_dim))
