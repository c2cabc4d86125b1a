"""UDR on axes that are known to be the same, mixed or missing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ortho_group, rankdata, spearmanr

import topopert as tp
from topopert.comparison.metrics.udr import unsupervised_disentanglement


def udr(latents: np.ndarray) -> np.ndarray:
    return unsupervised_disentanglement(latents, latents.var(axis=1) > 0.01)


def independent_axes(n_points: int, d: int) -> np.ndarray:
    """Axes whose ranks are exactly uncorrelated: a full grid in random order."""
    side = round(n_points ** (1 / d))
    grid = np.stack(np.meshgrid(*[np.arange(side)] * d), axis=-1).reshape(-1, d)
    return grid - grid.mean(axis=0)


def test_score_is_the_papers_formula(rng) -> None:
    a, b = rng.normal(size=(50, 3)), rng.normal(size=(50, 3))
    b[:, 0] += a[:, 1]
    b[:, 2] = 0.001 * b[:, 2]  # uninformative
    relation = np.abs([[spearmanr(a[:, i], b[:, j])[0] for j in (0, 1)] for i in range(3)])
    expected = sum(relation[:, j].max() ** 2 / relation[:, j].sum() for j in range(2))
    expected += sum(relation[i].max() ** 2 / relation[i].sum() for i in range(3))
    score = udr(np.stack([a, b]))
    assert score[0, 1] == pytest.approx(expected / 5)
    assert score[1, 0] == score[0, 1]


def test_permuted_flipped_and_bent_axes_score_one() -> None:
    z = independent_axes(343, 3)
    others = [z[:, [1, 2, 0]] * [1, -1, 1], np.sign(z) * np.abs(z) ** 3]
    assert udr(np.stack([z, *others])) == pytest.approx(np.ones((3, 3)))


def test_axes_turned_by_an_eighth_score_half() -> None:
    z = independent_axes(10_000, 2)
    turned = z @ np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
    # Each axis is equally like two: max² / sum = r / 2 with r just above 1/√2 for ranks.
    score = udr(np.stack([z, turned]))[0, 1]
    like = np.corrcoef(rankdata(z[:, 0]), rankdata(turned[:, 0]))[0, 1]
    assert score == pytest.approx(like / 2)
    assert score < 0.4


def test_rotations_lower_what_permutations_leave(rng) -> None:
    z = rng.normal(size=(800, 4))
    turned = tp.degeneracy(
        np.stack([z @ ortho_group.rvs(4, random_state=rng) for _ in range(5)])
    ).udr
    permuted = tp.degeneracy(np.stack([z[:, rng.permutation(4)] for _ in range(5)])).udr
    assert turned.high < 0.6 < 0.85 < permuted.low


def test_chance_correlations_lower_the_score_as_said(rng) -> None:
    z = rng.normal(size=(1000, 16))
    expected = 1 / (1 + 0.8 * 15 / np.sqrt(1000))
    assert udr(np.stack([z, z]))[0, 1] == pytest.approx(expected, abs=0.02)


def test_collapsed_axes_are_left_out() -> None:
    z = independent_axes(343, 3)
    kept = np.stack([z * [1, 1, 0], z[:, [2, 0, 1]] * [0, 1, 1]])
    assert udr(kept)[0, 1] == pytest.approx(1)


def test_an_axis_that_only_one_run_has_counts_as_unlike() -> None:
    z = independent_axes(343, 3)
    assert udr(np.stack([z, z * [1, 1, 0]]))[0, 1] == pytest.approx(4 / 5)


def test_no_informative_axis_scores_zero() -> None:
    z = independent_axes(343, 3)
    assert udr(np.stack([z, 0 * z, 0 * z]))[1] == pytest.approx([0, 0, 0])


def test_informative_axes_are_by_kl_where_it_is_given(rng) -> None:
    z = rng.normal(size=(3, 200, 2))
    z[:, :, 0] = z[0, :, 0]
    kl = np.tile([1.0, 0.001], (3, 1))
    assert tp.degeneracy(z, kl_per_axis=kl).udr.value == pytest.approx(1)
    assert tp.degeneracy(z).udr.value < 0.95


@pytest.mark.parametrize("kl", [np.ones((2, 2)), np.ones((3, 3)), np.full((3, 2), np.nan), "kl"])
def test_bad_kl_is_refused(rng, kl) -> None:
    with pytest.raises(tp.InvalidInputError, match="kl_per_axis"):
        tp.degeneracy(rng.normal(size=(3, 20, 2)), kl_per_axis=kl)
