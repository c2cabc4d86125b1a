from __future__ import annotations

import numpy as np
import pytest

import topopert as tp
from topopert.backends import ripser_persistence
from topopert.topology.circular import circular_coordinates
from topopert.topology.cocycles import integer_cocycle
from topopert.topology.distances import pairwise_distances


def resultant(a: np.ndarray, b: np.ndarray) -> float:
    """Mean resultant length of the difference of two angles, orientation left open."""
    return max(float(abs(np.exp(1j * (a + sign * b)).mean())) for sign in (-1, 1))


def test_circle_is_recovered(rng) -> None:
    points, angle = tp.datasets.circle(600, ambient_dim=5, noise=0.03, rng=rng)
    topology = tp.PersistentTopology(n_landmarks=200).fit(points)
    found = topology.circular_coordinates(points)
    assert found.shape == (600, 1)
    assert found.min() >= 0
    assert found.max() < 2 * np.pi
    assert resultant(found[:, 0], angle[:, 0]) >= 0.99


def test_torus_gives_its_two_circles_and_not_their_sum(rng) -> None:
    points, angles = tp.datasets.torus(2000, ambient_dim=20, noise=0.05, rng=rng)
    topology = tp.PersistentTopology(latent_dim=3).fit(points)
    found = topology.circular_coordinates(points)
    agreement = np.array([[resultant(f, a) for a in angles.T] for f in found.T])
    assert np.sort(agreement.ravel())[2:].min() > 0.97
    assert np.sort(agreement.ravel())[:2].max() < 0.3


def test_angles_do_not_depend_on_row_order(rng) -> None:
    points, _ = tp.datasets.circle(300, noise=0.05, rng=rng)
    order = rng.permutation(300)
    one = tp.PersistentTopology(n_landmarks=100).fit(points).circular_coordinates(points)
    two = tp.PersistentTopology(n_landmarks=100).fit(points[order]).circular_coordinates(points)
    np.testing.assert_allclose(np.exp(1j * one), np.exp(1j * two), atol=1e-6)


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_angles_do_not_depend_on_the_frame(rng, quarter: int) -> None:
    points, _ = tp.datasets.circle(300, noise=0.05, rng=rng)
    angle = quarter * np.pi / 2 + 0.3
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = points @ rotation.T + 5
    one = tp.PersistentTopology(n_landmarks=100).fit(points).circular_coordinates(points)
    two = tp.PersistentTopology(n_landmarks=100).fit(moved).circular_coordinates(moved)
    np.testing.assert_allclose(np.exp(1j * one), np.exp(1j * two), atol=1e-4)


def test_no_loop_no_angle(rng) -> None:
    points = rng.normal(size=(300, 4))
    topology = tp.PersistentTopology().fit(points)
    assert topology.features_ == ()
    assert topology.circular_coordinates(points).shape == (300, 0)


def test_columns_are_in_the_order_of_the_features() -> None:
    """Lattice reduction sorts by length; each angle must stay with its own bar."""
    t = 2 * np.pi * np.arange(120) / 120
    circle = np.stack([np.cos(t), np.sin(t)], axis=1)  # dies last
    ellipse = np.stack([3 * np.cos(t) + 10, 0.8 * np.sin(t)], axis=1)
    points = np.vstack([circle, ellipse])
    topology = tp.PersistentTopology().fit(points)
    deaths = [f.death for f in topology.features_ if f.homology_dim == 1]
    assert deaths == sorted(deaths, reverse=True)
    found = topology.circular_coordinates(points)
    assert resultant(found[:120, 0], t) > 0.99
    assert resultant(found[120:, 1], t) > 0.9


def test_two_loops_with_equal_bars_are_two_loops() -> None:
    t = 2 * np.pi * np.arange(40) / 40
    polygon = np.stack([np.cos(t), np.sin(t)], axis=1)
    points = np.vstack([polygon, polygon + np.array([8.0, 0.0])])
    found = tp.PersistentTopology().fit(points).circular_coordinates(points)
    for part in (slice(40), slice(40, 80)):
        assert max(resultant(found[part, k], t) for k in (0, 1)) > 0.99


# Least mean resultant length with the truth, on points that the fit has not seen.
LEAST = {"circle": 0.99, "trefoil": 0.97, "torus": 0.98, "linked_circles": 0.98}


def worst_agreement(name: str, noise: float, rng: np.random.Generator) -> float:
    points, truth = getattr(tp.datasets, name)(3000, ambient_dim=10, noise=noise, rng=rng)
    latent_dim = 3 if name == "torus" else 2
    topology = tp.PersistentTopology(latent_dim, n_landmarks=300).fit(points[:2000])
    found, truth = topology.circular_coordinates(points[2000:]), truth[2000:]
    agreement = [
        [resultant(f[rows], a[rows]) for f in found.T]
        for rows, a in (
            [(truth[:, 0] == part, truth[:, 1]) for part in (0, 1)]
            if name == "linked_circles"
            else [(slice(None), angle) for angle in truth.T]
        )
    ]
    assert len({int(np.argmax(row)) for row in agreement}) == len(agreement)  # each its own
    # Where strands of a trefoil come near each other there are three more loops, short-lived ones.
    assert found.shape[1] == len(agreement) or name == "trefoil"
    return min(max(row) for row in agreement)


@pytest.mark.slow
@pytest.mark.parametrize("name", LEAST)
@pytest.mark.parametrize(("noise", "seed"), [(0.0, 0), (0.03, 1), (0.05, 2), (0.08, 3)])
def test_angles_of_new_points_are_the_true_ones(name: str, noise: float, seed: int) -> None:
    assert worst_agreement(name, noise, np.random.default_rng(seed)) >= LEAST[name]


def test_smoothing_is_weighted_least_squares(rng) -> None:
    """Against a dense solution of the whole least-squares problem."""
    angle = np.sort(rng.uniform(0, 2 * np.pi, size=60))
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    dist = pairwise_distances(points)
    persistence = ripser_persistence(dist, max_homology_dim=1)
    birth, death = persistence.diagrams[1].pairs[0]
    scale = birth + 0.3 * (death - birth)
    i, j = np.nonzero(np.triu(dist <= scale, k=1))
    alpha = integer_cocycle(persistence.cocycles[0], n=60, prime=47)[i, j]
    both = (dist <= scale) & ~np.eye(60, dtype=bool)
    kernel = np.where(both, 1.001 - (dist / scale) ** 2, 0)
    root = np.sqrt((kernel / np.outer(kernel.sum(0), kernel.sum(0)))[i, j])
    coboundary = np.zeros((len(i), 60))
    coboundary[np.arange(len(i)), j] = 1
    coboundary[np.arange(len(i)), i] = -1
    f = np.linalg.lstsq(root[:, None] * coboundary, root * alpha)[0]
    found = circular_coordinates(dist, persistence, [0], np.ones(60))
    assert found is not None
    difference = np.exp(1j * np.array([found[:, 0] + sign * 2 * np.pi * f for sign in (-1, 1)]))
    assert max(np.abs(difference.mean(axis=1))) == pytest.approx(1.0, abs=1e-9)


def test_origin_is_opposite_the_mean_and_orientation_that_of_the_second_moment(rng) -> None:
    angle = np.sort(rng.uniform(0, 2 * np.pi, size=60))
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    dist = pairwise_distances(points)
    persistence = ripser_persistence(dist, max_homology_dim=1)
    mass = 1 + np.cos(angle - 1.0) + 0.5 * np.sin(2 * angle)
    found = circular_coordinates(dist, persistence, [0], mass)
    assert found is not None
    moments = [mass @ np.exp(1j * n * found[:, 0]) / mass.sum() for n in (1, 2)]
    assert moments[0] == pytest.approx(-abs(moments[0]), abs=1e-12)
    assert abs(moments[0]) > 0.1
    assert moments[1].imag > 0.05


def projective_plane(n: int, rng: np.random.Generator) -> np.ndarray:
    """The Veronese surface x ↦ xxᵀ: its one loop is torsion, there mod 2 only."""
    x = rng.normal(size=(n, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return (x[:, :, None] * x[:, None, :]).reshape(n, 9)


def test_torsion_has_no_angle_and_another_prime_is_tried(rng, caplog, monkeypatch) -> None:
    monkeypatch.setattr("topopert.topology.features._PRIMES", (2, 47))
    points = projective_plane(1000, rng)
    with caplog.at_level("INFO", logger="topopert"):
        topology = tp.PersistentTopology(3, n_landmarks=120).fit(points)
    assert "no integer lift mod 2" in caplog.text
    assert topology.prime_ == 47
    # Diagrams and features are those of the prime that was kept: no loop is left.
    assert topology.features_ == ()
    assert topology.circular_coordinates(points).shape == (1000, 0)
    again = tp.persistence_diagrams(points[topology.landmarks_])
    np.testing.assert_allclose(topology.diagrams_[1].pairs, again[1].pairs, atol=1e-6)


def test_no_prime_that_works_is_an_error(rng, monkeypatch) -> None:
    monkeypatch.setattr("topopert.topology.features._PRIMES", (2,))
    with pytest.raises(tp.BackendError, match="no integer lift"):
        tp.PersistentTopology(3, n_landmarks=120).fit(projective_plane(1000, rng))


@pytest.mark.slow
def test_klein_bottle_keeps_its_one_angle_after_the_retry(rng, monkeypatch) -> None:
    monkeypatch.setattr("topopert.topology.features._PRIMES", (2, 47))
    points, truth = tp.datasets.klein_bottle(3000, rng=rng)
    topology = tp.PersistentTopology(3, n_landmarks=300).fit(points)
    assert topology.prime_ == 47
    found = topology.circular_coordinates(points)
    assert found.shape == (3000, 1)
    assert resultant(found[:, 0], truth[:, 0]) > 0.97


def test_a_loop_that_turns_out_to_be_twice_another_is_halved() -> None:
    """Möbius band with a dense rim: the rim closes first and runs around the core twice.

    Mod every odd prime the class is 1 on the rim, so ½ on the core; no lift of it is a cocycle.
    """
    around = np.concatenate(
        [4 * np.pi * np.arange(120) / 120, np.tile(np.arange(24), 3) * np.pi / 12]
    )
    across = np.concatenate([np.full(120, 0.5), np.repeat([-0.3, 0.0, 0.3], 24)])
    distance = 1 + across * np.cos(around / 2)
    points = np.stack(
        [distance * np.cos(around), distance * np.sin(around), across * np.sin(around / 2)], axis=1
    )
    topology = tp.PersistentTopology().fit(points)
    assert topology.prime_ == 47
    found = topology.circular_coordinates(points)
    assert found.shape == (192, 1)
    assert resultant(found[:, 0], around) > 0.97
