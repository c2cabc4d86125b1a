from __future__ import annotations

import numpy as np
import pytest
import torch

import topopert as tp
from topopert import plotting
from topopert.plotting.coupled_levels import plot_levels_against_coupling

COUPLINGS = np.linspace(0, 1, 6)
SLOPES = np.array([0.0, 0.5, -0.2, 0.3])
FIRST = np.array([0.0, 1.0, 1.0, 2.0]) + COUPLINGS[:, None] * SLOPES
EXACT = FIRST - 0.1 * COUPLINGS[:, None] ** 2


def curves(ax, style: str) -> list[np.ndarray]:
    return [
        line.get_ydata()
        for line in ax.lines
        if line.get_linestyle() == style and len(line.get_xdata())
    ]


def test_exact_levels_are_solid_and_theory_is_dashed_and_dotted() -> None:
    ax = plotting.new_axes()
    drawn = plot_levels_against_coupling(
        COUPLINGS, EXACT, first_order=FIRST, second_order=EXACT + 0.01, ax=ax
    )
    assert drawn is ax
    solid = sorted(curves(ax, "-"), key=lambda values: (values[0], values[-1]))
    np.testing.assert_allclose(solid, EXACT.T[[0, 2, 1, 3]])
    lines = [line for line in ax.lines if line.get_linestyle() != "-" and len(line.get_xdata())]
    np.testing.assert_allclose([line.get_ydata() for line in lines[:4]], FIRST.T)
    np.testing.assert_allclose([line.get_ydata() for line in lines[4:]], EXACT.T + 0.01)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["exact", "first order", "second order"]
    patterns = {str(line._dash_pattern) for line in ax.get_legend().get_lines()}
    assert len(patterns) == 3


def test_the_first_excited_multiplet_is_coloured() -> None:
    ax = plot_levels_against_coupling(torch.tensor(COUPLINGS), torch.tensor(EXACT))
    colours = {tuple(line.get_ydata()): line.get_color() for line in ax.lines}
    ground, one, two, three = (colours[tuple(column)] for column in EXACT.T)
    assert one == two
    assert ground == three != one
    assert ax.get_legend() is None


def test_other_columns_are_coloured_if_asked_for() -> None:
    ax = plot_levels_against_coupling(COUPLINGS, EXACT, highlighted=[3])
    assert len({line.get_color() for line in ax.lines[:3]}) == 1
    assert ax.lines[3].get_color() != ax.lines[0].get_color()
    np.testing.assert_allclose(ax.lines[3].get_ydata(), EXACT[:, 3])


def test_theory_beyond_its_range_does_not_set_the_scale() -> None:
    ax = plot_levels_against_coupling(
        COUPLINGS, EXACT, first_order=FIRST + 100 * COUPLINGS[:, None]
    )
    assert ax.get_ylim()[1] < 3


def test_couplings_that_theory_refuses_leave_a_gap() -> None:
    second = EXACT.copy()
    second[-2:] = np.nan
    ax = plot_levels_against_coupling(COUPLINGS, EXACT, second_order=second)
    ax.figure.draw_without_rendering()
    gaps = [np.isnan(np.asarray(line.get_ydata(), dtype=float)).sum() for line in ax.lines]
    assert sorted(gaps) == [0] * 6 + [2] * 4


@pytest.mark.parametrize("levels", [np.zeros((1, 1)), np.zeros((1, 3))])
def test_one_coupling_and_one_level_are_drawn(levels) -> None:
    ax = plot_levels_against_coupling([0.5], levels)
    ax.figure.draw_without_rendering()
    assert len(ax.lines) == levels.shape[1]


def test_shapes_that_disagree_are_refused() -> None:
    with pytest.raises(tp.InvalidInputError, match=r"`levels` must have shape \(C, n_levels\)"):
        plot_levels_against_coupling(COUPLINGS, EXACT.T)
    with pytest.raises(tp.InvalidInputError, match="first_order"):
        plot_levels_against_coupling(COUPLINGS, EXACT, first_order=FIRST[:2])
    with pytest.raises(tp.InvalidInputError, match=r"got \(6, 0\)"):
        plot_levels_against_coupling(COUPLINGS, EXACT[:, :0])
    with pytest.raises(tp.InvalidInputError, match=r"0 to 3, got \{4\}"):
        plot_levels_against_coupling(COUPLINGS, EXACT, highlighted=[4])
    with pytest.raises(tp.InvalidInputError, match="1 axes"):
        plot_levels_against_coupling(EXACT, EXACT)
