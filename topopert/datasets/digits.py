"""The handwritten digits that scikit-learn ships."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from ._dataset import Dataset

__all__ = ["digits"]


def digits() -> Dataset:
    """1797 handwritten digits of 8×8 pixels in [0, 1]. Parameters: the digit.

    References:
        Alpaydin, Kaynak, Optical recognition of handwritten digits, UCI repository (1998).
    """
    pixels, labels = load_digits(return_X_y=True)
    return Dataset(points=pixels / 16.0, parameters=np.asarray(labels, dtype=np.float64)[:, None])
