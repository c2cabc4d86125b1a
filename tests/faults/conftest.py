"""A small comparison that all kinds of faults are tried on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import topopert as tp
from tests.cli.conftest import topopert
from tests.comparison.quick import quick

__all__ = ["topopert"]  # the command, a fixture of its own tests


@pytest.fixture(scope="session")
def points() -> np.ndarray:
    rng = np.random.default_rng(0)
    return tp.datasets.circle(120, ambient_dim=4, noise=0.05, rng=rng).points


@pytest.fixture(scope="session")
def data(points, tmp_path_factory) -> Path:
    """The points as a file."""
    path = tmp_path_factory.mktemp("data") / "points.npy"
    np.save(path, points)
    return path


@pytest.fixture(scope="session")
def undisturbed(points, tmp_path_factory) -> Path:
    """The folder of a comparison that nothing happened to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    quick(points, controls=("finetuned",), directory=folder)
    return folder


@pytest.fixture(scope="session")
def report(undisturbed) -> tp.ComparisonReport:
    return tp.ComparisonReport.load(undisturbed)
