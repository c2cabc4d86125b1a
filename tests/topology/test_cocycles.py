from __future__ import annotations

import numpy as np

from topopert.topology.cocycles import integer_cocycle, is_cocycle

TRIANGLE = np.ones((3, 3), dtype=bool) & ~np.eye(3, dtype=bool)


def test_lift_takes_the_representative_nearest_to_zero() -> None:
    lift = integer_cocycle(np.array([[0, 1, 46], [2, 1, 3]]), n=3, prime=47)
    assert lift[0, 1] == -1
    assert lift[1, 0] == 1
    assert lift[2, 1] == 3


def test_coboundary_is_a_cocycle_and_a_loop_around_a_triangle_is_not() -> None:
    f = np.array([0, 2, -5])
    assert is_cocycle(f[None, :] - f[:, None], TRIANGLE)
    around = integer_cocycle(np.array([[0, 1, 1], [1, 2, 1], [2, 0, 1]]), n=3, prime=47)
    assert not is_cocycle(around, TRIANGLE)
    hollow = TRIANGLE.copy()
    hollow[0, 2] = hollow[2, 0] = False
    assert is_cocycle(np.where(hollow, around, 0), hollow)
