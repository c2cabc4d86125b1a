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


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
