"""Anchors do not know the order of the rows, nor where the data lie or how they are turned."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist

import topopert as tp

MANIFOLDS = (
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
# Those that have loops enough to be laid out by cohomology, and in which d.
CASES = [(name, layout) for name in MANIFOLDS for layout in ("geodesic", "pca")]
CASES += [(n, "cohomology") for n in ("circle", "figure_eight", "linked_circles", "trefoil")]
# The warning that the latent space is too small is not what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore::topopert.TopopertWarning")


def sample(name: str, noise: float) -> np.ndarray:
    make = getattr(tp.datasets, name)
    return make(n_points=500, ambient_dim=6, noise=noise, rng=np.random.default_rng(1)).points


def check_invariance(points: np.ndarray, topology: tp.PersistentTopology) -> None:
    rng = np.random.default_rng(2)
    order = rng.permutation(len(points))
    rotation, _ = np.linalg.qr(rng.normal(size=(points.shape[1], points.shape[1])))
    anchors = topology.fit_transform(points)
    np.testing.assert_allclose(topology.fit_transform(points[order]), anchors[order], atol=1e-6)
    np.testing.assert_allclose(topology.fit_transform(points @ rotation.T + 3), anchors, atol=1e-4)


@pytest.mark.parametrize(("name", "layout"), CASES)
def test_anchors_in_the_plane(name: str, layout: str) -> None:
    check_invariance(sample(name, 0.03), tp.PersistentTopology(2, n_landmarks=80, layout=layout))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "layout"), CASES)
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_anchors_in_space(name: str, layout: str, noise: float) -> None:
    if name == "clusters" and noise == 0:
        pytest.skip("five equidistant points are a true symmetry")
    check_invariance(sample(name, noise), tp.PersistentTopology(3, n_landmarks=80, layout=layout))


@pytest.mark.slow
@pytest.mark.parametrize("latent_dim", [3, 4])
def test_torus_by_cohomology(rng, latent_dim: int) -> None:
    points, _ = tp.datasets.torus(2000, ambient_dim=6, noise=0.03, rng=rng)
    check_invariance(points, tp.PersistentTopology(latent_dim, layout="cohomology"))


@pytest.mark.slow
def test_pages(rng) -> None:
    t = rng.uniform(0, 2 * np.pi, size=900)
    page = np.repeat(2 * np.pi * np.arange(3) / 3, 300)
    points = np.stack(
        [np.cos(page) * (1 - np.cos(t)), np.sin(page) * (1 - np.cos(t)), np.sin(t)], axis=1
    ) + 0.02 * rng.normal(size=(900, 3))
    check_invariance(points, tp.PersistentTopology(3, n_landmarks=150, layout="cohomology"))


@pytest.mark.slow
def test_real_data() -> None:
    """Pixels of whole numbers are full of ties, which neither order nor a turn may decide."""
    points, _ = tp.datasets.digits()
    for layout in ("geodesic", "pca"):
        check_invariance(points, tp.PersistentTopology(2, n_landmarks=150, layout=layout))
    patches, _ = tp.datasets.image_patches(1000, rng=np.random.default_rng(0))
    check_invariance(patches, tp.PersistentTopology(2, n_landmarks=150))


@pytest.mark.parametrize("layout", ["geodesic", "pca", "cohomology"])
def test_a_true_symmetry_is_broken_somehow_but_the_shape_stays(rng, layout: str) -> None:
    """No rule can tell the corners of a regular polygon apart: only distances are determined."""
    turn = 2 * np.pi * np.arange(60) / 60
    points = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    order = rng.permutation(60)
    topology = tp.PersistentTopology(2, layout=layout)
    np.testing.assert_allclose(
        pdist(topology.fit_transform(points[order])),
        pdist(topology.fit_transform(points)[order]),
        atol=1e-6,
    )
