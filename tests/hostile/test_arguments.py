"""Every argument of every public entry point, given what it cannot be: an answer or our error."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import topopert as tp

from .calls import GOOD_CALLS, RECORDS, SPOILT
from .guards import refused

# What an argument may well be: where nothing is refused there is nothing to see.
pytestmark = pytest.mark.filterwarnings("ignore")


def no_training(*args, **kwargs):
    raise tp.TopopertError("training")


def test_every_public_entry_point_is_called_or_a_plain_record() -> None:
    public = {name for name in tp.__all__ if callable(getattr(tp, name))}
    raised = {name for name in public if inspect.isclass(getattr(tp, name))}
    raised = {name for name in raised if issubclass(getattr(tp, name), Exception)}
    called = {name.partition(" ")[0] for name in GOOD_CALLS}
    assert called <= public
    assert public - called - raised == RECORDS


@pytest.mark.parametrize("name", GOOD_CALLS)
def test_a_spoilt_argument_is_refused_or_understood(
    tmp_path, tmp_path_factory, monkeypatch, name: str
) -> None:
    monkeypatch.setattr("topopert.comparison.runs.tasks.train_ensemble", no_training)
    # A text may be the name of a folder, which is made where the test runs.
    monkeypatch.chdir(tmp_path_factory.mktemp("working"))
    function, arguments = GOOD_CALLS[name]
    n_refused = 0
    for argument in arguments(tmp_path):
        for what, value in SPOILT.items():
            try:
                function(**{**arguments(tmp_path), argument: value})
            except tp.TopopertError as err:
                n_refused += str(err) != "training"
            except Exception as err:  # noqa: BLE001  all others are what is looked for
                pytest.fail(f"{argument}={what}: {type(err).__name__}: {err}")
    assert n_refused
    assert list(tmp_path.iterdir()) == [] or name == "save"


GOOD = np.random.default_rng(0).normal(size=(30, 4))
NAMED = {
    "points of one axis": (lambda: tp.compare(GOOD[0]), "1D array"),
    "points that are images": (lambda: tp.compare(GOOD.reshape(30, 2, 2)), "reshape"),
    "points of dates": (lambda: tp.compare(GOOD.astype("M8[s]")), "`points` cannot be used"),
    "points beyond doubles": (lambda: tp.compare([[10**400] * 4] * 30), "`points` cannot be used"),
    "points with NaN": (lambda: tp.calibrate(np.full((30, 4), np.nan)), "NaN"),
    "a count beyond arrays": (lambda: tp.compare(GOOD, n_seeds=10**30), "`n_seeds` must be"),
    "a count of 5000 digits": (lambda: tp.compare(GOOD, n_seeds=10**5000), "too long to print"),
    "a number beyond doubles": (lambda: tp.Constant(10**400), "`value` must be a finite number"),
    "a choice that is an array": (lambda: tp.compare(GOOD, vary=GOOD), "`vary` must be one of"),
    "a path that is a number": (lambda: tp.load(3), "`path` must be a path"),
    "a folder that is bytes": (lambda: tp.ComparisonReport.load(b"a"), "`directory` must be"),
    "a path with NUL": (lambda: tp.load("a\0b"), "no file"),
    "a path too long": (lambda: tp.ComparisonReport.load("a" * 300), "No report|too long"),
    "a diagram that is an array": (lambda: tp.bottleneck_distance(GOOD, GOOD), "got ndarray"),
    "a surface that is none": (lambda: tp.energy_barcode(GOOD), "`surface` must be"),
    "a decoder that is none": (lambda: tp.decode_along(None, GOOD), "floating-point tensor"),
    "a text of a megabyte": (lambda: tp.compare(GOOD, vary="x" * 2**20), "`vary` must be one of"),
}


@pytest.mark.parametrize("row", NAMED)
def test_the_refusal_names_what_was_wrong(tmp_path, monkeypatch, row: str) -> None:
    monkeypatch.setattr("topopert.comparison.runs.tasks.train_ensemble", no_training)
    monkeypatch.chdir(tmp_path)
    call, message = NAMED[row]
    with refused(tmp_path, message):
        call()
