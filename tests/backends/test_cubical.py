"""Bars of functions on grids against hand-made answers and a union-find of our own."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topopert.backends import sublevel_diagrams
from topopert.errors import BackendError, InvalidInputError


def components(values: np.ndarray) -> np.ndarray:
    """The finite H0 bars by the elder rule, (birth, death), longest first; cubes of any size."""
    root = {node: node for node in np.ndindex(values.shape) if np.isfinite(values[node])}

    def find(node: tuple[int, ...]) -> tuple[int, ...]:
        while root[node] != node:
            node = root[node]
        return node

    bars = []
    seen = set()
    for node in sorted(root, key=lambda node: values[node]):
        seen.add(node)
        for axis, step in itertools.product(range(values.ndim), (-1, 1)):
            other = tuple(i + step * (axis == k) for k, i in enumerate(node))
            if other in seen:
                old, young = sorted((find(node), find(other)), key=lambda top: values[top])
                if old != young:
                    bars.append((values[young], values[node]))
                    root[young] = old
    bars = [bar for bar in bars if bar[1] > bar[0]]
    return np.array(sorted(bars, key=lambda bar: (bar[0] - bar[1], bar[0]))).reshape(-1, 2)


@pytest.mark.parametrize("shape", [(60,), (13, 9), (6, 5, 7)])
def test_components_are_those_of_union_find(rng, shape: tuple[int, ...]) -> None:
    values = rng.normal(size=shape)
    values[rng.random(shape) < 0.05] = np.inf
    diagrams = sublevel_diagrams(values)
    assert len(diagrams) == len(shape)
    np.testing.assert_array_equal(diagrams[0].pairs, components(values))


@given(st.integers(0, 2**32 - 1))
def test_euler_characteristic_is_births_minus_deaths(seed: int) -> None:
    values = np.random.default_rng(seed).permutation(30).reshape(6, 5).astype(float)
    level = float(np.median(values))
    inside = values <= level
    cells = inside.sum()
    cells -= (inside[1:] & inside[:-1]).sum() + (inside[:, 1:] & inside[:, :-1]).sum()
    cells += (inside[1:, 1:] & inside[1:, :-1] & inside[:-1, 1:] & inside[:-1, :-1]).sum()
    betti = [
        ((d.pairs[:, 0] <= level) & (level < d.pairs[:, 1])).sum() + (d.essential <= level).sum()
        for d in sublevel_diagrams(values)
    ]
    assert betti[0] - betti[1] == cells


@pytest.mark.parametrize("asymmetry", [0.0, 0.3])
def test_barrier_of_a_double_well_converges_with_the_square_of_the_spacing(asymmetry) -> None:
    def bar(spacing: float) -> float:
        x = np.arange(-2, 2.0001, spacing) + 0.37 * spacing  # no node at a minimum
        (diagram,) = sublevel_diagrams((x**2 - 1) ** 2 * 3 + asymmetry * x)
        return float(diagram.persistence[0])

    roots = np.sort(np.roots([12, 0, -12, asymmetry]).real)
    low, top, high = (3 * (r**2 - 1) ** 2 + asymmetry * r for r in roots)
    exact = top - max(low, high)
    coarse, fine = (abs(bar(h) - exact) for h in (0.04, 0.01))
    assert coarse < 6 * 0.04**2
    assert fine < 6 * 0.01**2


def test_ring_has_one_loop_that_dies_on_top_of_the_hill() -> None:
    x = np.linspace(-2, 2, 81)
    radius = np.hypot(*np.meshgrid(x, x, indexing="ij"))
    components_, loops = sublevel_diagrams(5 * (radius - 1) ** 2)
    np.testing.assert_allclose(components_.essential, 0.0, atol=1e-9)
    assert loops.persistence[0] == pytest.approx(5.0, abs=0.02)
    assert loops.persistence[1:].max(initial=0) < 0.02


def test_sphere_has_one_void_and_no_loop() -> None:
    x = np.linspace(-1.6, 1.6, 33)
    radius = np.sqrt(sum(c**2 for c in np.meshgrid(x, x, x, indexing="ij")))
    _, loops, voids = sublevel_diagrams(4 * (radius - 1) ** 2)
    assert voids.persistence[0] == pytest.approx(4.0, abs=0.1)
    assert loops.persistence.max(initial=0) < 0.1


def test_wells_apart_by_nodes_that_never_enter_are_both_essential() -> None:
    x = np.linspace(-2, 2, 41)
    values = np.where(np.abs(x) < 0.5, np.inf, (np.abs(x) - 1) ** 2 + 0.1 * (x > 0))
    (diagram,) = sublevel_diagrams(values)
    np.testing.assert_allclose(diagram.essential, [0.0, 0.1], atol=1e-12)
    assert diagram.pairs.shape == (0, 2)


def test_hole_of_nodes_that_never_enter_is_an_essential_loop() -> None:
    values = np.zeros((5, 6))
    values[2, 2:4] = np.inf
    assert sublevel_diagrams(values)[1].essential.tolist() == [0.0]


def test_axes_are_told_apart() -> None:
    # Two wells along the second axis: a grid read in the wrong order has many.
    x, y = np.linspace(-1, 1, 7), np.linspace(-2, 2, 23)
    values = 4 * x[:, None] ** 2 + (y**2 - 1) ** 2
    components_, loops = sublevel_diagrams(values)
    assert len(components_.pairs) == 1
    assert len(loops.pairs) == 0


@given(st.floats(0.1, 10), st.floats(-5, 5))
def test_bars_go_with_scale_and_shift(scale: float, shift: float) -> None:
    values = np.random.default_rng(0).normal(size=(8, 7))
    for before, after in zip(
        sublevel_diagrams(values), sublevel_diagrams(scale * values + shift), strict=True
    ):
        np.testing.assert_allclose(after.pairs, scale * before.pairs + shift, atol=1e-9)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        (np.array([[0.0, np.nan], [1.0, 2.0]]), r"nan at node \(0, 1\)"),
        (np.array([[0.0, 1.0], [-np.inf, 2.0]]), r"-inf at node \(1, 0\)"),
        (np.full((3, 3), np.inf), "no sublevel set"),
        (np.zeros((4, 1)), "at least 2 nodes"),
        (np.float64(1.0), "at least 2 nodes"),
    ],
)
def test_values_without_an_order_are_refused(values, match: str) -> None:
    with pytest.raises(InvalidInputError, match=match):
        sublevel_diagrams(values)


def test_what_gudhi_cannot_do_is_our_error(monkeypatch) -> None:
    def broken(**_: object) -> None:
        raise MemoryError("out of memory")

    monkeypatch.setattr("gudhi.CubicalComplex", broken)
    with pytest.raises(BackendError, match=r"grid of shape \(3, 3\): out of memory"):
        sublevel_diagrams(np.zeros((3, 3)))
