"""Comparisons that take a fraction of a second, for the tests beside."""

from __future__ import annotations

import topopert as tp
from topopert.comparison.setup import Setup, prepare

QUICK = tp.TrainingConfig(n_steps=24, batch_size=32)


def quick(points, hamiltonian=None, **kwargs) -> tp.ComparisonReport:
    defaults = {"n_seeds": 3, "training": QUICK, "controls": ()}
    return tp.compare(points, hamiltonian, **{**defaults, **kwargs})


def setup_of(points, hamiltonian=None, **kwargs) -> Setup:
    defaults = {
        "latent_dim": 2,
        "coupling": None,
        "model": None,
        "n_seeds": 3,
        "controls": (),
        "training": QUICK,
        "rule": None,
        "executor": None,
        "vary": "seed",
        "train": None,
        "seed": 0,
        "on_progress": None,
    }
    return prepare(points, hamiltonian, **{**defaults, **kwargs})
