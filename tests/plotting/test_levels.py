from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch
from matplotlib.text import Text

import topopert as tp
from tests.plotting.analytic_spectra import harmonic_spectrum
from topopert import plotting
from topopert.plotting.levels import plot_levels


def with_levels(levels: list[float], degeneracies: list[int], error: float = 0.0):
    values = torch.tensor(levels, dtype=torch.float64)
    return dataclasses.replace(
        harmonic_spectrum([1.0], max(1, len(levels))),
        levels=values,
        degeneracies=torch.tensor(degeneracies),
        errors=torch.full_like(values, error),
    )


def segments(ax) -> np.ndarray:
    """Of the level lines: left, right and height of each, (n, 3)."""
    lines = np.array(ax.collections[0].get_segments())  # (n, 2, 2)
    np.testing.assert_array_equal(lines[:, 0, 1], lines[:, 1, 1])
    return np.column_stack([lines[:, 0, 0], lines[:, 1, 0], lines[:, 0, 1]])


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_each_state_has_a_line_at_its_level_beside_those_of_the_same_level() -> None:
    spectrum = harmonic_spectrum([1.0, 1.0], 10)  # 1, 2, 3 and 4 states
    ax = plotting.new_axes()
    assert plot_levels(spectrum, ax=ax) is ax
    left, right, height = segments(ax).T
    np.testing.assert_allclose(height, spectrum.levels)
    for level, count in zip([0, 1, 2, 3], [1, 2, 3, 4], strict=True):
        mine = np.isclose(height, level)
        assert mine.sum() == count
        assert left[mine].min() == 0
        assert right[mine].max() == pytest.approx(1)
        assert (np.sort(left[mine])[1:] > np.sort(right[mine])[:-1]).all()  # side by side
    assert texts(ax) == ["×2", "×3", "×4"]


def test_states_of_one_level_that_differ_a_little_stand_at_their_own_heights() -> None:
    ax = plot_levels(with_levels([0.0, 0.98, 1.02], [1, 2, 2]))
    assert segments(ax)[:, 2].tolist() == [0.0, 0.98, 1.02]
    (text,) = ax.texts
    assert text.get_text() == "×2"
    assert text.xy[1] == 1.02  # beside the line that ends there


def test_a_level_whose_states_were_not_all_asked_for_is_drawn_with_those_that_were() -> None:
    ax = plot_levels(with_levels([0.0, 1.0, 1.0], [1, 3, 3]))
    assert len(segments(ax)) == 3
    assert texts(ax) == ["×2"]


def test_lines_of_a_level_of_many_states_keep_their_width() -> None:
    left, right, _ = segments(plot_levels(with_levels([1.0] * 40, [40] * 40))).T
    assert (right - left > 0.01).all()
    assert (left[1:] > right[:-1]).all()
    assert right[-1] == pytest.approx(1)


def test_bands_are_as_wide_as_the_errors() -> None:
    ax = plot_levels(harmonic_spectrum([1.0, 1.0], 3))
    for patch, level in zip(ax.patches, [0, 1, 1], strict=True):
        assert patch.get_y() == pytest.approx(level - 0.01)
        assert patch.get_height() == pytest.approx(0.02)


def test_unknown_errors_have_no_band() -> None:
    ax = plot_levels(with_levels([0.0, 1.0], [1, 1], error=math.nan))
    ax.figure.draw_without_rendering()
    assert {patch.get_height() for patch in ax.patches} == {0.0}


def test_labels_stand_beside_their_levels_and_a_barrier_with_its_height() -> None:
    spectrum = dataclasses.replace(
        with_levels([0.0, 0.01, 1.0, 1.0], [1, 1, 2, 2]),
        activation_energies=torch.tensor([math.nan, 3.14, 0.0, 0.0], dtype=torch.float64),
    )
    ax = plot_levels(spectrum, labels=["ground", "barrier", "harmonic", "harmonic"])
    assert texts(ax) == ["ground", "barrier 3.1 nats", "×2  harmonic"]
    colours = {text.get_color() for text in ax.texts}
    assert len(colours) == 3
    assert ax.get_ylabel().endswith("nats")
    unknown = dataclasses.replace(spectrum, activation_energies=torch.full((4,), math.nan))
    assert texts(plot_levels(unknown, labels=["ground", *["barrier"] * 3]))[1] == "barrier"


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("size", [(3.4, 3.4), (3.4, 2.0)])
def test_labels_do_not_overlap_each_other(log: bool, size: tuple[float, float]) -> None:
    levels = [0.0, 1e-3, 1.1e-3, 0.3, 0.97, 0.98, 0.99, 1.0, 1.01, 1.02, 1.03, 1.5]
    ax = plotting.new_axes(*size)
    plot_levels(
        with_levels(levels, [1] * 12), labels=[f"the {k}th" for k in range(12)], log=log, ax=ax
    )
    ax.figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in ax.texts]  # without the leading lines
    assert len(boxes) == 12
    assert all(above.y0 >= below.y1 - 1 for below, above in itertools.pairwise(boxes))
    whole = ax.figure.bbox
    assert all(box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1 for box in boxes)


def test_levels_of_one_text_that_are_too_near_for_it_share_one() -> None:
    spectrum = with_levels([0.0, 1.0, 2.0, 2.001, 2.002], [1] * 5)
    ax = plot_levels(spectrum, labels=["ground", *["harmonic"] * 4])
    assert texts(ax) == ["ground", "harmonic", "3 levels  harmonic"]
    assert ax.texts[-1].xy[1] == 2.001


def test_of_more_levels_than_have_room_the_lowest_are_labelled() -> None:
    levels = np.linspace(0, 1, 200).tolist()
    ax = plot_levels(with_levels(levels, [1] * 200), labels=[f"{k}" for k in range(200)])
    ax.figure.draw_without_rendering()
    shown = texts(ax)
    assert 10 < len(shown) < 40
    assert shown == [f"{k}" for k in range(len(shown))]
    assert len(segments(ax)) == 200


def test_a_logarithmic_axis_keeps_the_ground_level_in_sight() -> None:
    ax = plot_levels(with_levels([0.0, 2e-5, 0.1, 1.0], [1] * 4), log=True)
    assert ax.get_yscale() == "symlog"
    low, high = ax.get_ylim()
    assert low < 0
    assert high > 1.0
    heights = ax.transData.transform([(0, level) for level in (0.0, 2e-5, 0.1, 1.0)])[:, 1]
    axis_length = np.ptp(ax.transData.transform([(0, low), (0, high)])[:, 1])
    assert (np.diff(heights) > 0.1 * axis_length).all()


@pytest.mark.parametrize("log", [False, True])
def test_the_ground_level_alone_is_drawn(log: bool) -> None:
    ax = plot_levels(with_levels([0.0], [1]), log=log)
    ax.figure.draw_without_rendering()
    assert segments(ax).tolist() == [[0.0, 1.0, 0.0]]


def test_keywords_go_to_the_lines() -> None:
    ax = plot_levels(with_levels([0.0, 1.0], [1, 1]), linewidth=3.0, colors="red")
    assert ax.collections[0].get_linewidth() == [3.0]


def test_no_levels_and_labels_of_another_number_are_refused() -> None:
    with pytest.raises(tp.InvalidInputError, match="no levels"):
        plot_levels(with_levels([], []))
    with pytest.raises(tp.InvalidInputError, match="2, got 1"):
        plot_levels(with_levels([0.0, 1.0], [1, 1]), labels=["ground"])
