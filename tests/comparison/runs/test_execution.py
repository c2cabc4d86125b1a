"""Arms side by side give what they give one after the other."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

import topopert as tp
from tests.comparison.quick import quick
from topopert.comparison import Progress


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    rng = np.random.default_rng(0)
    return tp.datasets.circle(150, ambient_dim=6, noise=0.05, rng=rng).points


@pytest.mark.slow
def test_processes_give_what_one_gives(points, tmp_path) -> None:
    seen: list[Progress] = []
    settings = {"controls": ("shuffled", "signature", "finetuned")}
    apart = quick(points, executor="loky", directory=tmp_path, on_progress=seen.append, **settings)
    together = quick(points, **settings)
    assert list(apart.arms) == list(together.arms)
    for name, arm in together.arms.items():
        np.testing.assert_allclose(apart.arms[name].latents, arm.latents, atol=1e-4)
    assert len(list((tmp_path / "runs").iterdir())) == 5
    assert seen[-1].arm == "finetuned"
    assert seen[-1].done == seen[-1].total == 4 * 24 + 6


@pytest.mark.slow
def test_a_model_of_a_script_reaches_the_processes(points) -> None:
    """What is defined in a function cannot be pickled by name."""

    class Local(tp.models.MLPVAE):
        def __init__(self, input_dim: int, latent_dim: int) -> None:
            super().__init__(input_dim, latent_dim, (7,))

    apart, together = (quick(points, executor=e, model=Local) for e in ("loky", None))
    np.testing.assert_allclose(
        apart.arms["perturbed"].latents, together.arms["perturbed"].latents, atol=1e-4
    )


def test_executors_are_known_by_name(points) -> None:
    with pytest.raises(tp.InvalidInputError, match="'loky', 'dask', 'ray'"):
        quick(points, executor="threads")


def test_an_executor_that_is_not_installed_is_named(points) -> None:
    with pytest.raises(tp.MissingDependencyError, match=r"topopert\[ray\]"):
        quick(points, executor="ray")


@pytest.mark.slow
def test_a_process_that_dies_is_told_from_a_function_that_fails(points) -> None:
    def dies(model, run) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def fails(model, run) -> None:
        msg = "the worker is lazy"
        raise RuntimeError(msg)

    with pytest.raises(tp.BackendError, match="executor='loky' died"):
        quick(points, executor="loky", train=dies)
    with pytest.raises(RuntimeError, match="the worker is lazy"):
        quick(points, executor="loky", train=fails)
