"""Settings that all tests share."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import settings

settings.register_profile("topopert", derandomize=True, deadline=None, max_examples=25)
settings.load_profile("topopert")
# Two threads win little on tensors this small, and lose much where another process is busy.
torch.set_num_threads(1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that need an extra run only where they are asked for: `-m integration`."""
    if "integration" in str(config.getoption("markexpr")):
        return
    left_out = [item for item in items if item.get_closest_marker("integration")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
