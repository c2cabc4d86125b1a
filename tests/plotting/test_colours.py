from __future__ import annotations

import numpy as np
import pytest

from topopert import plotting
from topopert.plotting import colour_scale


def test_text_truth_values_and_few_whole_numbers_are_categories() -> None:
    text = colour_scale(np.array(["b", "a", "", "b"]))
    assert text.tick_labels == ("(empty)", "a", "b")
    assert text.values.tolist() == [2, 1, 0, 2]
    assert colour_scale(np.array([True, False])).tick_labels == ("no", "yes")
    whole = colour_scale(np.array([7, 100, 7, -1]))
    assert whole.tick_labels == ("-1", "7", "100")
    assert whole.values.tolist() == [1, 2, 1, 0]


def test_categories_have_colours_of_their_own() -> None:
    for n in (1, 2, 10, 11, 20):
        scale = colour_scale(np.arange(n))
        colours = scale.style["cmap"](np.arange(n))
        assert len(np.unique(colours, axis=0)) == n


def test_of_many_categories_the_rare_ones_share_one_grey() -> None:
    column = np.array([f"site {k}" for k in range(40) for _ in range(1 + (k < 18))])
    scale = colour_scale(column)
    assert scale.tick_labels[-1] == "22 others"
    assert len(scale.tick_labels) == 19
    assert (scale.values == 18).sum() == 22
    red, green, blue, _ = scale.style["cmap"](18)
    assert red == green == blue


def test_numbers_run_between_their_tails_and_missing_ones_stay_missing() -> None:
    column = np.append(np.linspace(0, 1, 500), [1e6, np.nan, np.inf])
    scale = colour_scale(column)
    assert scale.ticks is None
    assert 0 < scale.style["vmin"] < 0.02
    assert 0.98 < scale.style["vmax"] < 1
    assert np.flatnonzero(np.isnan(scale.values)).tolist() == [501, 502]
    assert scale.extend == "both"


def test_angles_of_either_convention_are_one_circle() -> None:
    angle = np.linspace(-np.pi, np.pi, 50, endpoint=False)
    scale = colour_scale(angle, cyclic=True)
    np.testing.assert_allclose(np.exp(1j * scale.values), np.exp(1j * angle), atol=1e-12)
    assert scale.values.min() >= 0


@pytest.mark.parametrize(
    "column",
    [
        None,
        np.arange(50),
        np.arange(50) % 3,
        np.array(["a", "b"] * 25),
        np.array([f"{k}" for k in range(50)]),
        np.full(50, np.nan),
        np.full(50, 2.5),
        np.append(np.nan, np.arange(49) / 7),
    ],
)
def test_a_grid_is_drawn_for_any_column(rng, column) -> None:
    figure = plotting.plot_latents_grid(
        {"baseline": rng.normal(size=(3, 50, 2))}, column, colour_label="it"
    )
    figure.draw_without_rendering()
    bars = [ax for ax in figure.axes if ax.get_label() == "<colorbar>"]
    assert len(bars) == (column is not None)


@pytest.mark.parametrize("dim", [2, 3])
def test_seeds_that_diverged_are_named_and_do_not_set_the_scale(rng, dim) -> None:
    latents = rng.normal(size=(3, 50, dim))
    latents[0] = np.nan
    gone = np.full_like(latents, np.nan)
    figure = plotting.plot_latents_grid({"baseline": latents, "perturbed": gone}, np.arange(50))
    figure.draw_without_rendering()
    panels = [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]
    texts = [[t.get_text() for t in ax.texts if t.get_text() == "diverged"] for ax in panels]
    assert [len(found) for found in texts] == [1, 0, 0, 1, 1, 1]
    assert panels[1].get_xlim()[1] < 10


def test_learning_curves_are_means_over_seeds_that_did_not_diverge() -> None:
    losses = np.stack([np.linspace(3, 1, 10), np.linspace(5, 3, 10), np.full(10, np.nan)], axis=1)
    ax = plotting.plot_learning_curves({"baseline": losses, "gone": losses[:, 2:]})
    (line,) = ax.lines
    np.testing.assert_allclose(line.get_ydata(), np.linspace(4, 2, 10))
    assert line.get_label() == "baseline"
