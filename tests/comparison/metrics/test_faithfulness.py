"""Faithfulness against published values, and on latents with a known answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import ortho_group

import topopert as tp
from topopert.comparison.statistics.estimate import mean_estimate

SPHERES = Path(__file__).parent / "data" / "spheres.npz"
# Moor, Horn, Rieck, Borgwardt, Topological autoencoders (2020): published of the five embeddings.
FIELDS = (
    "density_divergence_001",
    "density_divergence_01",
    "density_divergence_1",
    "mrre",
    "continuity",
    "trustworthiness",
    "distance_rmse",
)
PUBLISHED = {
    "pca": ("0.340", "0.654", "0.0154", "0.295", "0.747", "0.625", "11.8"),
    "isomap": ("0.207", "0.425", "0.0089", "0.246", "0.791", "0.678", "10.4"),
    "umap": ("0.156", "0.602", "0.0161", "0.249", "0.752", "0.638", "9.2"),
    "autoencoder": ("0.561", "0.776", "0.0169", "0.357", "0.586", "0.582", "13.3"),
    "topoae": ("0.092", "0.315", "0.0067", "0.267", "0.827", "0.661", "13.5"),
}
UNFAITHFUL_0 = (*FIELDS[:4], "distance_rmse", "barcode_distance_h0", "barcode_distance_h1")
FAITHFUL_1 = ("trustworthiness", "continuity", "distance_correlation", "triplet_accuracy")


def values(metrics: tp.FaithfulnessMetrics) -> dict[str, float]:
    return {name: getattr(metrics, name).value for name in metrics.__dataclass_fields__}


@pytest.mark.parametrize("embedding", PUBLISHED)
def test_published_values_are_met_to_every_digit(embedding) -> None:
    with np.load(SPHERES) as spheres:
        metrics = values(tp.faithfulness(spheres["points"], spheres[embedding]))
    for name, published in zip(FIELDS, PUBLISHED[embedding], strict=True):
        digits = len(published.partition(".")[2])
        assert f"{metrics[name]:.{digits}f}" == published, name


def test_isometric_latents_are_faithful_in_everything(rng) -> None:
    points = rng.normal(size=(250, 4))
    latents = np.stack([points @ ortho_group.rvs(4, random_state=rng) + 3 for _ in range(3)])
    metrics = values(tp.faithfulness(points, latents))
    for name in UNFAITHFUL_0:
        assert metrics[name] == pytest.approx(0, abs=1e-6), name
    for name in FAITHFUL_1:
        assert metrics[name] == pytest.approx(1), name


def test_scale_matters_to_the_distances_themselves_alone(rng) -> None:
    points, latents = rng.normal(size=(150, 5)), rng.normal(size=(150, 2))
    one, ten, tiny = (values(tp.faithfulness(points, c * latents)) for c in (1, 10, 1e-6))
    assert ten.pop("distance_rmse") > 2 * one.pop("distance_rmse")
    assert tiny.pop("distance_rmse") == pytest.approx(np.sqrt(2 * points.var(axis=0).sum()))
    assert ten == pytest.approx(one)
    assert tiny == pytest.approx(one)


def test_unrelated_latents_are_at_chance(rng) -> None:
    points, latents = rng.normal(size=(1000, 3)), rng.normal(size=(4, 1000, 3))
    metrics = tp.faithfulness(points, latents)
    assert metrics.trustworthiness.value == pytest.approx(0.525, abs=0.01)  # mean of its chance
    assert metrics.continuity.value == pytest.approx(0.525, abs=0.01)
    assert metrics.triplet_accuracy.value == pytest.approx(0.5, abs=0.01)
    assert metrics.distance_correlation.value == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("n_points", [300, 1500])
def test_a_latent_collapsed_to_a_point_is_at_chance_and_finite(rng, n_points) -> None:
    # Sorted data: ties taken in the order of the rows would look like knowledge of neighbours.
    points = np.sort(rng.uniform(size=(n_points, 1)), axis=0)
    metrics = values(tp.faithfulness(points, np.full((n_points, 2), 0.1)))
    assert np.isfinite(list(metrics.values())).all()
    for name in ("trustworthiness", "continuity"):
        assert metrics[name] == pytest.approx(0.52, abs=0.05), name
    assert metrics["triplet_accuracy"] == 0.5
    assert metrics["distance_correlation"] == 0.0


def test_barcodes_are_of_components_and_loops(rng) -> None:
    angle = 2 * np.pi * rng.uniform(size=200)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    around, cut = (tp.faithfulness(circle, z) for z in (3 * circle, angle[:, None]))
    assert around.barcode_distance_h1.value == pytest.approx(0, abs=1e-6)
    # The loop lives from its widest gap to √3, in units of the RMS radius, which is about 1.
    gap = np.diff(np.sort(angle), append=angle.min() + 2 * np.pi).max()
    expected = (np.sqrt(3) - 2 * np.sin(gap / 2)) / 2
    assert cut.barcode_distance_h1.value == pytest.approx(expected, rel=0.05)
    assert cut.barcode_distance_h0.value < 0.5


def test_barcodes_are_of_two_hundred_rows() -> None:
    # A simplex has all edges √2 and, n of its corners, the RMS radius √(1 − 1/n).
    metrics = tp.faithfulness(np.eye(400), np.zeros((400, 1)))
    expected = np.sqrt(199 / 2) / np.sqrt(1 - 1 / 200)
    assert metrics.barcode_distance_h0.value == pytest.approx(expected)


def test_a_collapsed_axis_costs_faithfulness(rng) -> None:
    points = rng.normal(size=(300, 2))
    whole, flat = (values(tp.faithfulness(points, points * s)) for s in ([1, 1], [1, 0]))
    for name in UNFAITHFUL_0:
        assert flat[name] > whole[name] + 1e-4, name
    for name in FAITHFUL_1:
        assert flat[name] < whole[name] - 0.05, name


def test_seeds_are_the_unit_of_the_interval(rng) -> None:
    points = rng.normal(size=(60, 3))
    latents = np.stack([points + s * rng.normal(size=(60, 3)) for s in (0.1, 0.2, 0.4, 0.8)])
    for name in ("distance_correlation", "mrre"):
        alone = [getattr(tp.faithfulness(points, z), name).value for z in latents]
        expected = mean_estimate(np.array(alone))
        estimate = getattr(tp.faithfulness(points, latents), name)
        assert estimate.value == pytest.approx(expected.value)
        assert estimate.low == pytest.approx(max(expected.low, 0.0))
        assert estimate.high == pytest.approx(min(expected.high, 1.0))


@pytest.mark.parametrize("n_seeds", [1, 2])
def test_few_seeds_have_a_value_and_no_interval(rng, n_seeds) -> None:
    metrics = tp.faithfulness(rng.normal(size=(40, 3)), rng.normal(size=(n_seeds, 40, 2)))
    for name in metrics.__dataclass_fields__:
        estimate = getattr(metrics, name)
        assert np.isfinite(estimate.value)
        assert np.isnan([estimate.low, estimate.high]).all()


def test_rows_and_triplets_are_the_same_each_time_and_anothers_by_rng(rng) -> None:
    points, latents = rng.normal(size=(1200, 3)), rng.normal(size=(1200, 2))
    first, again = (values(tp.faithfulness(points, latents)) for _ in range(2))
    other = values(tp.faithfulness(points, latents, rng=np.random.default_rng(1)))
    assert first == again
    assert all(first[name] != other[name] for name in first)


def test_tensors_in_single_precision_are_taken(rng) -> None:
    points, latents = rng.normal(size=(50, 3)), rng.normal(size=(3, 50, 2))
    ours = values(tp.faithfulness(torch.tensor(points).float(), torch.tensor(latents).float()))
    assert ours == pytest.approx(values(tp.faithfulness(points, latents)), rel=1e-3, abs=1e-3)


def test_three_points_are_enough(rng) -> None:
    metrics = values(tp.faithfulness(rng.normal(size=(3, 2)), rng.normal(size=(3, 2))))
    assert np.isfinite(list(metrics.values())).all()


@pytest.mark.parametrize(
    ("points", "latents", "said"),
    [
        (np.zeros((9, 3)), np.ones((9, 2)), "All 9 rows of `points` are equal"),
        (np.eye(9), np.ones((8, 2)), "`points` has 9 rows and `latents` 8 per run"),
        (np.eye(9), np.ones((9, 2), dtype=int), "`latents` must be floating-point"),
        (np.eye(9), np.full((9, 2), np.nan), "NaN or infinity"),
        (np.full((9, 2), np.nan), np.eye(9), "`points` cannot be used"),
        (np.eye(9), np.ones(9), "shape"),
        (np.eye(2), np.eye(2), "`points` cannot be used"),
    ],
)
def test_bad_input_is_refused(points, latents, said) -> None:
    with pytest.raises(tp.InvalidInputError, match=said):
        tp.faithfulness(points, latents)


def test_metrics_print_a_line_each(rng) -> None:
    lines = str(tp.faithfulness(rng.normal(size=(30, 3)), rng.normal(size=(30, 2)))).splitlines()
    assert len(lines) == 11
    assert lines[0].startswith("density_divergence_001 ")
