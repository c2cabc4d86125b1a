from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import topopert as tp
from topopert import plotting
from topopert.hamiltonian.barcode import ArrheniusSeries, BarcodeComparison
from topopert.plotting.arrhenius import plot_arrhenius
from topopert.plotting.barcode_levels import plot_barcode_levels

HEAT = np.array([1.0, 0.5, 0.25])
BARS = np.array([4.0, 2.5])
LEVELS = 3.0 * np.exp(-BARS / HEAT[:, None])
SERIES = ArrheniusSeries(
    temperatures=HEAT,
    levels=LEVELS,
    activation_energies=np.broadcast_to(BARS + 0.1, LEVELS.shape),
    raw=-HEAT[:, None] * np.log(LEVELS),
    bars=BARS,
)
COMPARISON = BarcodeComparison(
    bars=BARS,
    levels=LEVELS[0],
    activation_energies=np.array([4.2, 2.4]),
    raw=SERIES.raw[0],
    temperature=1.0,
)


def points(collection) -> np.ndarray:
    return np.ma.filled(collection.get_offsets(), np.nan)


def test_activation_energies_stand_over_their_bars_beside_the_diagonal() -> None:
    ax = plotting.new_axes()
    assert plot_barcode_levels(COMPARISON, ax=ax) is ax
    raw, activation = ax.collections
    np.testing.assert_allclose(points(activation), [(4.0, 4.2), (2.5, 2.4)])
    np.testing.assert_allclose(points(raw), np.column_stack([BARS, BARS - math.log(3)]))
    x, y = ax.lines[0].get_data()
    np.testing.assert_array_equal(x, y)
    assert ax.get_xlim() == ax.get_ylim()
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["$-T$ log $E_k$, $T$ = 1", "activation energy"]
    assert "nats" in ax.get_xlabel()
    assert "nats" in ax.get_ylabel()


def test_bars_without_an_end_and_unknown_levels_are_left_out() -> None:
    comparison = dataclasses.replace(
        COMPARISON,
        bars=np.array([math.inf, 4.0]),
        activation_energies=np.array([9.0, math.nan]),
        raw=np.array([math.nan, 3.0]),
    )
    ax = plot_barcode_levels(comparison)
    ax.figure.draw_without_rendering()
    raw, activation = ax.collections
    assert np.isfinite(points(raw)).all(axis=1).tolist() == [False, True]
    assert not np.isfinite(points(activation)).all(axis=1).any()


def test_a_level_below_zero_stays_in_sight() -> None:
    ax = plot_barcode_levels(dataclasses.replace(COMPARISON, raw=np.array([2.0, -1.5])))
    assert ax.get_ylim()[0] < -1.5


def test_of_one_minimum_it_is_said_that_there_is_no_bar() -> None:
    empty = np.empty(0)
    ax = plot_barcode_levels(
        BarcodeComparison(
            bars=empty, levels=empty, activation_energies=empty, raw=empty, temperature=1.0
        )
    )
    ax.figure.draw_without_rendering()
    assert [text.get_text() for text in ax.texts] == ["no finite bar"]


def test_levels_tend_to_their_bars_on_straight_lines() -> None:
    ax = plotting.new_axes()
    assert plot_arrhenius(SERIES, ax=ax) is ax
    drawn = [line for line in ax.lines if len(line.get_xdata())]
    for k, bar in enumerate(BARS):
        raw, activation, level = drawn[3 * k : 3 * k + 3]
        np.testing.assert_allclose(raw.get_xdata(), HEAT)
        np.testing.assert_allclose(raw.get_ydata(), bar - HEAT * math.log(3.0))
        np.testing.assert_allclose(activation.get_ydata(), bar + 0.1)
        assert activation.get_linestyle() == "None"
        assert activation.get_color() == raw.get_color()
        assert set(level.get_ydata()) == {bar}
    assert drawn[0].get_marker() != drawn[3].get_marker()
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["$-T$ log $E_k$", "activation energy", "bar of $U$"]
    assert ax.get_xlim()[0] == 0.0


def test_levels_without_a_bar_or_lost_in_rounding_are_left_out() -> None:
    raw = np.column_stack([np.full(3, np.nan), SERIES.raw[:, 1]])
    lost = plot_arrhenius(dataclasses.replace(SERIES, raw=raw))
    no_bar = plot_arrhenius(dataclasses.replace(SERIES, bars=np.array([4.0, 0.0])))
    kept = [
        np.asarray(next(line for line in ax.lines if len(line.get_xdata())).get_ydata())
        for ax in (lost, no_bar)
    ]
    np.testing.assert_allclose(kept, [SERIES.raw[:, 1], SERIES.raw[:, 0]])
    assert [sum(len(line.get_xdata()) > 0 for line in ax.lines) for ax in (lost, no_bar)] == [3, 3]


def test_a_surface_of_one_minimum_has_no_level_to_draw() -> None:
    ax = plot_arrhenius(dataclasses.replace(SERIES, bars=np.zeros(2)))
    ax.figure.draw_without_rendering()
    assert [text.get_text() for text in ax.texts] == ["no level has a bar"]


def test_a_bar_without_an_end_has_no_line() -> None:
    ax = plot_arrhenius(dataclasses.replace(SERIES, bars=np.array([math.inf, 2.5])))
    ax.figure.draw_without_rendering()
    dashed = [line for line in ax.lines if line.get_linestyle() == "--" and len(line.get_xdata())]
    assert [np.asarray(line.get_ydata())[0] for line in dashed] == [2.5]


def test_keywords_reach_their_calls_and_no_temperatures_are_refused() -> None:
    assert plot_arrhenius(SERIES, linewidth=5.0).lines[0].get_linewidth() == 5.0
    assert plot_barcode_levels(COMPARISON, s=99).collections[1].get_sizes().tolist() == [99]
    empty = dataclasses.replace(
        SERIES, temperatures=HEAT[:0], raw=LEVELS[:0], activation_energies=LEVELS[:0]
    )
    with pytest.raises(tp.InvalidInputError, match="no temperatures"):
        plot_arrhenius(empty)
