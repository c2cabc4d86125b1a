from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from topopert.plotting.contours import nice_step
from topopert.plotting.numbers import brief, spread_out


@given(
    wanted=st.lists(st.floats(0, 1), min_size=1, max_size=8).map(sorted),
    share=st.floats(0, 1),
)
def test_places_are_the_nearest_that_are_apart(wanted: list[float], share: float) -> None:
    at, n = np.array(wanted), len(wanted)
    gap = share / max(1, n - 1)
    places = spread_out(at, gap)
    assert (np.diff(places) >= gap - 1e-12).all()
    assert places.min() >= -1e-12
    assert places.max() <= 1 + 1e-12
    second = minimize(
        lambda x: float(np.square(x - at).sum()),
        np.linspace(0, 1, n),
        bounds=[(0, 1)] * n,
        constraints={"type": "ineq", "fun": lambda x: np.diff(x) - gap} if n > 1 else (),
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert np.square(places - at).sum() <= second.fun + 1e-7


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1.0, "1"), (12.345, "12.3"), (0.107, "0.107"), (1.83e-4, "1.8e-4")],
)
def test_numbers_are_brief(value: float, text: str) -> None:
    assert brief(value) == text


@pytest.mark.parametrize(
    ("least", "step"), [(0.7, 1), (1, 1), (1.2, 2), (2.5, 5), (7, 10), (0.03, 0.05)]
)
def test_steps_are_round(least: float, step: float) -> None:
    assert nice_step(least) == pytest.approx(step)
