"""Memory of large sizes, in processes of their own; more by `python -m tests.load`."""

from __future__ import annotations

import pytest

from .cases import CASES
from .measure import measured


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tenth_of_a_million", "too_large"])
def test_it_takes_no_more_memory_than_it_should(name: str, tmp_path) -> None:
    got = measured(name, tmp_path)
    # Of what it may take, importing PyTorch takes 350 MB, and more where it is built for CUDA.
    assert got.peak_mb - got.imports_mb < CASES[name].most_mb - 350
