from __future__ import annotations

import sys
from collections.abc import Iterator

import matplotlib as mpl
import pytest


@pytest.fixture(autouse=True)
def no_global_state() -> Iterator[None]:
    """Whatever is drawn, matplotlib's settings stay and pyplot learns of no figure."""
    before = dict(mpl.rcParams)
    yield
    assert dict(mpl.rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()
