"""Built-in data sets by name."""

from __future__ import annotations

import numpy as np
import pytest

from topopert import datasets
from topopert.cli.data import BUILT_IN, CYCLIC, DataSource, load_data


def load(name: str, *labels: str):
    source = DataSource(data=name, labels=labels, array=None, layer=None, obsm=None)
    return load_data(source)


def test_every_data_set_has_its_name() -> None:
    functions = {name for name in datasets.__all__ if name.islower()}
    assert set(BUILT_IN) == functions


@pytest.mark.parametrize("name", BUILT_IN)
def test_its_parameters_are_columns_and_the_angles_are_known(name) -> None:
    table = load(name)
    assert tuple(table.columns) == BUILT_IN[name]
    for column, values in table.columns.items():
        assert values.shape == (len(table.points),)
        low, high = values.min(), values.max()
        turns = np.isclose(high - low, 2 * np.pi, rtol=0.05) and (low < 0.1)
        assert ((name, column) in CYCLIC) == bool(turns)


def test_the_same_name_is_the_same_data() -> None:
    assert np.array_equal(load("torus").points, load("torus").points)


def test_labels_choose_among_the_parameters() -> None:
    assert list(load("sphere", "latitude").columns) == ["latitude"]
