"""Circular coordinates against DREiMac's, with the same landmarks."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable

import numpy as np

import topopert as tp
from topopert.backends import ripser_persistence
from topopert.topology.circular import circular_coordinates
from topopert.topology.distances import pairwise_distances

from .timing import ratio

__all__ = ["bench_circular"]

_N_LANDMARKS = 1000


def bench_circular() -> None:
    """Speed and agreement with the truth. Persistence is computed before, in both."""
    if importlib.util.find_spec("dreimac") is None:
        print("circular coordinates: DREiMac is missing, `pip install 'topopert[bench]'`")
        return
    for name in ("circle", "trefoil"):
        _bench_curve(name)
    _agreement_on_torus()


def _bench_curve(name: str) -> None:
    rng = np.random.default_rng(0)
    points, truth = getattr(tp.datasets, name)(5000, ambient_dim=10, noise=0.05, rng=rng)
    landmarks, _ = tp.maxmin_landmarks(points, _N_LANDMARKS)
    points, angle = points[landmarks], truth[landmarks, 0]
    theirs = importlib.import_module("dreimac").CircularCoords(points, _N_LANDMARKS)
    ours = _ours(points, n_classes=1)
    ratio(
        f"circular coordinates of a {name}, {_N_LANDMARKS} landmarks / DREiMac's",
        ours,
        theirs.get_coordinates,
        rounds=5,
    )
    found = {"ours": ours()[:, 0], "DREiMac's": theirs.get_coordinates()}
    for owner, angles in found.items():
        print(
            f"    mean resultant length with the truth, {owner}: {_resultant(angles, angle):.4f}"
        )


def _agreement_on_torus() -> None:
    rng = np.random.default_rng(0)
    points, truth = tp.datasets.torus(2000, ambient_dim=20, noise=0.05, rng=rng)
    landmarks, _ = tp.maxmin_landmarks(points, 400)
    points, truth = points[landmarks], truth[landmarks]
    theirs = importlib.import_module("dreimac").ToroidalCoords(points, 400)
    found = {
        "ours": _ours(points, n_classes=2)().T,
        "DREiMac's": theirs.get_coordinates(cocycle_idxs=[0, 1]),
    }
    for owner, angles in found.items():
        worst = min(max(_resultant(a, angle) for a in angles) for angle in truth.T)
        print(f"    the worse angle of a torus, {owner}: {worst:.4f}")


def _ours(points: np.ndarray, *, n_classes: int) -> Callable[[], np.ndarray]:
    dist, mass = pairwise_distances(points), np.ones(len(points))
    persistence = ripser_persistence(dist, max_homology_dim=1)

    def work() -> np.ndarray:
        angles = circular_coordinates(dist, persistence, list(range(n_classes)), mass)
        assert angles is not None
        return angles

    return work


def _resultant(a: np.ndarray, b: np.ndarray) -> float:
    return max(float(abs(np.exp(1j * (a + sign * b)).mean())) for sign in (-1, 1))
