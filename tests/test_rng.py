from __future__ import annotations

import numpy as np
import torch
from torch import nn

from topopert.rng import seeded_init, spawn_generators, spawn_runs


def test_streams_start_anew_each_time() -> None:
    (run,) = spawn_runs(3, 1)
    np.testing.assert_array_equal(run.order().random(5), run.order().random(5))
    assert torch.equal(
        torch.randn(5, generator=run.noise()), torch.randn(5, generator=run.noise())
    )


def test_more_runs_leave_the_first_as_they_were() -> None:
    few, many = spawn_runs(3, 2), spawn_runs(3, 5)
    assert [(r.init, r.order_seed, r.noise_seed) for r in few] == [
        (r.init, r.order_seed, r.noise_seed) for r in many[:2]
    ]
    assert len({s for r in many for s in (r.init, r.order_seed, r.noise_seed)}) == 15


def test_generators_are_independent() -> None:
    a, b = spawn_generators(0, 2)
    assert not np.array_equal(a.random(5), b.random(5))


def test_seeded_init_puts_the_global_stream_back() -> None:
    before = torch.get_rng_state()
    with seeded_init(7):
        one = nn.Linear(3, 3)
    with seeded_init(7):
        two = nn.Linear(3, 3)
    assert torch.equal(one.weight, two.weight)
    assert torch.equal(before, torch.get_rng_state())
