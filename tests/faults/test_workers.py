"""Workers that die or raise: what the others have finished is kept, and the next call goes on."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
import torch

import topopert as tp
from tests.comparison.quick import quick

from .disk import assert_nothing_half_written


def training(marker: Path, trouble):
    """A training function that meets trouble in the perturbed arm as long as a file is there.

    It waits until the baseline is kept, so that what must not be lost is known.
    """

    def train(model, run) -> None:
        mean = torch.ones(2, 2)
        perturbed = bool((run.energy(mean, mean, torch.arange(2), 0.0) != 0).any())
        deadline = time.monotonic() + 60
        while perturbed and marker.exists():
            if list(marker.parent.glob("run/runs/baseline-*.npz")) or time.monotonic() > deadline:
                trouble()
            time.sleep(0.02)
        run.record(1.0)

    return train


def dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def raises() -> None:
    raise ZeroDivisionError("of the user's own")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("executor", "trouble", "error", "message"),
    [
        ("loky", dies, tp.BackendError, "executor='loky' died"),
        ("loky", raises, ZeroDivisionError, "of the user's own"),
        (None, raises, ZeroDivisionError, "of the user's own"),
    ],
    ids=["a process dies", "a process raises", "this one raises"],
)
def test_what_the_others_finished_is_kept(
    points, tmp_path, monkeypatch, executor, trouble, error, message
) -> None:
    marker = tmp_path / "trouble"
    marker.touch()
    train = training(marker, trouble)
    with pytest.raises(error, match=message):
        quick(points, train=train, executor=executor, directory=tmp_path / "run")
    assert_nothing_half_written(tmp_path)
    baseline = tmp_path / "run" / "runs" / "baseline-000-002.npz"
    before = baseline.stat().st_mtime_ns
    marker.unlink()
    report = quick(points, train=train, executor=executor, directory=tmp_path / "run")
    assert list(report.arms) == ["baseline", "perturbed"]
    assert baseline.stat().st_mtime_ns == before


def test_a_factory_that_raises_for_one_seed_is_met_before_training(points, tmp_path) -> None:
    built = []

    def factory(input_dim: int, latent_dim: int):
        built.append(1)
        if len(built) == 3:
            raise ZeroDivisionError("of the user's own")
        return tp.models.MLPVAE(input_dim, latent_dim)

    with pytest.raises(ZeroDivisionError, match="of the user's own"):
        quick(points, model=factory, directory=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
