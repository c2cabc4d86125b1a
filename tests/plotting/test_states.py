from __future__ import annotations

import numpy as np
import pytest
import torch

import topopert as tp
from tests.plotting.analytic_spectra import harmonic_spectrum
from topopert import plotting
from topopert.plotting.states import plot_state, plot_states
from topopert.plotting.well_states import plot_states_in_well


def test_an_image_shows_the_state_with_its_axes_the_right_way_round() -> None:
    spectrum = harmonic_spectrum([1.0, 4.0], 6)
    ax = plotting.new_axes()
    assert plot_state(spectrum, 2, n_points=21, ax=ax) is ax
    (image,) = ax.images
    left, right, bottom, top = image.get_extent()
    assert right - left > 1.5 * (top - bottom)  # the stiff axis is the second
    z1, z2 = np.linspace(left, right, 21), np.linspace(bottom, top, 21)
    codes = torch.tensor([[a, b] for b in z2 for a in z1])  # row by row from below
    wanted = spectrum.states(codes)[:, 2].reshape(21, 21)
    np.testing.assert_allclose(image.get_array(), wanted, atol=1e-12)
    assert image.origin == "lower"
    low, high = image.get_clim()
    assert low == -high
    assert high == pytest.approx(float(wanted.abs().max()))


def test_contours_are_a_nat_apart() -> None:
    ax = plot_state(harmonic_spectrum([1.0, 1.0], 3), 1)
    (contours,) = ax.collections
    np.testing.assert_allclose(contours.levels, 2 + np.arange(1, 9), atol=1e-6)
    circle = contours.get_paths()[1].vertices  # 2 above the minimum on a circle of radius 2
    np.testing.assert_allclose(np.hypot(*circle.T), 2.0, atol=0.01)


def test_modes_are_drawn_where_there_is_density() -> None:
    spectrum = harmonic_spectrum([1.0, 1.0], 3)
    (image,) = plot_state(spectrum, 2, kind="modes", n_points=41).images
    left, right, bottom, top = image.get_extent()
    z1, z2 = np.meshgrid(np.linspace(left, right, 41), np.linspace(bottom, top, 41))
    dense = 0.5 * (z1**2 + z2**2) <= np.log(1e3)
    array = np.ma.filled(image.get_array(), np.nan)
    np.testing.assert_array_equal(np.isfinite(array), dense)
    # Level 1 is a doublet; these states are the coordinates themselves.
    np.testing.assert_allclose(array[dense], z1[dense], atol=1e-12)


def test_several_states_stand_side_by_side_with_their_levels() -> None:
    figure = plot_states(harmonic_spectrum([1.0, 1.0], 8), [0, 1, 2, 4], n_columns=3)
    figure.draw_without_rendering()
    shown = [ax for ax in figure.axes if ax.get_visible()]
    assert [ax.get_title() for ax in shown] == [
        f"$k$ = {k},  $E$ = {level}" for k, level in [(0, 0), (1, 1), (2, 1), (4, 2)]
    ]
    assert all(len(ax.images) == 1 for ax in shown)
    assert len(figure.axes) == 6


def test_keywords_go_to_the_image() -> None:
    (image,) = plot_state(harmonic_spectrum([1.0, 1.0], 2), 1, n_points=9, cmap="PuOr").images
    assert image.get_cmap().name == "PuOr"


def test_states_of_one_dimension_stand_upon_their_levels_in_the_well() -> None:
    spectrum = harmonic_spectrum([2.0], 5)
    ax = plotting.new_axes()
    assert plot_states_in_well(spectrum, [0, 1, 3], n_points=51, ax=ax) is ax
    well, *others = ax.lines
    z = np.asarray(well.get_xdata())
    np.testing.assert_allclose(well.get_ydata(), z**2, atol=1e-12)
    curves = [line for line in others if len(line.get_xdata()) == 51]
    exact = spectrum.states(torch.tensor(z)[:, None]).numpy()
    ratios = []
    for line, k in zip(curves, [0, 1, 3], strict=True):
        drawn = np.asarray(line.get_ydata()) - 2.0 * k
        ratios.append(np.dot(drawn, exact[:, k]) / np.dot(exact[:, k], exact[:, k]))
        np.testing.assert_allclose(drawn, ratios[-1] * exact[:, k], atol=1e-12)
    np.testing.assert_allclose(ratios, ratios[0])  # one scale for all
    assert [text.get_text() for text in ax.texts] == ["$E_{0}$ = 0", "$E_{1}$ = 2", "$E_{3}$ = 6"]


@pytest.mark.parametrize("indices", [[0], [1, 1], [4, 0]])
def test_one_state_equal_ones_and_any_order_are_drawn(indices) -> None:
    ax = plot_states_in_well(harmonic_spectrum([1.0], 5), indices)
    ax.figure.draw_without_rendering()
    assert len(ax.texts) == len(indices)


@pytest.mark.parametrize("plot", [plot_states, plot_states_in_well])
def test_states_that_there_are_not_are_refused(plot) -> None:
    spectrum = harmonic_spectrum([1.0, 1.0][: 1 + (plot is plot_states)], 4)
    for indices in ([], [4], [-1]):
        with pytest.raises(tp.InvalidInputError, match="0 to 3"):
            plot(spectrum, indices)


def test_other_dimensions_and_arguments_out_of_range_are_refused() -> None:
    with pytest.raises(tp.InvalidInputError, match="plot_states_in_well"):
        plot_state(harmonic_spectrum([1.0], 3), 0)
    with pytest.raises(tp.InvalidInputError, match="`plot_state`"):
        plot_states_in_well(harmonic_spectrum([1.0, 1.0], 3), [0])
    with pytest.raises(tp.InvalidInputError, match="`n_points`"):
        plot_state(harmonic_spectrum([1.0, 1.0], 3), 0, n_points=1)
    with pytest.raises(tp.InvalidInputError, match="`n_columns`"):
        plot_states(harmonic_spectrum([1.0, 1.0], 3), [0], n_columns=0)
    with pytest.raises(tp.InvalidInputError, match="'states', 'modes'"):
        plot_state(harmonic_spectrum([1.0, 1.0], 3), 0, kind="mode")
