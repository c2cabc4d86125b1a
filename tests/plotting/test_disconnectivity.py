from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import topopert as tp
from topopert import plotting
from topopert.hamiltonian.landscape import MergeTree
from topopert.hamiltonian.landscape.merge_tree import merge_tree
from topopert.plotting.disconnectivity import plot_disconnectivity

BIRTHS = torch.tensor([0.0, 0.4, 1.1, 1.3, 2.0], dtype=torch.float64)
HEIGHTS = torch.tensor([3.0, 2.0, 2.5, 5.0, 2.2], dtype=torch.float64)
ENDS = torch.tensor([[0, 1], [1, 2], [0, 3], [0, 4], [2, 4]])


def random_tree(n: int, seed: int) -> MergeTree:
    generator = torch.Generator().manual_seed(seed)
    births = torch.rand(n, generator=generator, dtype=torch.float64).sort().values
    parents = [int(torch.randint(k, (1,), generator=generator)) for k in range(1, n)]
    ends = torch.stack([torch.arange(1, n), torch.tensor(parents, dtype=torch.int64)], dim=1)
    rises = torch.rand(n - 1, generator=generator, dtype=torch.float64)
    return merge_tree(births, births[ends].amax(dim=1) + rises, ends)


def pieces(ax) -> list[np.ndarray]:
    """The straight pieces of the branches, (2, 2) each."""
    corners = [np.asarray(path) for path in ax.collections[0].get_segments()]
    return [piece for path in corners for piece in np.stack([path[:-1], path[1:]], axis=1)]


def test_leaves_stand_at_their_energies_and_branches_meet_at_their_saddles() -> None:
    ax = plotting.new_axes()
    assert plot_disconnectivity(merge_tree(BIRTHS, HEIGHTS, ENDS), ax=ax) is ax
    dots, lowest = ax.lines
    np.testing.assert_allclose(sorted(dots.get_ydata()), BIRTHS)
    assert lowest.get_ydata().tolist() == [0.0]
    numbers = {text.get_text(): text.xy[1] for text in ax.texts}
    assert numbers == {f"{k}": energy for k, energy in enumerate(BIRTHS.tolist())}
    level = [a[1] for a, b in pieces(ax) if a[1] == b[1]]
    assert sorted(level) == [2.0, 2.2, 2.5, 3.0]  # the saddle at 5 joins what is joined
    assert ax.get_ylabel() == "energy $U$, nats"


def test_a_branch_joins_the_two_states_that_its_saddle_joins() -> None:
    ax = plot_disconnectivity(merge_tree(BIRTHS, HEIGHTS, ENDS))
    at = {text.get_text(): text.xy[0] for text in ax.texts}
    lowest = min(ax.collections[0].get_segments(), key=lambda path: path[:, 1].max())
    # The saddle at 2 joins states 1 and 2.
    np.testing.assert_allclose(
        lowest, [(at["1"], 0.4), (at["1"], 2.0), (at["2"], 2.0), (at["2"], 1.1)]
    )


@given(n=st.integers(1, 20), seed=st.integers(0, 10**6))
def test_branches_never_cross(n: int, seed: int) -> None:
    ax = plot_disconnectivity(random_tree(n, seed))
    drawn = pieces(ax)
    flat = [piece for piece in drawn if piece[0, 1] == piece[1, 1]]
    upright = [piece for piece in drawn if piece[0, 1] != piece[1, 1]]
    assert len(flat) == n - 1
    assert len(ax.collections[0].get_segments()) == n
    for bar, stem in itertools.product(flat, upright):
        left, right = sorted(bar[:, 0])
        low, high = sorted(stem[:, 1])
        inside = left + 1e-9 < stem[0, 0] < right - 1e-9
        # What goes on from a bar's middle begins at it, and does not run through it.
        assert not (inside and low < bar[0, 1] - 1e-12 and bar[0, 1] + 1e-12 < high)


@given(n=st.integers(1, 20), seed=st.integers(0, 10**6))
def test_what_goes_on_from_a_saddle_rises_from_the_middle_of_its_bar(n: int, seed: int) -> None:
    tree = random_tree(n, seed)
    ax = plot_disconnectivity(tree)
    leaves = np.column_stack(ax.lines[0].get_data())
    branches = ax.collections[0].get_segments()
    bars = [path for path in branches if len(path) == 4]
    middles = [0.5 * (path[1] + path[2]) for path in bars]
    feet = [path[k] for path in bars for k in (0, 3)]
    feet += [path[0] for path in branches if len(path) == 2]
    assert all((path[1:3, 1] >= path[[0, 3], 1]).all() for path in bars)

    def in_order(points) -> np.ndarray:
        return np.array(sorted(np.asarray(points).round(9).tolist()))

    np.testing.assert_allclose(in_order(feet), in_order([*leaves, *middles]))


def test_shallow_minima_are_left_out_if_asked_for() -> None:
    ax = plot_disconnectivity(merge_tree(BIRTHS, HEIGHTS, ENDS), min_persistence=1.0)
    assert sorted(text.get_text() for text in ax.texts) == ["0", "1", "3"]
    assert len(ax.collections[0].get_segments()) == 3


def test_parts_that_no_saddle_joins_stand_side_by_side() -> None:
    ax = plot_disconnectivity(merge_tree(BIRTHS[:3], HEIGHTS[1:2], ENDS[1:2]))
    top = ax.get_ylim()[1]
    open_ends = [path for path in ax.collections[0].get_segments() if path[:, 1].max() == top]
    assert len(open_ends) == 2


def test_one_minimum_is_a_branch_alone() -> None:
    ax = plot_disconnectivity(random_tree(1, 0))
    ax.figure.draw_without_rendering()
    (branch,) = ax.collections[0].get_segments()
    assert branch[0, 0] == branch[1, 0] == 0.0
    assert branch[1, 1] == branch[0, 1] + 1.0


def test_many_minima_bear_no_numbers_and_a_chain_of_them_is_drawn() -> None:
    n = 3000
    births = torch.arange(n, dtype=torch.float64)
    ends = torch.stack([torch.arange(n - 1), torch.arange(1, n)], dim=1)
    ax = plot_disconnectivity(merge_tree(births, births[1:] + 0.5, ends))
    assert not ax.texts
    assert len(ax.collections[0].get_segments()) == n


def test_keywords_go_to_the_branches_and_an_empty_tree_is_refused() -> None:
    ax = plot_disconnectivity(merge_tree(BIRTHS, HEIGHTS, ENDS), linewidths=3.0)
    assert ax.collections[0].get_linewidth() == [3.0]
    with pytest.raises(tp.InvalidInputError, match="no minima"):
        plot_disconnectivity(merge_tree(BIRTHS[:0], HEIGHTS[:0], ENDS[:0]))
    with pytest.raises(tp.InvalidInputError, match="min_persistence"):
        plot_disconnectivity(merge_tree(BIRTHS, HEIGHTS, ENDS), min_persistence=-1.0)
