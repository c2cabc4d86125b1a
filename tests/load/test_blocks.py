"""What is done a block at a time is what it would be all at once."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch

import topopert as tp
from tests.comparison.quick import quick, setup_of
from topopert.comparison.metrics import disparity
from topopert.comparison.metrics.udr import unsupervised_disentanglement
from topopert.comparison.runs import units
from topopert.comparison.runs.units import data_units
from topopert.topology.rows import Rows

from .data import empty_file

PAIRWISE = (
    disparity.invariant_disparity,
    disparity.canonical_disparity,
    disparity.linear_cka,
    disparity.neighbour_overlap,
    lambda z: unsupervised_disentanglement(z, np.ones((len(z), z.shape[2]), dtype=bool)),
)


@pytest.fixture
def latents(rng) -> np.ndarray:
    return disparity.centred(rng.normal(size=(7, 60, 3)) + rng.normal(size=(60, 3)))


@pytest.mark.parametrize("of_pairs", PAIRWISE)
@pytest.mark.parametrize("entries", [1, 150, 1000])
def test_pairs_of_runs_a_few_at_a_time(latents, monkeypatch, of_pairs, entries: int) -> None:
    whole = of_pairs(latents)
    monkeypatch.setattr(disparity, "_ENTRIES", entries)
    np.testing.assert_allclose(of_pairs(latents), whole, atol=1e-12)


def test_gauge_dependent_disparity_is_its_definition(latents) -> None:
    found = disparity.gauge_disparity(latents)
    for k, one in enumerate(latents):
        for m, other in enumerate(latents):
            expected = ((one - other) ** 2).sum() / ((one**2).sum() + (other**2).sum())
            assert found[k, m] == pytest.approx(expected, abs=1e-14)


def test_correlations_of_long_rows(rng, monkeypatch) -> None:
    rows = rng.normal(size=(4, 1000)) + 100
    monkeypatch.setattr(disparity, "_COLUMNS", 64)
    np.testing.assert_allclose(disparity.correlation(rows), np.corrcoef(rows), atol=1e-12)
    rows[1] = 3.0
    assert (disparity.correlation(rows)[1] == 0).all()


def test_units_of_many_points(rng, monkeypatch) -> None:
    points = rng.normal(size=(500, 6)) + 5
    rows = rng.permutation(500)[:77]
    whole = data_units(points, None)
    monkeypatch.setattr(units, "_BLOCK", 50)
    some = data_units(points, None)
    np.testing.assert_allclose(some.center, whole.center, rtol=1e-13)
    assert some.scale == pytest.approx(whole.scale, rel=1e-13)
    assert some.noise_variance == pytest.approx(whole.noise_variance, rel=1e-13)
    inside = whole.rows_inside(points, rows)
    assert inside.dtype == np.float32
    np.testing.assert_array_equal(inside, whole.inside(points[rows]).astype(np.float32))


def test_blocks_of_many_features_have_few_rows() -> None:
    wide = Rows(np.zeros((300, 20_000), dtype=np.float32))
    sizes = [block.nbytes for block in wide.blocks()]
    assert max(sizes) <= 4 * 2**22
    assert sum(sizes) == wide.shape[0] * wide.shape[1] * 4
    assert [len(block) for block in Rows(np.zeros((5000, 20))).blocks()] == [4096, 904]


def test_arms_share_one_copy_of_the_data(rng) -> None:
    points = tp.datasets.circle(150, ambient_dim=6, noise=0.05, rng=rng).points
    setup = setup_of(points, n_seeds=25, controls=("shuffled",), vary="bootstrap")
    tasks = setup.tasks()
    assert len(tasks) == 9
    for name in ("train", "test"):
        assert len({getattr(task, name).data_ptr() for task in tasks}) == 1
    storages = {task.samples.untyped_storage().data_ptr() for task in tasks}
    assert len(storages) == 1
    samples = torch.cat([task.samples for task in tasks if task.chunk.arm == "baseline"])
    assert torch.equal(samples, setup.samples)


def test_trained_models_are_kept_for_the_arm_that_goes_on_from_them_alone(
    rng, monkeypatch
) -> None:
    points = tp.datasets.circle(60, ambient_dim=4, rng=rng).points
    kept, module = {}, importlib.import_module("topopert.comparison.compare")
    report_of = module._report

    def watched(setup, results):
        kept.update({chunk.arm: bool(result.state) for chunk, result in results.items()})
        return report_of(setup, results)

    monkeypatch.setattr(module, "_report", watched)
    quick(points, controls=("finetuned", "pca"))
    assert kept == {"baseline": True, "perturbed": False, "finetuned": False, "pca": False}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, r"1000000 rows of 20000 features take 144 GB"),
        ({"n_seeds": 5}, r"4 arms, 5 seeds, 200000 held-out rows and 2 axes 0\.128 GB"),
    ],
)
def test_what_memory_cannot_hold_is_refused_by_its_shape(
    tmp_path, monkeypatch, settings, message
) -> None:
    """From a file of 80 GB that takes no room on the disk: not a page of it is read."""
    monkeypatch.setattr("topopert.comparison.runs.memory.machine_memory", lambda: 16e9)
    monkeypatch.setattr("topopert.comparison.setup.check_points", lambda *_: pytest.fail("read"))
    points = np.load(empty_file(tmp_path / "empty.npy", 10**6, 20_000), mmap_mode="r")
    with pytest.raises(tp.InvalidInputError, match=message):
        tp.compare(points, **settings)


def test_a_machine_that_does_not_say_its_memory_refuses_nothing(rng, monkeypatch) -> None:
    def unknown(name: str) -> int:
        raise ValueError(name)

    monkeypatch.setattr("topopert.comparison.runs.memory.os.sysconf", unknown)
    points = tp.datasets.circle(60, ambient_dim=4, rng=rng).points
    assert setup_of(points).train.shape == (48, 4)
