"""An energy is a finite number, or an error says why not: never a silent NaN."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import topopert as tp
from topopert import datasets

from .scenes import CLOSED_FORMS, ROW_FUNCTIONS, cloud, data, potential

EXTREMES = [1e30, -1e30, 1e18, 1e-30, 3e38, 0.0]
LOG_VARIANCES = [-1e30, -100.0, -50.0, 0.0, 50.0, 88.0, 89.0, 1e30]
# These are terms of a loss: what is not finite is for the loop to see, as with torch's own.
CHECKED = [name for name in ROW_FUNCTIONS if name.startswith(("energy", "excitation"))]


def finite_or_refused(function, *arguments) -> None:
    try:
        found = function(*arguments)
    except tp.InvalidInputError:
        return
    assert found.isfinite().all(), found


@pytest.mark.parametrize("name", [*CHECKED, "signature"])
@pytest.mark.parametrize("logvar", LOG_VARIANCES)
def test_extreme_posteriors_in_single_precision(name: str, logvar: float) -> None:
    function = ROW_FUNCTIONS.get(name) or tp.Hamiltonian(potential(name, 2)).energy
    x = data(3).float()
    for mean in EXTREMES:
        values = torch.tensor([[mean, 1.0], [mean, mean], [0.5, -1.0]])
        finite_or_refused(function, values, torch.full_like(values, logvar), x)


@pytest.mark.parametrize("name", CHECKED)
@pytest.mark.parametrize(
    ("argument", "bad"),
    [("mean", math.nan), ("mean", -math.inf), ("logvar", math.nan), ("logvar", math.inf)],
)
def test_values_that_are_no_numbers_are_refused_by_name(name, argument: str, bad) -> None:
    given = {"mean": torch.zeros(3, 2), "logvar": torch.zeros(3, 2)}
    given[argument][1, 0] = bad
    with pytest.raises(tp.InvalidInputError, match=argument):
        ROW_FUNCTIONS[name](given["mean"], given["logvar"], data(3).float())


@pytest.mark.parametrize("name", [name for name in CHECKED if name.startswith("energy")])
def test_no_spread_at_all_is_the_energy_of_the_mean(name: str) -> None:
    mean, x = torch.ones(3, 2), data(3).float()
    narrow = torch.full_like(mean, -math.inf)
    expected = ROW_FUNCTIONS[name](mean, torch.full_like(mean, -80.0), x)
    torch.testing.assert_close(ROW_FUNCTIONS[name](mean, narrow, x), expected)


@pytest.mark.parametrize("scale", [1e30, 1e38, 1e-30])
@pytest.mark.parametrize("name", ["field", "sum", "signature"])
def test_extreme_data_in_single_precision(name: str, scale: float) -> None:
    own = potential(name, 2).float()
    x = (data(3).clamp(-3, 3) * scale).float()
    finite_or_refused(tp.Hamiltonian(own).energy, torch.ones(3, 2), torch.zeros(3, 2), x)


@pytest.mark.parametrize("logvar", [-50.0, 50.0])
def test_excitations_keep_their_digits_at_extreme_spreads(logvar: float) -> None:
    mean, spread = torch.zeros(1, 2), torch.full((1, 2), logvar)
    expected = 2 * math.sinh(logvar / 2) ** 2
    assert float(tp.excitation_energy(mean, spread)) == pytest.approx(expected, rel=1e-5)
    wells = potential("wells", 2).float()
    found = tp.perturbed_excitation_energy(mean, spread, wells, coupling=1.0)
    assert float(found) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("scale", [1e30, 1e-30, 1e90])
def test_diagrams_landmarks_and_metrics_at_extreme_scales(scale: float) -> None:
    points = cloud() * scale
    plain, scaled = tp.persistence_diagrams(cloud()), tp.persistence_diagrams(points)
    for a, b in zip(plain, scaled, strict=True):
        np.testing.assert_allclose(b.pairs, a.pairs * scale, rtol=1e-5, atol=1e-6 * scale)
    indices, radius = tp.maxmin_landmarks(points, 9)
    expected, expected_radius = tp.maxmin_landmarks(cloud(), 9)
    np.testing.assert_array_equal(indices, expected)
    assert radius == pytest.approx(scale * expected_radius)
    distance = tp.wasserstein_distance(scaled[1], tp.persistence_diagrams(2 * points)[1])
    plain_distance = tp.wasserstein_distance(plain[1], tp.persistence_diagrams(2 * cloud())[1])
    assert distance == pytest.approx(scale * plain_distance, rel=1e-4)


@pytest.mark.parametrize(("dtype", "scale"), [(np.float32, 1e30), (np.float32, 1e-30)])
def test_landmarks_whose_distances_cannot_be_squared_are_refused(dtype, scale: float) -> None:
    with pytest.raises(tp.InvalidInputError, match="out of range"):
        tp.maxmin_landmarks((cloud() * scale).astype(dtype), 5)
    with pytest.raises(tp.InvalidInputError, match="out of range"):
        tp.maxmin_landmarks(cloud() * np.double(scale) ** 6, 5)


def test_equal_points_are_no_matter_of_scale() -> None:
    indices, radius = tp.maxmin_landmarks(np.full((9, 2), 3.3e5, dtype=np.float32), 4)
    assert (len(set(indices.tolist())), radius) == (4, 0.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("where", ["pairs", "essential"])
@pytest.mark.parametrize("distance", [tp.bottleneck_distance, tp.wasserstein_distance])
def test_diagrams_that_hold_no_numbers_are_refused(distance, where: str, bad: float) -> None:
    """Hera ends the process on NaN."""
    arrays = {"pairs": np.array([[0.0, 1.0]]), "essential": np.zeros(1)}
    good = tp.PersistenceDiagram(**arrays, homology_dim=0)
    arrays[where] = np.full_like(arrays[where], bad)
    with pytest.raises(tp.InvalidInputError, match="NaN or infinity"):
        distance(good, tp.PersistenceDiagram(**arrays, homology_dim=0))


@pytest.mark.parametrize("order", [1.0, 2.0, 50.0])
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_no_order_of_the_wasserstein_distance_overflows(order: float, scale: float) -> None:
    a, b = (
        tp.PersistenceDiagram(pairs=scale * np.array(bars), essential=np.zeros(1), homology_dim=0)
        for bars in ([[0.0, 0.2], [900.0, 900.1]], [[0.0, 0.3]])
    )
    # One bar moves by .1, the other goes to the diagonal, .05 away.
    expected = scale * 0.1 * (1 + 0.5**order) ** (1 / order)
    assert tp.wasserstein_distance(a, b, order=order) == pytest.approx(expected)


def test_clouds_too_large_to_be_multiplied_have_no_curvature() -> None:
    large = np.full((3, 2), 1e200)
    with pytest.raises(tp.InvalidInputError, match="too large"):
        tp.gauge_curvature(large, large)


def test_infinity_of_both_signs_is_refused_without_a_word_of_numpy() -> None:
    points = np.array([[np.inf, 0], [-np.inf, 1], [0, 1]], dtype=np.float32)
    for function in (tp.persistence_diagrams, lambda p: tp.gauge_curvature(p, p)):
        with pytest.raises(tp.InvalidInputError, match="infinity"):
            function(points)


@pytest.mark.parametrize("name", [*CLOSED_FORMS, "function"])
def test_the_priors_density_is_no_number_nowhere(name: str) -> None:
    hamiltonian = tp.Hamiltonian(0.1 * potential(name, 1))
    if name in ("field", "sum"):
        prior = hamiltonian.prior(anchors=torch.zeros(1, 1, dtype=torch.float64))
    else:
        prior = hamiltonian.prior(latent_dim=1)
    for place in (0.0, 1e-30, 1e9, 1e30):
        density = prior.log_prob(torch.full((1, 1), place, dtype=torch.float64))
        assert not density.isnan().any()
        assert (density < torch.inf).all()


@pytest.mark.parametrize("name", ["circle", "torus", "swiss_roll", "clusters"])
def test_noise_of_any_size_gives_finite_points(name: str) -> None:
    for noise in (0.0, 1e-30, 1e30):
        rng = np.random.default_rng(0)
        points, parameters = getattr(datasets, name)(n_points=12, noise=noise, rng=rng)
        assert np.isfinite(points).all()
        assert np.isfinite(parameters).all()
