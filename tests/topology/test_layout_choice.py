"""The layout that wins is the one whose diagrams are nearest to the data's, whatever its name.

Distances within .5 % count as equal; then cohomology goes before geodesics, those before PCA.
"""

from __future__ import annotations

import numpy as np
import pytest

import topopert as tp
from topopert.topology import estimator

pytestmark = pytest.mark.filterwarnings("ignore::topopert.TopopertWarning")


def diagram_distance(one: np.ndarray, two: np.ndarray, *, max_homology_dim: int) -> float:
    """Order-2 Wasserstein distances, summed over the dimensions, in RMS radii of each cloud.

    By ripser; the estimator has GUDHI for it.
    """
    answers = []
    for points in (one, two):
        centred = points - points.mean(axis=0)
        unit = np.sqrt((centred**2).sum(axis=1).mean())
        answers.append(
            tp.persistence_diagrams(
                centred / unit, max_homology_dim=max_homology_dim, backend="ripser"
            )
        )
    return sum(tp.wasserstein_distance(a, b) for a, b in zip(*answers, strict=True))


def check_choice(name: str, latent_dim: int, max_homology_dim: int, monkeypatch) -> None:
    points = getattr(tp.datasets, name)(1000, noise=0.02, rng=np.random.default_rng(1)).points
    kept = {}

    def keep(*arguments, **settings):
        kept["choice"] = choose_layout(*arguments, **settings)
        return kept["choice"]

    choose_layout = estimator.choose_layout
    monkeypatch.setattr(estimator, "choose_layout", keep)
    # Voids are dear: the second implementation takes seconds with 60 landmarks.
    n_landmarks = 100 if max_homology_dim == 1 else 50
    settings = {"max_homology_dim": max_homology_dim, "n_landmarks": n_landmarks}
    chosen = tp.PersistentTopology(latent_dim, **settings).fit(points)
    landmarks = points[chosen.landmarks_]
    by_hand = {}
    for layout in ("cohomology", "geodesic", "pca"):
        try:
            tp.PersistentTopology(latent_dim, layout=layout, **settings).fit(points)
        except tp.InvalidInputError:
            continue  # no loops to lay out
        by_hand[layout] = diagram_distance(
            kept["choice"].values, landmarks, max_homology_dim=max_homology_dim
        )
    assert chosen.layout_distances_ == pytest.approx(by_hand, rel=1e-4)
    nearest = [
        name for name, distance in by_hand.items() if distance <= 1.005 * min(by_hand.values())
    ]
    assert chosen.layout_ == nearest[0]
    assert chosen.anchor_distance_ == pytest.approx(by_hand[nearest[0]], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["klein_bottle", "sphere", "torus", "linked_circles"])
@pytest.mark.parametrize("latent_dim", [2, 3])
@pytest.mark.parametrize("max_homology_dim", [1, 2])
def test_no_shape_fools_the_choice(
    name: str, latent_dim: int, max_homology_dim: int, monkeypatch
) -> None:
    check_choice(name, latent_dim, max_homology_dim, monkeypatch)


@pytest.mark.slow
def test_a_sphere_keeps_its_void_in_three_dimensions_and_loses_it_in_two(rng) -> None:
    points, _ = tp.datasets.sphere(1000, ambient_dim=8, noise=0.02, rng=rng)
    settings = {"max_homology_dim": 2, "n_landmarks": 80}
    dims = []
    for latent_dim in (3, 2):
        anchors = tp.PersistentTopology(latent_dim, **settings).fit_transform(points)
        again = tp.PersistentTopology(latent_dim, **settings).fit(anchors)
        dims.append([f.homology_dim for f in again.features_])
    assert dims[0] == [2]
    assert 2 not in dims[1]
    assert tp.PersistentTopology(2, **settings).fit(points).suggested_latent_dim_ == 3
