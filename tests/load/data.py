"""Files of data too large for a test to hold, made a block at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

__all__ = ["empty_file", "torus_file"]

_BLOCK = 1 << 22


def torus_file(path: Path, n_points: int, n_features: int, dtype: str = "float64") -> Path:
    """A torus in R^D with noise, shape (N, D), as npy; one that is there is taken as it is."""
    if path.exists():
        return path
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(n_features, 3)))[0].T
    part = path.with_suffix(".part")
    file = np.lib.format.open_memmap(part, mode="w+", dtype=dtype, shape=(n_points, n_features))
    size = max(1, _BLOCK // n_features)
    for start in range(0, n_points, size):
        around, tube = rng.uniform(0, 2 * np.pi, size=(2, min(size, n_points - start)))
        wide = 2 + np.cos(tube)
        torus = np.stack([wide * np.cos(around), wide * np.sin(around), np.sin(tube)], axis=1)
        noise = rng.normal(scale=0.05, size=(len(torus), n_features))
        file[start : start + size] = torus @ axes + noise
    file.flush()
    part.rename(path)
    return path


def empty_file(path: Path, n_points: int, n_features: int) -> Path:
    """An npy file of zeros in single precision that takes no room on the disk."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<f4", "fortran_order": False, "shape": (n_points, n_features)}
        )
        file.truncate(file.tell() + 4 * n_points * n_features)
    return path
