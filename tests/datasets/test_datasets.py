"""Each data set lies where its docstring says and has the Betti numbers that it names."""

from __future__ import annotations

import numpy as np
import pytest

import topopert as tp
from topopert import datasets

GENERATORS = {
    "circle": (datasets.circle, 1, (0, 1)),
    "figure_eight": (datasets.figure_eight, 2, (0, 2)),
    "linked_circles": (datasets.linked_circles, 2, (1, 2)),
    "swiss_roll": (datasets.swiss_roll, 2, (0, 0)),
    "sphere": (datasets.sphere, 2, (0, 0)),
    "torus": (datasets.torus, 2, (0, 2)),
    "klein_bottle": (datasets.klein_bottle, 2, (0, 1)),
}


@pytest.mark.parametrize("name", [*GENERATORS, "trefoil"])
def test_generators_follow_their_arguments(name: str) -> None:
    make = getattr(datasets, name)
    one = make(50, ambient_dim=9, noise=0.1, rng=np.random.default_rng(1))
    two = make(50, ambient_dim=9, noise=0.1, rng=np.random.default_rng(1))
    assert one.points.shape == (50, 9)
    assert len(one.parameters) == 50
    np.testing.assert_array_equal(one.points, two.points)
    with pytest.raises(tp.InvalidInputError, match="ambient_dim"):
        make(50, ambient_dim=1, rng=np.random.default_rng(1))
    with pytest.raises(tp.InvalidInputError, match="noise"):
        make(50, ambient_dim=9, noise=-1.0, rng=np.random.default_rng(1))


@pytest.mark.parametrize("name", GENERATORS)
def test_embedding_is_an_isometry(name: str) -> None:
    make = GENERATORS[name][0]
    home = make(30, rng=np.random.default_rng(1)).points
    away = make(30, ambient_dim=12, rng=np.random.default_rng(1)).points
    np.testing.assert_allclose(away @ away.T, home @ home.T, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in GENERATORS if n != "swiss_roll"])
def test_betti_numbers_are_found(name: str) -> None:
    make, _, (gaps, loops) = GENERATORS[name]
    points, _ = make(2000, ambient_dim=10, noise=0.03, rng=np.random.default_rng(2))
    features = tp.PersistentTopology(latent_dim=3).fit(points).features_
    found = [sum(f.homology_dim == k for f in features) for k in (0, 1)]
    assert found == [gaps, loops]


def test_digits_are_real() -> None:
    points, labels = datasets.digits()
    assert points.shape == (1797, 64)
    assert (points.min(), points.max()) == (0.0, 1.0)
    assert set(labels[:, 0]) == set(range(10))


def test_clusters_are_equidistant(rng) -> None:
    points, labels = datasets.clusters(4, 40, noise=0.0, rng=rng)
    centres = np.stack([points[labels[:, 0] == k].mean(axis=0) for k in range(4)])
    distances = np.linalg.norm(centres[:, None] - centres, axis=2)
    np.testing.assert_allclose(distances[np.triu_indices(4, 1)], 2.0)
    with pytest.raises(tp.InvalidInputError, match="ambient_dim"):
        datasets.clusters(30, 60, ambient_dim=20, rng=rng)
