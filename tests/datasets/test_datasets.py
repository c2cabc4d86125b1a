"""Each data set lies where its docstring says and has the Betti numbers that it names."""

from __future__ import annotations

import numpy as np
import pytest

import topopert as tp
from topopert import datasets

GENERATORS = (
    "circle",
    "clusters",
    "figure_eight",
    "klein_bottle",
    "linked_circles",
    "sphere",
    "swiss_roll",
    "torus",
    "trefoil",
)


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_follow_their_arguments(name: str) -> None:
    make = getattr(datasets, name)
    one = make(n_points=50, ambient_dim=9, noise=0.1, rng=np.random.default_rng(1))
    two = make(n_points=50, ambient_dim=9, noise=0.1, rng=np.random.default_rng(1))
    assert one.points.shape == (50, 9)
    assert len(one.parameters) == 50
    np.testing.assert_array_equal(one.points, two.points)
    with pytest.raises(tp.InvalidInputError, match="ambient_dim"):
        make(n_points=50, ambient_dim=1, rng=np.random.default_rng(1))
    with pytest.raises(tp.InvalidInputError, match="noise"):
        make(n_points=50, ambient_dim=9, noise=-1.0, rng=np.random.default_rng(1))


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("n_points", [0, -3, 2.0, "10", True])
def test_a_number_of_points_that_is_none_is_refused(name: str, n_points) -> None:
    make = getattr(datasets, name)
    with pytest.raises(tp.InvalidInputError, match="n_points"):
        make(n_points=n_points, rng=np.random.default_rng(1))


@pytest.mark.parametrize("name", [*GENERATORS, "image_patches"])
@pytest.mark.parametrize("rng", [0, None, np.random.RandomState(0)])
def test_a_seed_is_not_a_generator(name: str, rng) -> None:
    with pytest.raises(tp.InvalidInputError, match="rng"):
        getattr(datasets, name)(n_points=20, rng=rng)


@pytest.mark.parametrize("noise", [np.nan, np.inf, "much"])
def test_noise_is_a_finite_number(noise) -> None:
    with pytest.raises(tp.InvalidInputError, match="noise"):
        datasets.torus(noise=noise, rng=np.random.default_rng(1))


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("n_points", [5, 6, 7, 51])
def test_few_points_are_as_many_as_asked_for(name: str, n_points: int) -> None:
    points, parameters = (
        getattr(datasets, name)(n_points, rng=np.random.default_rng(1))
        if (name != "clusters")
        else datasets.clusters(5, n_points, rng=np.random.default_rng(1))
    )
    assert (len(points), len(parameters)) == (n_points, n_points)
    assert points.dtype == parameters.dtype == np.float64
    assert parameters.ndim == 2
    assert np.isfinite(points).all()


@pytest.mark.parametrize("name", [name for name in GENERATORS if name != "clusters"])
def test_embedding_is_an_isometry(name: str) -> None:
    make = getattr(datasets, name)
    home = make(30, rng=np.random.default_rng(1)).points
    away = make(30, ambient_dim=12, rng=np.random.default_rng(1)).points
    np.testing.assert_allclose(away @ away.T, home @ home.T, atol=1e-9)


# (parameters, points that they put there): every point can be computed from its parameters.
FORMULAS = {
    "circle": lambda t: [np.cos(t), np.sin(t)],
    "trefoil": lambda t: [
        np.sin(t) + 2 * np.sin(2 * t),
        np.cos(t) - 2 * np.cos(2 * t),
        -np.sin(3 * t),
    ],
    "figure_eight": lambda a, t: [np.cos(t) + 2 * a - 1, np.sin(t)],
    "linked_circles": lambda a, t: [np.cos(t) + a, (1 - a) * np.sin(t), a * np.sin(t)],
    "torus": lambda s, t: [2 * np.cos(s), 2 * np.sin(s), np.cos(t), np.sin(t)],
    "sphere": lambda lon, lat: [
        np.cos(lat) * np.cos(lon),
        np.cos(lat) * np.sin(lon),
        np.sin(lat),
    ],
    "klein_bottle": lambda s, t: [
        (2 + np.cos(t)) * np.cos(s),
        (2 + np.cos(t)) * np.sin(s),
        np.sin(t) * np.cos(s / 2),
        np.sin(t) * np.sin(s / 2),
    ],
    "swiss_roll": lambda t, h: [
        t / (4.5 * np.pi) * np.cos(t),
        t / (4.5 * np.pi) * np.sin(t),
        1.5 * h - 0.75,
    ],
}


@pytest.mark.parametrize("name", FORMULAS)
def test_parameters_are_the_true_ones(name: str) -> None:
    points, parameters = getattr(datasets, name)(40, rng=np.random.default_rng(3))
    expected = np.stack(FORMULAS[name](*parameters.T), axis=1)
    np.testing.assert_allclose(points, expected, atol=1e-12)


def found_betti_numbers(points: np.ndarray, max_homology_dim: int, n_landmarks: int) -> list[int]:
    topology = tp.PersistentTopology(
        min(3, points.shape[1]),
        max_homology_dim=max_homology_dim,
        n_landmarks=n_landmarks,
        layout="pca",
    ).fit(points)
    dims = [f.homology_dim for f in topology.features_]
    return [1 + dims.count(0), *(dims.count(k) for k in range(1, max_homology_dim + 1))]


def test_every_data_set_but_digits_has_known_betti_numbers() -> None:
    generators = set(datasets.__all__) - {"BETTI_NUMBERS", "Dataset", "digits"}
    assert set(datasets.BETTI_NUMBERS) == generators


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in GENERATORS if n not in ("swiss_roll", "trefoil")])
def test_components_and_loops_are_found(name: str) -> None:
    make = getattr(datasets, name)
    points, _ = make(n_points=3000, ambient_dim=10, noise=0.02, rng=np.random.default_rng(2))
    assert tuple(found_betti_numbers(points, 1, 300)) == datasets.BETTI_NUMBERS[name][:2]


@pytest.mark.parametrize("name", ["swiss_roll", "trefoil"])
def test_components_and_loops_are_found_where_sheets_or_strands_are_resolved(name: str) -> None:
    """Sheets of the roll and strands of the knot come near each other: no noise here."""
    points, _ = getattr(datasets, name)(2000, rng=np.random.default_rng(2))
    assert tuple(found_betti_numbers(points, 1, 300)) == datasets.BETTI_NUMBERS[name][:2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "n_landmarks"), [("torus", 150), ("sphere", 100), ("circle", 100), ("clusters", 150)]
)
def test_voids_are_found(name: str, n_landmarks: int) -> None:
    points, _ = getattr(datasets, name)(n_points=2000, rng=np.random.default_rng(2))
    assert found_betti_numbers(points, 2, n_landmarks)[2] == datasets.BETTI_NUMBERS[name][2]


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
    with pytest.raises(tp.InvalidInputError, match="n_points"):
        datasets.clusters(4, 3, rng=rng)
    with pytest.raises(tp.InvalidInputError, match="ambient_dim"):
        datasets.clusters(30, 60, ambient_dim=20, rng=rng)
