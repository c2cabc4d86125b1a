from __future__ import annotations

import numpy as np
import pytest

import topopert as tp


def suggested(points: np.ndarray, latent_dim: int = 3, **settings) -> int:
    return tp.PersistentTopology(latent_dim, **settings).fit(points).suggested_latent_dim_


@pytest.mark.parametrize(
    ("name", "expected"), [("circle", 2), ("figure_eight", 2), ("linked_circles", 2), ("torus", 3)]
)
def test_manifolds_need_what_they_need(rng, name: str, expected: int) -> None:
    make = getattr(tp.datasets, name)
    points, _ = make(1500, ambient_dim=6, noise=0.02, rng=rng)
    assert suggested(points, n_landmarks=250) == expected


def test_clusters_fit_on_a_line_and_a_blob_needs_nothing(rng) -> None:
    assert suggested(tp.datasets.clusters(3, 600, rng=rng).points, n_landmarks=200) == 1
    assert suggested(rng.normal(size=(400, 4)), n_landmarks=200) == 1


def test_a_void_needs_three(rng) -> None:
    points, _ = tp.datasets.sphere(600, rng=rng)
    assert suggested(points, n_landmarks=60, max_homology_dim=2) == 3


def test_a_latent_space_too_small_is_said_with_the_number(rng) -> None:
    points, _ = tp.datasets.torus(1500, noise=0.02, rng=rng)
    with pytest.warns(tp.TopopertWarning, match="need 3 latent dimensions, latent_dim is 2"):
        tp.PersistentTopology(latent_dim=2, n_landmarks=250).fit(points)
