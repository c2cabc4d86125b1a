"""Memory that runs out in the middle: which arm it was, and what was finished is kept."""

from __future__ import annotations

import importlib
import pickle

import numpy as np
import pytest
import torch

import topopert as tp
from tests.comparison.quick import quick
from topopert.comparison.runs.memory import is_out_of_memory

from .disk import assert_nothing_half_written, assert_same_report, error_line

tasks = importlib.import_module("topopert.comparison.runs.tasks")


def numpys_error() -> BaseException:
    with pytest.raises(MemoryError) as caught:
        np.empty(2**55)
    return caught.value


def torchs_error() -> BaseException:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55)
    return caught.value


@pytest.mark.parametrize("make", [numpys_error, torchs_error])
def test_memory_that_ran_out_is_known_from_other_errors(make) -> None:
    assert is_out_of_memory(make())
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("out of memory"))


@pytest.mark.parametrize("make", [numpys_error, torchs_error])
def test_the_arm_and_its_seeds_are_named_and_the_others_kept(
    points, undisturbed, tmp_path, monkeypatch, make
) -> None:
    train, calls, error = tasks.train_ensemble, [], make()

    def short(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise error
        return train(*args, **kwargs)

    monkeypatch.setattr(tasks, "train_ensemble", short)
    with pytest.raises(tp.BackendError, match=r"arm 'perturbed' was trained \(seeds 0, 1, 2\)"):
        quick(points, controls=("finetuned",), directory=tmp_path)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["baseline-000-002.npz"]
    assert_nothing_half_written(tmp_path)
    quick(points, controls=("finetuned",), directory=tmp_path)
    assert len(calls) == 4
    assert_same_report(tmp_path, undisturbed)


def test_an_error_of_the_model_stays_what_it_is(points, monkeypatch) -> None:
    def broken(*args, **kwargs):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(tasks, "train_ensemble", broken)
    with pytest.raises(RuntimeError, match="mat1 and mat2") as caught:
        quick(points)
    assert not isinstance(caught.value, tp.TopopertError)


def test_the_error_of_a_worker_reaches_the_caller_as_it_is() -> None:
    """Across processes an error is pickled, and one that cannot be takes the pool with it."""
    for kind in (tp.BackendError, tp.InvalidInputError, tp.MissingDependencyError):
        error = pickle.loads(pickle.dumps(kind("what to do")))
        assert (type(error), str(error)) == (kind, "what to do")


@pytest.mark.parametrize("place", ["training", "topology"])
def test_the_command_line_says_it_in_one_line(
    topopert,
    data,
    tmp_path,
    monkeypatch,
    place,
) -> None:
    where = {
        "training": "topopert.comparison.runs.tasks.train_ensemble",
        "topology": "topopert.comparison.setup.PersistentTopology.fit",
    }[place]
    error = torchs_error()

    def short(*args, **kwargs):
        raise error

    monkeypatch.setattr(where, short)
    code, _, err = topopert("compare", data, "--seeds", "3", "--out", tmp_path / "out")
    assert code == 2
    assert "emory ran out" in error_line(err)
