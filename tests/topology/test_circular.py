from __future__ import annotations

import numpy as np
import pytest

import topopert as tp


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
    assert resultant(found[:, 0], angle[:, 0]) > 0.98


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


@pytest.mark.parametrize("name", ["circle", "trefoil", "linked_circles"])
def test_angles_of_noisy_curves_are_the_true_ones(rng, name: str) -> None:
    points, parameters = getattr(tp.datasets, name)(1000, ambient_dim=10, noise=0.05, rng=rng)
    found = tp.PersistentTopology().fit(points).circular_coordinates(points)
    n_parts = 2 if name == "linked_circles" else 1
    for part in range(n_parts):
        rows = parameters[:, 0] == part if n_parts == 2 else slice(None)
        best = max(resultant(found[rows, k], parameters[rows, -1]) for k in range(found.shape[1]))
        assert best > 0.99
