"""Arms side by side on real local clusters of dask and ray."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import topopert as tp
from tests.comparison.quick import quick

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    rng = np.random.default_rng(0)
    return tp.datasets.circle(150, ambient_dim=6, noise=0.05, rng=rng).points


def small_model() -> type[tp.models.MLPVAE]:
    """A model that lives in a function, so that it travels whole: workers have no tests."""

    class Small(tp.models.MLPVAE):
        def __init__(self, input_dim: int, latent_dim: int) -> None:
            super().__init__(input_dim, latent_dim, (8,))

    return Small


def assert_as_in_one_process(apart: tp.ComparisonReport, points: np.ndarray) -> None:
    together = quick(points, model=small_model(), controls=("shuffled", "finetuned"))
    assert list(apart.arms) == list(together.arms)
    for name, arm in together.arms.items():
        np.testing.assert_allclose(apart.arms[name].latents, arm.latents, atol=1e-4)


def test_a_dask_cluster_gives_what_one_process_gives(points, tmp_path) -> None:
    distributed = pytest.importorskip("distributed")
    with pytest.raises(tp.InvalidInputError, match="found no client"):
        quick(points, executor="dask")
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.Client(**settings, processes=True):
        report = quick(
            points,
            model=small_model(),
            controls=("shuffled", "finetuned"),
            executor="dask",
            directory=tmp_path,
        )
    assert_as_in_one_process(report, points)
    assert len(list((tmp_path / "runs").iterdir())) == 4


def test_a_ray_cluster_gives_what_one_process_gives(points, tmp_path) -> None:
    ray = pytest.importorskip("ray")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of ray's own making
        ray.init(num_cpus=2, include_dashboard=False, logging_level="error")
        try:
            report = quick(
                points,
                model=small_model(),
                controls=("shuffled", "finetuned"),
                executor="ray",
                directory=tmp_path,
            )
        finally:
            ray.shutdown()
    assert_as_in_one_process(report, points)
    assert len(list((tmp_path / "runs").iterdir())) == 4
