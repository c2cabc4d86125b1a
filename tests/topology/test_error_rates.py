"""False positives and power, measured on the whole road from points to features."""

from __future__ import annotations

import pytest
from scipy.stats import binom

import topopert as tp
from tests.error_rates.clouds import AWKWARD, SHAPES, STRUCTURELESS
from tests.error_rates.rates import Rate, Size, counts_of, false_positives, power

LEVEL = 0.05


def assert_at_level(rate: Rate) -> None:
    # One in a thousand fails by chance at exactly the nominal level.
    assert rate.n_hits <= binom.ppf(0.999, rate.n_trials, LEVEL), rate


@pytest.mark.parametrize("name", ["5 clusters", "linked circles"])
def test_what_is_measured_is_what_the_estimator_finds(rng, name: str) -> None:
    points = SHAPES[name].sample(300, 0.03, rng)
    topology = tp.PersistentTopology(latent_dim=5, n_landmarks=100, layout="pca").fit(points)
    found = [f.homology_dim for f in topology.features_]
    counts = counts_of(points, n_landmarks=100, max_homology_dim=1)
    assert counts == (found.count(0), found.count(1))
    assert counts == SHAPES[name].betti


@pytest.mark.slow
def test_false_positives_stay_at_the_nominal_level() -> None:
    sizes = (Size(20, 20, 2), Size(60, 60, 2), Size(600, 60, 2), Size(120, 120, 1))
    total = [Rate(0, 0)] * 4
    for kind in STRUCTURELESS:
        rates = false_positives(kind, sizes, n_clouds=15)
        for rate in rates:
            assert_at_level(rate)
        total = [a.pooled(b) for a, b in zip(total, rates, strict=True)]
    assert total[-1].n_trials >= 200
    for rate in total:
        assert_at_level(rate)


@pytest.mark.slow
@pytest.mark.parametrize("kind", AWKWARD)
def test_ties_and_duplicates_are_no_structure(kind: str) -> None:
    for rate in false_positives(kind, (Size(100, 100, 1), Size(300, 120, 1)), n_clouds=12):
        assert_at_level(rate)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_found(name: str) -> None:
    n_landmarks = 100 if "sphere" in name else 200
    exactly, at_least = power(name, noise=0.02, n_runs=5, n_landmarks=n_landmarks)
    assert at_least.n_hits >= 4
    # The strands of a trefoil pass each other: Rips complexes see loops through the gaps.
    assert exactly.n_hits >= (0 if name == "trefoil" else 4)
