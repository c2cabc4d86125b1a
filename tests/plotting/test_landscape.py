from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

import topopert as tp
from topopert import plotting
from topopert.hamiltonian.landscape import EnergyLandscape
from topopert.plotting.landscape_map import plot_landscape
from topopert.plotting.path_profile import plot_path


def double_well(z: Tensor) -> Tensor:
    """Minima at (±1, 0), the saddle of 3 nats at the origin."""
    return 3 * (z[:, 0].square() - 1).square() + 2 * z[:, 1].square()


@pytest.fixture(scope="module")
def landscape() -> EnergyLandscape:
    return EnergyLandscape.from_energy(double_well, latent_dim=2, width=0.5)


def markers(ax, kind: str) -> np.ndarray:
    (line,) = (line for line in ax.lines if line.get_marker() == kind)
    return np.column_stack(line.get_data())


def test_minima_and_saddles_stand_where_they_are(landscape) -> None:
    ax = plotting.new_axes()
    assert plot_landscape(landscape, ax=ax) is ax
    np.testing.assert_allclose(sorted(markers(ax, "o").tolist()), [(-1, 0), (1, 0)], atol=1e-6)
    np.testing.assert_allclose(markers(ax, "^"), [(0, 0)], atol=1e-6)
    at = {text.get_text(): text.get_position() for text in ax.texts}
    assert list(at) == ["0", "1"]
    np.testing.assert_allclose(list(at.values()), landscape.minima)
    assert ax.get_aspect() == 1.0


def test_contours_are_round_numbers_of_nats_apart_and_closed(landscape) -> None:
    ax = plot_landscape(landscape)
    filled, lines = ax.collections
    np.testing.assert_allclose(np.diff(filled.levels), 1.0)
    assert filled.levels[0] == pytest.approx(0.0, abs=1e-9)
    assert filled.levels[-1] >= 7.0  # four above the saddle
    assert ax.get_title() == "contours 1 nat apart"
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        energy = double_well(torch.tensor(path.vertices.copy()))
        np.testing.assert_allclose(energy, level, atol=0.05)
    # The frame goes so far out that the last contour is whole.
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    rim = torch.tensor([(left, 0.0), (right, 0.0), (1.0, bottom), (1.0, top)], dtype=torch.float64)
    assert (double_well(rim) >= 7.0).all()


def test_paths_and_trajectories_are_drawn_as_they_are_given(landscape, generator) -> None:
    path = landscape.path(0, 1, n_points=21)
    walks = torch.randn(30, 2, 2, generator=generator, dtype=torch.float64)
    ax = plot_landscape(landscape, paths=[path], trajectories=walks)
    plain = [np.column_stack(line.get_data()) for line in ax.lines if line.get_marker() == "None"]
    np.testing.assert_allclose(plain[0], walks[:, 0])
    np.testing.assert_allclose(plain[1], walks[:, 1])
    np.testing.assert_allclose(plain[2], path.points)
    left, right = ax.get_xlim()
    assert left < -1.5
    assert right > 1.5


def test_one_minimum_alone_is_drawn() -> None:
    zero = torch.zeros(1, 2, dtype=torch.float64)
    ax = plot_landscape(EnergyLandscape.from_posterior(zero, zero))
    ax.figure.draw_without_rendering()
    np.testing.assert_allclose(markers(ax, "o"), [(0, 0)], atol=1e-9)
    assert markers(ax, "^").shape == (0, 2)
    assert ax.get_title() == "contours 0.5 nats apart"


def test_a_map_needs_two_dimensions() -> None:
    zero = torch.zeros(1, 3, dtype=torch.float64)
    with pytest.raises(tp.InvalidInputError, match="plot_disconnectivity"):
        plot_landscape(EnergyLandscape.from_posterior(zero, zero))


def test_a_profile_shows_the_energy_along_the_way_and_its_climb(landscape) -> None:
    path = landscape.path(0, 1, n_points=41)
    ax = plotting.new_axes()
    assert plot_path(path, ax=ax) is ax
    profile = ax.lines[0]
    np.testing.assert_allclose(profile.get_xdata(), path.arc_lengths)
    np.testing.assert_allclose(profile.get_ydata(), double_well(path.points))
    np.testing.assert_allclose(markers(ax, "o"), [(0, 0), (path.length, 0)], atol=1e-6)
    np.testing.assert_allclose(markers(ax, "^"), [(path.length / 2, 3)], atol=1e-3)
    assert [text.get_text() for text in ax.texts] == ["", "3.00 nats"]
    assert ax.texts[0].xy[1] == pytest.approx(3.0)
    assert ax.texts[0].get_position()[1] == pytest.approx(0.0, abs=1e-9)
    assert ax.get_ylabel().endswith("nats")


def test_the_climb_is_measured_from_the_first_minimum_not_from_a_point_before_it(
    landscape,
) -> None:
    begin = torch.tensor([1.3, 1.5], dtype=torch.float64)  # 5.9 nats above the minima
    end = 0 if landscape.minima[0, 0] < 0 else 1
    path = landscape.path(begin, end)
    ax = plot_path(path)
    assert float(path.energies[0]) > 5
    assert ax.texts[-1].get_text() == "3.00 nats"


def test_a_path_that_goes_nowhere_or_climbs_no_saddle_has_no_arrow(landscape) -> None:
    ax = plot_path(landscape.path(1, 1))
    ax.figure.draw_without_rendering()
    assert not ax.texts
    assert len(markers(ax, "^")) == 0


def test_keywords_go_to_the_profile_and_a_path_without_points_is_refused(landscape) -> None:
    path = landscape.path(0, 1)
    assert plot_path(path, linewidth=4.0).lines[0].get_linewidth() == 4.0
    empty = dataclasses.replace(
        path, points=path.points[:0], energies=path.energies[:0], arc_lengths=path.energies[:0]
    )
    with pytest.raises(tp.InvalidInputError, match="no points"):
        plot_path(empty)
